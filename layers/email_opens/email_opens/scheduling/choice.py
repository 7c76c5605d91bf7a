"""The choice of what to do now. Pure.

A poll ends the waiting of the opens that have come since the report was last read. The rates say
how much waiting that is, in open-seconds. As often as `plan` allows a request, it is spent where it
ends the most:

    poll where weight * waiting / requests that the poll costs is largest

At constant rates this polls in proportion to the square roots of the rates, the best use of a
budget (Sia, Cho & Cho, IEEE TKDE 19(7), 2007).

A request for the counters of up to 150 campaigns is one more offer: it ends the waiting of all
activities that have changed, at the cost of polling these as well.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from math import ceil, exp, inf, sqrt

from email_opens.account import CounterTrust
from email_opens.scheduling.candidates import Candidate
from email_opens.scheduling.plan import Plan
from email_opens.scheduling.rates import expected, rate_at, waiting

GRAIN_SECONDS = 4.0
"""The shortest interval between two polls of an activity, and between two probes."""
PROBE_EVERY_SECONDS = 900.0
"""The longest interval between two probes, which show how far the counters can be trusted."""
CAMPAIGNS_PER_PROBE = 150
"""The most campaigns whose counters the vendor returns with one request."""
LEAST_WORTH = 0.002
"""Open-seconds: a request that ends less is not worth sending."""


class Why(StrEnum):
    """Why an activity is polled."""

    FIRST = "first read"
    CHANGED = "its counter has moved"
    FRESH = "sent within the hour"
    OVERDUE = "read long ago"
    WORTH = "enough opens are waiting"


@dataclass(frozen=True, slots=True)
class Poll:
    """Poll this activity now."""

    candidate: Candidate
    waiting: float
    """Weighted open-seconds that the poll ends."""
    why: Why


@dataclass(frozen=True, slots=True)
class Probe:
    """Read the counters now."""


@dataclass(frozen=True, slots=True)
class Wait:
    """Nothing is worth a request yet; choose again after this time."""

    seconds: float
    """Infinite: nothing that is worth waiting for will come."""


type Choice = Poll | Probe | Wait


@dataclass(frozen=True, slots=True)
class _Offer:
    """A request that could be sent."""

    choice: Poll | Probe
    ratio: float
    """Open-seconds that it ends for each request, with those that follow from it."""
    seconds: float
    """The time until the plan allows it, and it is worth sending."""


def choose(
    candidates: Iterable[Candidate],
    plan: Plan,
    trust: CounterTrust,
    probed_seconds_ago: float | None,
    *,
    spent_seconds_ago: float,
    now: datetime,
    campaigns_per_probe: int = CAMPAIGNS_PER_PROBE,
) -> Choice:
    """Return what ends the most waiting for a request, if the plan allows one now.

    `probed_seconds_ago` is None if no probe can be made. `spent_seconds_ago` is the time since the
    last request that the plan has allowed.
    """
    chooser = _Chooser(plan, trust, spent_seconds_ago, now)
    counted = _Counted(trust, campaigns_per_probe, now)
    for candidate in candidates:
        chooser.offer_poll(candidate)
        if probed_seconds_ago is not None:
            counted.add(candidate)
    if probed_seconds_ago is not None and counted.countable:
        probe = counted.offer(plan, probed_seconds_ago, spent_seconds_ago)
        chooser.offer_probe(probe, probed_seconds_ago)
    return chooser.choice()


@dataclass(slots=True)
class _Chooser:
    """The best offers so far, and how long to wait for a better one."""

    plan: Plan
    trust: CounterTrust
    spent_seconds_ago: float
    now: datetime
    best: _Offer | None = None
    """The one that ends the most for each request, if the plan allows it."""
    due: _Offer | None = None
    """The best of those that are due, whatever they are worth."""
    wait_seconds: float = inf

    def offer_poll(self, candidate: Candidate) -> None:
        until_due = seconds_until_due(candidate, self.plan, self.trust.missed, self.now)
        rests = 0.0 if candidate.first else GRAIN_SECONDS - candidate.idle_seconds(self.now)
        if rests > 0:
            self._wait(max(rests, min(until_due, self._until_allowed(candidate))))
            return
        ended = candidate.waiting(self.trust.missed, self.now)
        ratio = inf if candidate.first else ended / candidate.cost
        if until_due > 0:
            self._wait(until_due)
            if self.best is None or ratio > self.best.ratio:
                allowed = self._until_allowed(candidate)
                self.best = _Offer(Poll(candidate, ended, Why.WORTH), ratio, allowed)
        elif self.due is None or ratio > self.due.ratio:
            why = reason(candidate, until_due, self.now)
            self.due = _Offer(Poll(candidate, ended, why), ratio, 0.0)

    def offer_probe(self, probe: _Offer, probed_seconds_ago: float) -> None:
        if probed_seconds_ago < GRAIN_SECONDS:
            self._wait(probe.seconds)
        elif probed_seconds_ago >= PROBE_EVERY_SECONDS:
            if self.due is None or probe.ratio > self.due.ratio:
                self.due = probe
        elif self.best is None or probe.ratio > self.best.ratio:
            self.best = probe

    def choice(self) -> Choice:
        best, due = self.best, self.due
        if best is not None and (due is None or best.ratio > due.ratio):
            if best.seconds <= 0:
                return best.choice
            self._wait(best.seconds)
        return due.choice if due else Wait(max(1.0, self.wait_seconds))

    def _wait(self, seconds: float) -> None:
        self.wait_seconds = min(self.wait_seconds, seconds)

    def _until_allowed(self, candidate: Candidate) -> float:
        rate = candidate.weight * rate_at(candidate.estimate, candidate.age_seconds(self.now))
        unread_seconds = (self.now - candidate.clear_at).total_seconds()
        return _until_allowed(
            rate, candidate.cost, self.plan, unread_seconds, self.spent_seconds_ago
        )


def reason(candidate: Candidate, until_due: float, now: datetime) -> Why:
    """Return why an activity is polled; all but `WORTH` apply whatever the poll is worth.

    `until_due` is what `seconds_until_due` returns.
    """
    if candidate.first:
        return Why.FIRST
    if candidate.changed:
        return Why.CHANGED
    if until_due > 0:
        return Why.WORTH
    return Why.FRESH if candidate.is_hot(now) else Why.OVERDUE


def seconds_until_due(candidate: Candidate, plan: Plan, missed: float, now: datetime) -> float:
    """Return the seconds until an activity is polled, whatever the poll is worth.

    A fresh send without unread opens by its counter waits longer, as far as counters are trusted.
    """
    if candidate.first or candidate.changed:
        return 0.0
    longest = candidate.longest_seconds
    lengthened = max(longest, min(longest * plan.stretch, plan.lengthened_to))
    overdue = lengthened - candidate.idle_seconds(now)
    if not candidate.is_hot(now):
        return overdue
    counted = (candidate.clear_at - candidate.read_at).total_seconds()
    hot = plan.hot_seconds - candidate.idle_seconds(now) + (1 - missed) * counted
    return min(overdue, hot)


def _until_allowed(
    rate: float, cost: float, plan: Plan, unread_seconds: float, spent_seconds_ago: float
) -> float:
    """Return the seconds until the plan allows a request, and it is worth sending.

    `rate` is in opens a second, and `unread_seconds` is the time in which they may have come.
    """
    if not plan.requests_a_second or not rate:
        return inf
    allowed = cost / plan.requests_a_second - spent_seconds_ago
    return max(allowed, sqrt(2 * LEAST_WORTH * cost / rate) - unread_seconds)


@dataclass(slots=True)
class _Counted:
    """What a probe would end, and what it would cost with the polls that follow from it."""

    trust: CounterTrust
    campaigns_per_probe: int
    now: datetime
    ended: float = 0.0
    polls: float = 0.0
    """Requests of the polls that are expected to follow."""
    rate: float = 0.0
    """Weighted opens a second of all that is counted."""
    countable: int = 0

    def add(self, candidate: Candidate) -> None:
        if not candidate.countable or candidate.changed:
            return
        self.countable += 1
        age, estimate = candidate.age_seconds(self.now), candidate.estimate
        clear_age = candidate.age_seconds(candidate.clear_at)
        counted_age = age - self.trust.lag_seconds
        self.rate += candidate.weight * rate_at(estimate, age)
        self.ended += candidate.weight * waiting(estimate, clear_age, counted_age)
        self.polls += candidate.cost * (1 - exp(-expected(estimate, clear_age, counted_age)))

    def offer(self, plan: Plan, probed_seconds_ago: float, spent_seconds_ago: float) -> _Offer:
        counts = 1 - self.trust.missed
        cost = ceil(self.countable / self.campaigns_per_probe) + self.polls
        unread = probed_seconds_ago - self.trust.lag_seconds
        allowed = _until_allowed(self.rate * counts, cost, plan, unread, spent_seconds_ago)
        return _Offer(
            Probe(),
            counts * self.ended / cost,
            max(
                GRAIN_SECONDS - probed_seconds_ago,
                min(allowed, PROBE_EVERY_SECONDS - probed_seconds_ago),
            ),
        )

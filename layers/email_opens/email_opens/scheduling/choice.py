"""The choice of what to do now, at a price of a request. Pure.

A poll ends the waiting of the opens that have come since the report was last read. The rates say
how much waiting that is, in open-seconds; the *price* says how much of it a request must end:

    poll if   weight * waiting >= price * requests that the poll costs

At a constant rate this polls in proportion to the square root of the rate, the best use of a
budget (Sia, Cho & Cho, IEEE TKDE 19(7), 2007). `price` finds the price.

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
from email_opens.scheduling.price import (
    CAMPAIGNS_PER_PROBE,
    GRAIN_SECONDS,
    PROBE_EVERY_SECONDS,
    Plan,
)
from email_opens.scheduling.rates import expected, waiting

NEARLY = 0.97
"""A poll whose worth is this near to the price is made without waiting for the rest."""


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


def choose(
    candidates: Iterable[Candidate],
    plan: Plan,
    trust: CounterTrust,
    probed_seconds_ago: float | None,
    *,
    now: datetime,
    campaigns_per_probe: int = CAMPAIGNS_PER_PROBE,
) -> Choice:
    """Return what ends the most waiting for a request, if that is worth the price.

    `probed_seconds_ago` is None if no probe can be made.
    """
    best: Poll | None = None
    enough, best_ratio, wait_seconds = NEARLY * plan.price, 0.0, inf
    offer = _ProbeOffer(trust, campaigns_per_probe, now)
    may_probe = probed_seconds_ago is not None and probed_seconds_ago >= _probe_after(plan)
    for candidate in candidates:
        if may_probe:
            offer.add(candidate)
        why = reason(candidate, plan, now)
        seconds = _wait_seconds(candidate, why, plan, trust.missed, now)
        if seconds is not None:
            wait_seconds = min(wait_seconds, seconds)
            continue
        ended = candidate.waiting(trust.missed, now)
        ratio = ended / candidate.cost
        if why is not Why.WORTH:
            ratio = inf if why is Why.FIRST else max(ratio, plan.price)
        if ratio < enough:
            wait_seconds = min(wait_seconds, GRAIN_SECONDS)
        elif best is None or ratio > best_ratio:
            best, best_ratio = Poll(candidate, ended, why), ratio
    if probed_seconds_ago is not None and best_ratio < inf:
        if may_probe and offer.pays(probed_seconds_ago, max(enough, best_ratio)):
            return Probe()
        if plan.probe_seconds is not None:
            probe_seconds = offer.wait_seconds(plan.probe_seconds, probed_seconds_ago, enough)
            wait_seconds = min(wait_seconds, probe_seconds)
    return best or Wait(max(1.0, wait_seconds))


def reason(candidate: Candidate, plan: Plan, now: datetime) -> Why:
    """Return why an activity is polled; all but `WORTH` apply whatever the poll is worth."""
    if candidate.first:
        return Why.FIRST
    if candidate.changed:
        return Why.CHANGED
    if candidate.idle_seconds(now) < interval_seconds(candidate, plan, now):
        return Why.WORTH
    return Why.FRESH if candidate.is_hot(now) else Why.OVERDUE


def interval_seconds(candidate: Candidate, plan: Plan, now: datetime) -> float:
    """Return the longest interval between an activity's polls that the plan allows."""
    ordinary = max(candidate.longest_seconds, plan.rarest_seconds)
    return min(plan.hot_seconds, ordinary) if candidate.is_hot(now) else ordinary


def _probe_after(plan: Plan) -> float:
    """Return the seconds after a probe until another one may pay off."""
    if plan.probe_seconds is None:
        return PROBE_EVERY_SECONDS
    return min(PROBE_EVERY_SECONDS, max(GRAIN_SECONDS, plan.probe_seconds / 2))


def _wait_seconds(
    candidate: Candidate,
    why: Why,
    plan: Plan,
    missed: float,
    now: datetime,
) -> float | None:
    """Return the seconds until a poll may be due; None: it may be due now."""
    rests = 0.0 if candidate.first else GRAIN_SECONDS - candidate.idle_seconds(now)
    if why is not Why.WORTH:
        return rests if rests > 0 else None
    below = candidate.seconds_until_worth(plan.price, missed, now)
    if rests <= 0 and below <= 0:
        return None
    if candidate.is_hot(now):
        # A fresh send is polled then, whatever that will be worth.
        interval = interval_seconds(candidate, plan, now)
        below = min(below, interval - candidate.idle_seconds(now))
    return max(rests, below)


@dataclass(slots=True)
class _ProbeOffer:
    """What a probe would end, and what it would cost with the polls that follow from it."""

    trust: CounterTrust
    campaigns_per_probe: int
    now: datetime
    ended: float = 0.0
    cost: float = 0.0
    countable: int = 0

    def add(self, candidate: Candidate) -> None:
        if not candidate.countable or candidate.changed:
            return
        self.countable += 1
        clear_age = candidate.age_seconds(candidate.clear_at)
        counted_age = candidate.age_seconds(self.now) - self.trust.lag_seconds
        estimate = candidate.estimate
        self.ended += candidate.weight * waiting(estimate, clear_age, counted_age)
        self.cost += candidate.cost * (1 - exp(-expected(estimate, clear_age, counted_age)))

    def pays(self, probed_seconds_ago: float, best_ratio: float) -> bool:
        """Return whether a probe ends enough waiting for its requests, or is due anyway."""
        if not self.countable:
            return False
        return self._ratio > best_ratio or probed_seconds_ago >= PROBE_EVERY_SECONDS

    def wait_seconds(self, interval: float, probed_seconds_ago: float, price: float) -> float:
        """Return the seconds until a probe's interval is over, and it is about worth a price.

        What it ends grows as the square of the time.
        """
        if interval > probed_seconds_ago:
            return interval - probed_seconds_ago
        latest = PROBE_EVERY_SECONDS - probed_seconds_ago
        if not self._ratio:
            return latest
        seconds = probed_seconds_ago * (sqrt(price / self._ratio) - 1)
        return min(latest, max(GRAIN_SECONDS, seconds))

    @property
    def _ratio(self) -> float:
        """The waiting that a probe ends for each request that it takes or leads to."""
        if not self.countable:
            return 0.0
        requests = ceil(self.countable / self.campaigns_per_probe)
        return (1 - self.trust.missed) * self.ended / (requests + self.cost)

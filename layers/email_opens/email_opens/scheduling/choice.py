"""The choice of what to do now. Pure.

A poll ends the waiting of the opens that have come since the report was last read. The rates say
how much waiting that is, in open-seconds. As often as `plan` allows a request, it is spent where it
ends the most:

    poll where weight * waiting / requests that the poll costs is largest

At constant rates this polls in proportion to the square roots of the rates, the best use of a
budget (Sia, Cho & Cho, IEEE TKDE 19(7), 2007).

A request for the counters of up to 150 campaigns is one more offer: it ends the waiting of all
activities that have changed, at the cost of polling these as well.

While a walk goes on below an activity's head, each of its requests reads a page of opens that wait,
so the head is polled only when a poll is due whatever it is worth. While such walks go on below all
heads, the counters are read only when that is due.
"""

from collections.abc import Collection
from datetime import datetime
from enum import StrEnum
from math import ceil, exp, inf, sqrt

from msgspec import Struct

from email_opens.account import CounterTrust
from email_opens.scheduling.candidates import Candidate
from email_opens.scheduling.plan import Plan
from email_opens.scheduling.rates import expected, rate_at, waiting

GRAIN_SECONDS = 4.0
"""The shortest interval between two polls of an activity, and between two probes. A walk below an
activity's head counts as going on until this time after its last stretch."""
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


class Poll(Struct, frozen=True):
    """Poll this activity now."""

    candidate: Candidate
    waiting: float
    """Weighted open-seconds that the poll ends."""
    why: Why


class Probe(Struct, frozen=True):
    """Read the counters now."""


class Wait(Struct, frozen=True):
    """Nothing is worth a request yet; choose again after this time."""

    seconds: float
    """Infinite: nothing that is worth waiting for will come."""


type Choice = Poll | Probe | Wait


class _Offer(Struct, frozen=True):
    """A request that could be sent."""

    choice: Poll | Probe
    ratio: float
    """Open-seconds that it ends for each request, with those that follow from it."""
    cost: float
    """Requests, with those that follow from it."""
    saved: float
    """Requests that the plan allows before it is sent."""
    rate: float
    """Opens a second of what it reads, and the time in which they may have come unread."""
    unread_seconds: float
    rests_for: float
    """Seconds until it may be sent at all; not positive: it may be sent now."""
    due_in: float
    """Seconds until it is sent whatever it is worth."""


def choose(
    candidates: Collection[Candidate],
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
    first = next((candidate for candidate in candidates if candidate.first), None)
    if first is not None:
        # Of a thousand e-mails that are tracked at once, each is read without weighing the others.
        return Poll(first, first.waiting(trust.missed, now), Why.FIRST)
    offers = [_poll(candidate, plan, trust.missed, now) for candidate in candidates]
    countable = [
        candidate for candidate in candidates if candidate.countable and not candidate.changed
    ]
    if probed_seconds_ago is not None and countable:
        offers.append(_probe(countable, trust, probed_seconds_ago, campaigns_per_probe, now))
    due, others, wait_seconds = [], [], inf
    for offer in offers:
        if offer.rests_for > 0:
            seconds = min(offer.due_in, _allowed_in(offer, plan, spent_seconds_ago))
            wait_seconds = min(wait_seconds, max(offer.rests_for, seconds))
        elif offer.due_in <= 0:
            due.append(offer)
        else:
            others.append(offer)
            wait_seconds = min(wait_seconds, offer.due_in)
    best_due = max(due, key=_ratio, default=None)
    best = max(others, key=_ratio, default=None)
    if best is not None and (best_due is None or best.ratio > best_due.ratio):
        seconds = _allowed_in(best, plan, spent_seconds_ago)
        if seconds <= 0:
            return best.choice
        wait_seconds = min(wait_seconds, seconds)
    return best_due.choice if best_due else Wait(max(1.0, wait_seconds))


def _ratio(offer: _Offer) -> float:
    return offer.ratio


def _allowed_in(offer: _Offer, plan: Plan, spent_seconds_ago: float) -> float:
    """Return the seconds until the plan allows an offer, and the offer is worth sending."""
    if not plan.requests_a_second or not offer.rate:
        return inf
    allowed = offer.saved / plan.requests_a_second - spent_seconds_ago
    return max(allowed, sqrt(2 * LEAST_WORTH * offer.cost / offer.rate) - offer.unread_seconds)


def _poll(candidate: Candidate, plan: Plan, missed: float, now: datetime) -> _Offer:
    ended = candidate.waiting(missed, now)
    due_in = seconds_until_due(candidate, plan, missed, now)
    return _Offer(
        choice=Poll(candidate, ended, reason(candidate, due_in, now)),
        ratio=ended / candidate.cost,
        cost=candidate.cost,
        saved=candidate.cost,
        rate=candidate.weight * rate_at(candidate.estimate, candidate.age_seconds(now)),
        unread_seconds=(now - candidate.clear_at).total_seconds(),
        rests_for=_rests_for(candidate, now) if due_in > 0 else _grain_left(candidate.read_at, now),
        due_in=due_in,
    )


def _rests_for(candidate: Candidate, now: datetime) -> float:
    """Return the seconds until an activity may be polled before that is due."""
    return max(_grain_left(candidate.read_at, now), _walks_for(candidate, now))


def _walks_for(candidate: Candidate, now: datetime) -> float:
    """Return the seconds for which a walk below the activity's head counts as going on."""
    if candidate.continued_at is None or candidate.continued_at > now:
        return 0.0
    return _grain_left(candidate.continued_at, now)


def _grain_left(at: datetime, now: datetime) -> float:
    return GRAIN_SECONDS - (now - at).total_seconds()


def _probe(
    countable: Collection[Candidate],
    trust: CounterTrust,
    probed_seconds_ago: float,
    campaigns_per_probe: int,
    now: datetime,
) -> _Offer:
    """Return what a probe would end, and what it would cost with the polls that follow from it.

    Where opens are rare, each of them is followed by a poll however often the counters are read, so
    these polls do not count against a probe; where an open is certain, each probe costs a poll. In
    general, if a probe after an interval `T` takes `c` requests, open-seconds and requests together
    cost least if it is sent when it ends `price * (c - T * dc/dT)` open-seconds.
    """
    ended = polls = follows = rate = 0.0
    for candidate in countable:
        age, estimate = candidate.age_seconds(now), candidate.estimate
        clear_age = candidate.age_seconds(candidate.clear_at)
        counted_age = age - trust.lag_seconds
        rate += candidate.weight * rate_at(estimate, age)
        ended += candidate.weight * waiting(estimate, clear_age, counted_age)
        due = expected(estimate, clear_age, counted_age)
        unchanged = exp(-due)
        polls += candidate.cost * (1 - unchanged)
        follows += candidate.cost * (1 - unchanged - due * unchanged)
    counts = 1 - trust.missed
    requests = ceil(len(countable) / campaigns_per_probe)
    cost = requests + polls
    due_in = PROBE_EVERY_SECONDS - probed_seconds_ago
    rests_for = GRAIN_SECONDS - probed_seconds_ago
    if due_in > 0:
        rests_for = max(rests_for, min(_walks_for(candidate, now) for candidate in countable))
    return _Offer(
        choice=Probe(),
        ratio=counts * ended / (requests + follows),
        cost=cost,
        saved=cost,
        rate=counts * rate,
        unread_seconds=probed_seconds_ago - trust.lag_seconds,
        rests_for=rests_for,
        due_in=due_in,
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

"""What a request is worth now, and whom to poll. Pure.

Polling an activity ends the waiting of the opens that have come since it was last read. How much
waiting that is, in open-seconds, the rates tell; a *price* says how much a request must end:

    poll when   weight * waiting >= price * requests that the poll costs

At a constant rate this polls in proportion to the rate's square root, the best that a budget can
buy (Sia, Cho & Cho, IEEE TKDE 19(7), 2007). The price is the one at which the day's requests last
until 00:00 UTC, found anew at each turn from what is left and what the rates promise.

One request for the counters of up to 150 campaigns is another such offer: it ends the waiting of
all activities that have changed, at the cost of reading these as well.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum
from math import ceil, exp, inf, sqrt

from email_opens.rates import Estimate, root_exposure

GRAIN_SECONDS = 5.0
"""No activity is polled more often."""
LEAST_PRICE = 1.0
"""Open-seconds: a request that ends less is not worth the processor's time."""
BACKFILL_AHEAD = timedelta(hours=1)
"""So far ahead of the clock may backfill spend the day's budget."""
BACKFILL_WORTH = 20.0
"""Open-seconds: below this price of a request the tails have enough, and backfill goes on."""
BACKFILL_SHARE = 0.05
"""Of the day's budget, while the tails could use all of it."""
BACKFILL_BLOCK = 20
"""Requests of that share which come at once, or each stretch would spend them on its place."""
FLOORS_SHARE = 0.5
"""Of the budget, at most, for polls that come only because the last one was long ago."""
PROBE_EVERY = timedelta(minutes=15)
"""The counters are asked for at least so often, to learn what they are good for."""
NEARLY = 0.97
"""Who is so near the price need not be waited for."""


@dataclass(slots=True, kw_only=True)
class Prospect:
    """What is known of an activity that may be polled. Ages are those of its send, in seconds."""

    campaign_activity_id: str
    weight: float
    cost: float
    """Requests that a poll takes, as seen."""
    estimate: Estimate
    age: float
    read_age: float
    """When it was last read."""
    seen_age: float
    """Up to when there was nothing new, by the last read or by its campaign's counter."""
    longest_seconds: float
    first: bool = False
    """It was not read since it was sent: it is polled at once."""
    changed: bool = False
    """Its campaign's counter has moved since it was read."""
    countable: bool = False
    """A counter can be asked for."""

    def waiting(self, missed: float) -> float:
        """Return the weighted open-seconds that a poll would end.

        `missed` is the share of opens of which the counters do not tell.
        """
        waiting = self.estimate.waiting(self.seen_age, self.age)
        if missed and self.read_age < self.seen_age:
            all_of_them = self.estimate.waiting(self.read_age, self.age)
            waiting += missed * (all_of_them - waiting)
        return self.weight * waiting

    def idle(self) -> float:
        """Return the seconds since the last read."""
        return self.age - self.read_age

    def why(self, stretch: float) -> "Why | None":
        """Return why it is polled whatever a poll is worth, if it is."""
        if self.first:
            return Why.FIRST
        if self.changed:
            return Why.CHANGED
        return Why.OVERDUE if self.idle() >= self.longest_seconds * stretch else None


class Why(StrEnum):
    """Why an activity is polled."""

    FIRST = "first read"
    CHANGED = "its counter has moved"
    OVERDUE = "read long ago"
    WORTH = "worth its price"


@dataclass(frozen=True, slots=True, kw_only=True)
class Counters:
    """What was learned of the counters."""

    lag_seconds: float = 0.0
    """How old they are when they are read."""
    missed: float = 0.0
    """Share of opens of which they did not tell in time."""
    campaigns_a_request: int = 150


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """How the rest of the day's requests is best spent, as it looks now."""

    price: float
    """Open-seconds that a request must end."""
    stretch: float = 1.0
    """By how much the longest intervals are stretched, for the budget does not bear them."""
    floors: float = 0.0
    """Requests that the longest intervals take by themselves, unstretched."""
    probe_seconds: float | None = None
    """How far apart probes would be that pay better than polls alone; None: they do not."""


def plan(
    prospects: Sequence[Prospect], *, requests: float, seconds: float, counters: Counters
) -> Plan:
    """Find the price at which so many requests last for so many seconds.

    Who would be polled more rarely than his longest interval takes his requests off the top.
    """
    if not prospects:
        return Plan(price=LEAST_PRICE)
    if requests <= 0:
        return Plan(price=inf)
    floors = {id(one): one.cost * seconds / one.longest_seconds for one in prospects}
    stretch = max(1.0, sum(floors.values()) / (FLOORS_SHARE * requests))
    wanted = {
        id(one): sqrt(one.weight * one.cost * one.estimate.opens_a_second / 2)
        * root_exposure(one.age, one.age + seconds)
        for one in prospects
    }
    free, left = list(prospects), requests
    while True:
        root = sum(wanted[id(one)] for one in free) / left
        rare = [one for one in free if wanted[id(one)] < root * floors[id(one)] / stretch]
        if not rare:
            break
        left -= sum(floors[id(one)] for one in rare) / stretch
        free = [one for one in free if wanted[id(one)] >= root * floors[id(one)] / stretch]
    root = max(root, sqrt(LEAST_PRICE))
    now = sum(sqrt(one.weight * one.cost * one.estimate.at(one.age) / 2) for one in free)
    alone = Plan(price=root * root, stretch=stretch, floors=sum(floors.values()))
    return _with_probes(prospects, alone, now / root, now * root, counters)


def _with_probes(
    prospects: Sequence[Prospect],
    alone: Plan,
    requests_a_second: float,
    waiting: float,
    counters: Counters,
) -> Plan:
    """Return the plan with probes if these leave less waiting than polls at this price alone."""
    rates = [
        (one.estimate.at(one.age), one.cost, one.weight, one.longest_seconds * alone.stretch)
        for one in prospects
        if one.countable
    ]
    if not rates:
        return alone
    asked = ceil(len(rates) / counters.campaigns_a_request)

    def cost(apart: float) -> float:
        return asked + sum(cost * (1 - exp(-rate * apart)) for rate, cost, _, _ in rates)

    low, high = 1.0, 86_400.0
    for _ in range(20):
        middle = sqrt(low * high)
        if cost(middle) > requests_a_second * middle:
            low = middle
        else:
            high = middle
    told = 1 - counters.missed
    probed = sum(
        weight * rate * (told * (high / 2 + counters.lag_seconds) + counters.missed * longest / 2)
        for rate, _, weight, longest in rates
    )
    if probed >= waiting:
        return alone
    ended = told * sum(weight * rate for rate, _, weight, _ in rates) * high * high / 2
    return replace(alone, price=max(LEAST_PRICE, ended / cost(high)), probe_seconds=high)


@dataclass(frozen=True, slots=True)
class Poll:
    """Poll this activity now."""

    prospect: Prospect
    waiting: float
    """Weighted open-seconds that it ends."""
    why: Why


@dataclass(frozen=True, slots=True)
class Probe:
    """Ask for the counters now."""


@dataclass(frozen=True, slots=True)
class Wait:
    """Nothing is worth a request yet; look again after so many seconds."""

    seconds: float


type Choice = Poll | Probe | Wait


def choose(
    prospects: Iterable[Prospect], plan: Plan, counters: Counters, probed_seconds_ago: float | None
) -> Choice:
    """Return what is best done now: what ends the most waiting for a request, if it is enough.

    `probed_seconds_ago` is None where no probe can be made.
    """
    best: Poll | None = None
    best_ratio, wait_seconds = 0.0, inf
    offer = _Offer(counters)
    for one in prospects:
        offer.add(one)
        rests = GRAIN_SECONDS - one.idle()
        wait_seconds = min(wait_seconds, max(rests, seconds_until_worth(one, plan)))
        if rests > 0 and not one.first:
            continue
        waiting = one.waiting(counters.missed)
        ratio, why = waiting / one.cost, one.why(plan.stretch)
        if why is not None:
            ratio = inf if why is Why.FIRST else max(ratio, plan.price)
        if ratio > best_ratio or best is None:
            best, best_ratio = Poll(one, waiting, why or Why.WORTH), ratio
    if probed_seconds_ago is not None and best_ratio < inf and offer.countable:
        if offer.pays(probed_seconds_ago, plan.price, best_ratio):
            return Probe()
        if plan.probe_seconds is not None:
            wait_seconds = min(wait_seconds, max(1.0, plan.probe_seconds - probed_seconds_ago))
    if best is not None and best_ratio >= NEARLY * plan.price:
        return best
    return Wait(max(1.0, wait_seconds))


@dataclass(slots=True)
class _Offer:
    """What a probe would end, and what it would cost with the polls that it leads to."""

    counters: Counters
    ended: float = 0.0
    cost: float = 0.0
    countable: int = 0

    def add(self, one: Prospect) -> None:
        if not one.countable or one.changed:
            return
        self.countable += 1
        told_age = one.age - self.counters.lag_seconds
        self.ended += one.weight * one.estimate.waiting(one.seen_age, told_age)
        self.cost += one.cost * (1 - exp(-one.estimate.expected(one.seen_age, told_age)))

    def pays(self, probed_seconds_ago: float, price: float, best_ratio: float) -> bool:
        """Say whether to probe: it is worth it, or too long ago to know what it is worth."""
        if probed_seconds_ago < GRAIN_SECONDS:
            return False
        asked = ceil(self.countable / self.counters.campaigns_a_request)
        ratio = (1 - self.counters.missed) * self.ended / (asked + self.cost)
        worth = ratio >= NEARLY * price and ratio > best_ratio
        return worth or probed_seconds_ago >= PROBE_EVERY.total_seconds()


def seconds_until_worth(one: Prospect, plan: Plan) -> float:
    """Estimate when a poll will be worth its price, at the rate of now; below zero: it is."""
    rate = one.weight * one.estimate.at(one.age)
    worth = sqrt(2 * plan.price * one.cost / rate) - (one.age - one.seen_age)
    return min(one.longest_seconds * plan.stretch - one.idle(), worth)


def backfill_budget(requests_per_day: int, now: datetime) -> int:
    """Return what may have been spent of the day for backfill to go on while tails have enough.

    It follows the clock, so that the evening's tails find their requests.
    """
    share = _share_of_day(now) + BACKFILL_AHEAD / timedelta(days=1)
    return int(requests_per_day * min(1.0, share))


def backfill_share(requests_per_day: int, since: datetime, now: datetime) -> int:
    """Return what backfill may spend of a stretch of the day though the tails could use it."""
    blocks = BACKFILL_SHARE * requests_per_day / BACKFILL_BLOCK
    past = _share_of_day(since) if since.date() == now.date() else 0.0
    return BACKFILL_BLOCK * max(0, int(blocks * _share_of_day(now)) - int(blocks * past))


def _share_of_day(now: datetime) -> float:
    midnight = now.replace(hour=0, minute=0, second=0, microsecond=0)
    return (now - midnight) / timedelta(days=1)

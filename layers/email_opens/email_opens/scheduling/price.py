"""The price at which the day's requests last until its end, as it looks now. Pure.

At a price p, an activity that is opened at a rate r is polled every `sqrt(2p / r)` seconds, but no
more rarely than its longest interval: so a price says how many requests are spent, and the other
way round. Where one request tells the counters of many, a price says also how often these are
asked for.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from math import ceil, exp, inf, sqrt
from typing import NamedTuple

from email_opens.model import CounterTrust
from email_opens.scheduling.choice import (
    CAMPAIGNS_PER_PROBE,
    GRAIN_SECONDS,
    HOT_SECONDS,
    PROBE_EVERY_SECONDS,
    Candidate,
    Plan,
)
from email_opens.scheduling.rates import expected, root_exposure

LEAST_PRICE = 0.02
"""Open-seconds: a request that ends less is worth nobody's time."""
MOST_PRICE = 1e9
"""Open-seconds: beyond all that a request may have to end."""
FLOORS_SHARE = 0.25
"""Of the requests, at most, for polls that come only because the last one was long ago."""
HOT_SHARE = 0.1
"""Of a day's requests, at most, for the longest interval of the fresh sends of a day."""
PRICE_STEPS = 12
PROBE_STEPS = 7
"""Of a bisection, to within some percent."""


def plan(
    candidates: Sequence[Candidate],
    *,
    requests: float,
    seconds: float,
    requests_a_day: float,
    trust: CounterTrust,
    campaigns_per_probe: int = CAMPAIGNS_PER_PROBE,
) -> Plan:
    """Find the price at which so many requests last for so many seconds.

    A candidate of a negative age is still to come.
    """
    if not candidates:
        return Plan(price=LEAST_PRICE)
    if requests <= 0:
        return Plan(price=inf)
    floors, rarest = _floors(candidates, requests, seconds)
    hot_seconds = _hot_seconds(candidates, requests_a_day)
    phases = [phase for one in candidates for phase in _phases(one, hot_seconds, rarest, seconds)]
    low, high = LEAST_PRICE, MOST_PRICE
    for _ in range(PRICE_STEPS):
        price = sqrt(low * high)
        polls = sum(phase.cost * phase.seconds / phase.apart(price) for phase in phases)
        low, high = (price, high) if polls > requests else (low, price)
    alone = Plan(
        price=sqrt(low * high), hot_seconds=hot_seconds, rarest_seconds=rarest, floors=floors
    )
    countable = sum(one.countable for one in candidates if one.age >= 0)
    asked = ceil(countable / campaigns_per_probe)
    probes = _Probes(phases=phases, seconds=seconds, asked=asked, trust=trust)
    return probes.plan(alone, requests) if countable else alone


@dataclass(frozen=True, slots=True, kw_only=True)
class _Phase:
    """A part of the rest of the day in which an activity is fresh, or is not."""

    seconds: float
    rate: float
    """Opens a second, as polls see them: the square of the mean root."""
    opens: float
    """Weighted: those that are expected."""
    weight: float
    cost: float
    longest: float
    countable: bool

    def apart(self, price: float, share: float = 1.0) -> float:
        """Return how far apart polls are at a price, if they end the waiting of a share."""
        worth = self.weight * self.rate * share
        if self.longest * self.longest * worth <= 2 * price * self.cost:
            return self.longest
        return max(GRAIN_SECONDS, sqrt(2 * price * self.cost / worth))


def _hot_seconds(candidates: Iterable[Candidate], requests_a_day: float) -> float:
    """Return the longest interval of fresh sends that the budget of a day bears."""
    polls = sum(one.cost * one.hot_until for one in candidates if one.hot) / HOT_SECONDS
    return HOT_SECONDS * max(1.0, polls / (HOT_SHARE * requests_a_day))


def _floors(
    candidates: Sequence[Candidate], requests: float, seconds: float
) -> tuple[float, float]:
    """Return the requests of the longest intervals, and the shortest that may hold for all."""
    costs: dict[float, float] = {}
    for one in candidates:
        cost = one.cost * max(0.0, seconds + min(0.0, one.age))
        costs[one.longest_seconds] = costs.get(one.longest_seconds, 0.0) + cost
    floors = sum(cost / longest for longest, cost in costs.items())
    return floors, _rarest(costs, FLOORS_SHARE * requests)


def _rarest(costs: Mapping[float, float], requests: float) -> float:
    """Return the interval that, where it is the longer one, lets the requests bear all of them.

    `costs` are, by longest interval, the requests that a poll each second would take.
    """
    longer, shorter = sum(cost / longest for longest, cost in costs.items()), 0.0
    if longer <= requests:
        return 0.0
    for longest, cost in sorted(costs.items()):
        if shorter / longest + longer <= requests:
            return shorter / (requests - longer)
        shorter += cost
        longer -= cost / longest
    return shorter / requests


def _phases(one: Candidate, hot_seconds: float, rarest: float, seconds: float) -> Iterator[_Phase]:
    begins, ends = max(0.0, one.age), one.age + seconds
    cools = min(ends, max(begins, one.hot_until))
    ordinary = max(one.longest_seconds, rarest)
    for since, until, longest in (
        (begins, cools, min(hot_seconds, ordinary)),
        (cools, ends, ordinary),
    ):
        if since < until:
            root = root_exposure(since, until) / (until - since)
            yield _Phase(
                seconds=until - since,
                rate=one.estimate.opens_a_second * root * root,
                opens=one.weight * expected(one.estimate, since, until),
                weight=one.weight,
                cost=one.cost,
                longest=longest,
                countable=one.countable,
            )


class _Probed(NamedTuple):
    """What comes of probes."""

    price: float
    """Open-seconds that one ends, for a request that it costs or leads to."""
    requests: float
    """Those of probes, and of polls because of them or at that price."""
    waiting: float
    """Weighted open-seconds that are left."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Probes:
    """A day with probes of the counters."""

    phases: Sequence[_Phase]
    seconds: float
    asked: int
    """Requests that a probe takes by itself."""
    trust: CounterTrust

    def plan(self, alone: Plan, requests: float) -> Plan:
        """Return the plan with probes, if these leave less waiting than polls alone."""
        low, high = GRAIN_SECONDS, PROBE_EVERY_SECONDS
        for _ in range(PROBE_STEPS):
            middle = sqrt(low * high)
            low, high = (middle, high) if self.every(middle).requests > requests else (low, middle)
        probed = self.every(high)
        waiting = sum(phase.opens * phase.apart(alone.price) / 2 for phase in self.phases)
        if probed.requests > requests or probed.waiting >= waiting:
            return alone
        return replace(alone, price=max(LEAST_PRICE, probed.price), probe_seconds=high)

    def every(self, apart: float) -> _Probed:
        """Return what comes of probes so many seconds apart."""
        missed, price = self.trust.missed, self._price(apart)
        requests, waiting = self.asked * self.seconds / apart, 0.0
        for phase in self.phases:
            polled = phase.apart(price)
            waits = polled / 2
            if phase.countable and polled > apart:
                longest = phase.apart(price, missed)
                changes = (1 - exp(-phase.rate * apart)) / apart
                polled = (1 - exp(-changes * longest)) / changes
                told = (1 - missed) * (apart / 2 + self.trust.lag_seconds)
                waits = told + missed * longest / 2
            requests += phase.cost * phase.seconds / polled
            waiting += phase.opens * waits
        return _Probed(price, requests, waiting)

    def _price(self, apart: float) -> float:
        ended, cost = 0.0, self.asked * self.seconds
        for phase in self.phases:
            if phase.countable:
                ended += phase.opens
                cost += phase.cost * phase.seconds * (1 - exp(-phase.rate * apart))
        return (1 - self.trust.missed) * ended * apart * apart / (2 * cost)

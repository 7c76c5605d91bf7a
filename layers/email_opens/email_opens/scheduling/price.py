"""The price at which the rest of the day's requests lasts until its end. Pure.

At a price p, an activity that is opened at a rate r is polled every `sqrt(2p / r)` seconds, but at
least once in its longest interval: so each price implies a number of requests. If one request
reads the counters of many campaigns, the price also implies how often they are read.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from math import ceil, exp, inf, sqrt
from typing import NamedTuple

from email_opens.account import CounterTrust
from email_opens.scheduling.candidates import Candidate
from email_opens.scheduling.rates import expected, root_exposure

GRAIN_SECONDS = 5.0
"""The shortest interval between two polls of an activity, and between two probes."""
HOT_SECONDS = 25.0
"""The longest interval between two polls of a fresh send, if the budget allows it."""
PROBE_EVERY_SECONDS = 900.0
"""The longest interval between two probes, which show how far the counters can be trusted."""
CAMPAIGNS_PER_PROBE = 150
"""The most campaigns whose counters the vendor returns with one request."""
LEAST_PRICE = 0.02
"""Open-seconds: a request that ends less is not worth sending."""
MOST_PRICE = 1e9
"""Open-seconds: more than any request can have to end."""
FLOORS_SHARE = 0.25
"""The largest share of the requests for polls that are due only because of the last one's age."""
HOT_SHARE = 0.1
"""The largest share of the day's remaining requests for the longest interval of fresh sends."""
PRICE_STEPS = 12
PROBE_STEPS = 7
"""Steps of a bisection, enough for some percent."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """How the rest of the day's requests is best spent, by what is known now."""

    price: float
    """Open-seconds that a request must end."""
    rarest_seconds: float = 0.0
    """The shortest interval between polls made only for the last one's age: the budget's bound."""
    hot_seconds: float = HOT_SECONDS
    """The longest interval of fresh sends."""
    floors: float = 0.0
    """Requests that the longest intervals would take without that bound."""
    probe_seconds: float | None = None
    """The interval of probes, if they end more waiting than polls alone; None: they do not."""


def plan(
    candidates: Sequence[Candidate],
    *,
    now: datetime,
    requests: float,
    seconds: float,
    trust: CounterTrust,
    campaigns_per_probe: int = CAMPAIGNS_PER_PROBE,
) -> Plan:
    """Find the price at which these requests last for these seconds.

    A candidate that is born after `now` is a send that is still to come.
    """
    if not candidates:
        return Plan(price=LEAST_PRICE)
    if requests <= 0:
        return Plan(price=inf)
    floors, rarest = _floors(candidates, now, requests, seconds)
    hot_seconds = _hot_seconds(candidates, now, requests, seconds)
    phases = [
        phase
        for candidate in candidates
        for phase in _phases(candidate, now, hot_seconds, rarest, seconds)
    ]
    low, high = LEAST_PRICE, MOST_PRICE
    for _ in range(PRICE_STEPS):
        price = sqrt(low * high)
        polls = sum(phase.cost * phase.seconds / phase.interval(price) for phase in phases)
        low, high = (price, high) if polls > requests else (low, price)
    alone = Plan(
        price=sqrt(low * high), hot_seconds=hot_seconds, rarest_seconds=rarest, floors=floors
    )
    countable = sum(candidate.countable for candidate in candidates if candidate.born_at <= now)
    if not countable:
        return alone
    requests_per_probe = ceil(countable / campaigns_per_probe)
    return _Probes(
        phases=phases, seconds=seconds, requests_per_probe=requests_per_probe, trust=trust
    ).plan(alone, requests)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Phase:
    """A part of the rest of the day in which an activity is fresh throughout, or not at all."""

    seconds: float
    rate: float
    """Opens a second, as polls see them: the square of the mean root."""
    opens: float
    """Expected opens, weighted."""
    weight: float
    cost: float
    longest: float
    countable: bool

    def interval(self, price: float, share: float = 1.0) -> float:
        """Return the seconds between polls at a price, if they end the waiting of a share."""
        worth = self.weight * self.rate * share
        if self.longest * self.longest * worth <= 2 * price * self.cost:
            return self.longest
        return max(GRAIN_SECONDS, sqrt(2 * price * self.cost / worth))


def _hot_seconds(
    candidates: Iterable[Candidate], now: datetime, requests: float, seconds: float
) -> float:
    """Return the longest interval of fresh sends that what is left of the day allows."""
    midnight = now + timedelta(seconds=seconds)
    fresh = [
        (candidate.cost, min(midnight, candidate.hot_until) - max(now, candidate.born_at))
        for candidate in candidates
        if candidate.is_hot(now)
    ]
    hot_cost = sum(cost * max(0.0, time.total_seconds()) for cost, time in fresh)
    return HOT_SECONDS * max(1.0, hot_cost / HOT_SECONDS / (HOT_SHARE * requests))


def _floors(
    candidates: Sequence[Candidate], now: datetime, requests: float, seconds: float
) -> tuple[float, float]:
    """Return the requests of the longest intervals, and the interval that bounds them."""
    costs: dict[float, float] = {}
    for candidate in candidates:
        cost = candidate.cost * max(0.0, seconds + min(0.0, candidate.age_seconds(now)))
        longest = candidate.longest_seconds
        costs[longest] = costs.get(longest, 0.0) + cost
    floors = sum(cost / longest for longest, cost in costs.items())
    return floors, _rarest(costs, FLOORS_SHARE * requests)


def _rarest(costs: Mapping[float, float], requests: float) -> float:
    """Return the interval below which no longest interval may fall, so that the requests suffice.

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


def _phases(
    candidate: Candidate, now: datetime, hot_seconds: float, rarest: float, seconds: float
) -> Iterator[_Phase]:
    age, hot_age = candidate.age_seconds(now), candidate.age_seconds(candidate.hot_until)
    begins, ends = max(0.0, age), age + seconds
    cools = min(ends, max(begins, hot_age))
    ordinary = max(candidate.longest_seconds, rarest)
    for since, until, longest in (
        (begins, cools, min(hot_seconds, ordinary)),
        (cools, ends, ordinary),
    ):
        if since < until:
            root = root_exposure(since, until) / (until - since)
            yield _Phase(
                seconds=until - since,
                rate=candidate.estimate.opens_a_second * root * root,
                opens=candidate.weight * expected(candidate.estimate, since, until),
                weight=candidate.weight,
                cost=candidate.cost,
                longest=longest,
                countable=candidate.countable,
            )


class _Probed(NamedTuple):
    """The result of probes at an interval."""

    price: float
    """Open-seconds that a probe ends for each request that it takes or leads to."""
    requests: float
    """Requests of the probes, and of the polls that follow from them or are worth that price."""
    waiting: float
    """Weighted open-seconds that are left."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Probes:
    """The rest of the day with probes of the counters."""

    phases: Sequence[_Phase]
    seconds: float
    requests_per_probe: int
    trust: CounterTrust

    def plan(self, alone: Plan, requests: float) -> Plan:
        """Return the plan with probes, if they leave less waiting than polls alone."""
        low, high = GRAIN_SECONDS, PROBE_EVERY_SECONDS
        for _ in range(PROBE_STEPS):
            middle = sqrt(low * high)
            low, high = (middle, high) if self.every(middle).requests > requests else (low, middle)
        probed = self.every(high)
        waiting = sum(phase.opens * phase.interval(alone.price) / 2 for phase in self.phases)
        if probed.requests > requests or probed.waiting >= waiting:
            return alone
        return replace(alone, price=max(LEAST_PRICE, probed.price), probe_seconds=high)

    def every(self, interval: float) -> _Probed:
        """Return the result of a probe every `interval` seconds."""
        missed, price = self.trust.missed, self._price(interval)
        requests, waiting = self.requests_per_probe * self.seconds / interval, 0.0
        for phase in self.phases:
            polled = phase.interval(price)
            waits = polled / 2
            if phase.countable and polled > interval:
                longest = phase.interval(price, missed)
                changes = (1 - exp(-phase.rate * interval)) / interval
                polled = (1 - exp(-changes * longest)) / changes
                counted = (1 - missed) * (interval / 2 + self.trust.lag_seconds)
                waits = counted + missed * longest / 2
            requests += phase.cost * phase.seconds / polled
            waiting += phase.opens * waits
        return _Probed(price, requests, waiting)

    def _price(self, interval: float) -> float:
        ended, cost = 0.0, self.requests_per_probe * self.seconds
        for phase in self.phases:
            if phase.countable:
                ended += phase.opens
                cost += phase.cost * phase.seconds * (1 - exp(-phase.rate * interval))
        return (1 - self.trust.missed) * ended * interval * interval / (2 * cost)

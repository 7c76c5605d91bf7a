"""Whom to poll now, at a price of a request. Pure.

Polling an activity ends the waiting of the opens that have come since it was last read. How much
waiting that is, in open-seconds, the rates tell; a *price* says how much a request must end:

    poll when   weight * waiting >= price * requests that the poll costs

At a constant rate this polls in proportion to the rate's square root, the best that a budget can
buy (Sia, Cho & Cho, IEEE TKDE 19(7), 2007). `pricing` finds the price.

One request for the counters of up to 150 campaigns is another such offer: it ends the waiting of
all activities that have changed, at the cost of reading these as well.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from math import ceil, exp, inf, sqrt

from email_opens.model import CounterTrust, Estimate
from email_opens.scheduling.rates import expected, rate_at, waiting

GRAIN_SECONDS = 5.0
"""No activity is polled more often, nor are the counters."""
HOT_SECONDS = 25.0
"""No poll of a fresh send is further from the last one, where the budget bears it."""
STAY_PRICE = 1.0
"""Open-seconds: for less than this a turn does not stay, for the processor's time."""
PROBE_EVERY_SECONDS = 900.0
"""The counters are asked for at least so often, to learn what they are good for."""
CAMPAIGNS_PER_PROBE = 150
"""The most campaigns whose counters the vendor returns with one request."""
NEARLY = 0.97
"""Who is so near the price need not be waited for."""


class Why(StrEnum):
    """Why an activity is polled."""

    FIRST = "first read"
    CHANGED = "its counter has moved"
    FRESH = "sent within the hour"
    OVERDUE = "read long ago"
    WORTH = "worth its price"


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """How the rest of the day's requests is best spent, as it looks now."""

    price: float
    """Open-seconds that a request must end."""
    rarest_seconds: float = 0.0
    """Nobody is polled merely for his last poll's age more often than this: the budget's bound."""
    hot_seconds: float = HOT_SECONDS
    """The longest interval of fresh sends."""
    floors: float = 0.0
    """Requests that the longest intervals would take, if that bound were none."""
    probe_seconds: float | None = None
    """How far apart probes would be that pay better than polls alone; None: they do not."""


@dataclass(slots=True, kw_only=True)
class Candidate:
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
    hot_until: float = 0.0
    """The age up to which it is a fresh send."""
    first: bool = False
    """It was not read since it was sent: it is polled at once."""
    changed: bool = False
    """Its campaign's counter has moved since it was read."""
    countable: bool = False
    """A counter can be asked for."""

    @property
    def hot(self) -> bool:
        """Whether it is a fresh send."""
        return self.age < self.hot_until

    def waiting(self, missed: float) -> float:
        """Return the weighted open-seconds that a poll would end.

        `missed` is the share of opens of which the counters do not tell.
        """
        shown = waiting(self.estimate, self.seen_age, self.age)
        if missed and self.read_age < self.seen_age:
            every = waiting(self.estimate, self.read_age, self.age)
            shown += missed * (every - shown)
        return self.weight * shown

    def idle(self) -> float:
        """Return the seconds since the last read."""
        return self.age - self.read_age

    def longest(self, plan: Plan) -> float:
        """Return the longest interval between its polls, in seconds."""
        ordinary = max(self.longest_seconds, plan.rarest_seconds)
        return min(plan.hot_seconds, ordinary) if self.hot else ordinary

    def why(self, plan: Plan) -> Why:
        """Return why it is polled; all but `WORTH` hold whatever a poll is worth."""
        if self.first:
            return Why.FIRST
        if self.changed:
            return Why.CHANGED
        if self.idle() < self.longest(plan):
            return Why.WORTH
        return Why.FRESH if self.hot else Why.OVERDUE

    def seconds_until_worth(self, price: float, missed: float) -> float:
        """Return for how long a poll is below a price for certain; up to zero: it may be worth it.

        Rates only fall: no more has accrued than at the rate of the last read.
        """
        told = self.seen_age - self.read_age
        rate = self.weight * rate_at(self.estimate, self.read_age if missed else self.seen_age)
        square = 2 * price * self.cost / rate - missed * (1 - missed) * told * told
        return self.seen_age - missed * told + sqrt(max(0.0, square)) - self.age


@dataclass(frozen=True, slots=True)
class Poll:
    """Poll this activity now."""

    candidate: Candidate
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
    """Infinite: nothing that is worth staying for is to come."""


type Choice = Poll | Probe | Wait


def choose(
    candidates: Iterable[Candidate],
    plan: Plan,
    trust: CounterTrust,
    probed_seconds_ago: float | None,
    campaigns_per_probe: int = CAMPAIGNS_PER_PROBE,
) -> Choice:
    """Return what is best done now: what ends the most waiting for a request, if it is enough.

    `probed_seconds_ago` is None where no probe can be made.
    """
    best: Poll | None = None
    enough, best_ratio, wait_seconds = NEARLY * plan.price, 0.0, inf
    missed, offer = trust.missed, _Offer(trust, campaigns_per_probe)
    may_probe = probed_seconds_ago is not None and probed_seconds_ago >= _probe_after(plan)
    for one in candidates:
        if may_probe:
            offer.add(one)
        why, rests = one.why(plan), 0.0 if one.first else GRAIN_SECONDS - one.idle()
        below = one.seconds_until_worth(plan.price, missed) if why is Why.WORTH else 0.0
        if rests > 0 or below > 0:
            stay = _seconds_to_stay(one, why, plan, below, missed)
            wait_seconds = min(wait_seconds, max(rests, stay))
            continue
        waiting = one.waiting(missed)
        ratio = waiting / one.cost
        if why is not Why.WORTH:
            ratio = inf if why is Why.FIRST else max(ratio, plan.price)
        if ratio < enough:
            wait_seconds = min(wait_seconds, GRAIN_SECONDS)
        elif best is None or ratio > best_ratio:
            best, best_ratio = Poll(one, waiting, why), ratio
    if probed_seconds_ago is not None and best_ratio < inf:
        if may_probe and offer.pays(probed_seconds_ago, max(enough, best_ratio)):
            return Probe()
        if plan.probe_seconds is not None and plan.price >= STAY_PRICE:
            wait_seconds = min(wait_seconds, plan.probe_seconds - probed_seconds_ago)
    return best or Wait(max(1.0, wait_seconds))


def _probe_after(plan: Plan) -> float:
    """Return how soon after a probe another may be worth it, in seconds."""
    if plan.probe_seconds is None:
        return PROBE_EVERY_SECONDS
    return min(PROBE_EVERY_SECONDS, max(GRAIN_SECONDS, plan.probe_seconds / 2))


def _seconds_to_stay(one: Candidate, why: Why, plan: Plan, below: float, missed: float) -> float:
    """Return when there will be a poll that a turn stays for, if it is `below` the price now."""
    if why is not Why.WORTH:
        return 0.0
    worth = below if plan.price >= STAY_PRICE else one.seconds_until_worth(STAY_PRICE, missed)
    return min(worth, one.longest(plan) - one.idle()) if one.hot else worth


@dataclass(slots=True)
class _Offer:
    """What a probe would end, and what it would cost with the polls that it leads to."""

    trust: CounterTrust
    campaigns_per_probe: int
    ended: float = 0.0
    cost: float = 0.0
    countable: int = 0

    def add(self, one: Candidate) -> None:
        if not one.countable or one.changed:
            return
        self.countable += 1
        told_age = one.age - self.trust.lag_seconds
        self.ended += one.weight * waiting(one.estimate, one.seen_age, told_age)
        self.cost += one.cost * (1 - exp(-expected(one.estimate, one.seen_age, told_age)))

    def pays(self, probed_seconds_ago: float, best_ratio: float) -> bool:
        """Say whether to probe: it is worth it, or too long ago to know what it is worth."""
        if not self.countable:
            return False
        asked = ceil(self.countable / self.campaigns_per_probe)
        ratio = (1 - self.trust.missed) * self.ended / (asked + self.cost)
        return ratio > best_ratio or probed_seconds_ago >= PROBE_EVERY_SECONDS

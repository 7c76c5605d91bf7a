"""What befalls an account in which world, and what comes of it."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from random import Random

from bench.freshness_account import Account, CountersAsOf, stale
from bench.freshness_fixed import delays, even, optimal_waiting, square_root
from bench.freshness_turns import live
from bench.freshness_world import (
    DAY,
    HOUR,
    World,
    dense,
    fallen,
    with_backlog,
    with_resend,
    world,
)
from tests.fakes import FakeClock

BACKLOG_ROWS = 1_000_000
BUDGET = 9_000
"""Of 10,000, a tenth is reserved for other users of the key."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Scenario:
    """A world, and what befalls the account in it."""

    activities: int
    days: int
    burst: bool = False
    stale_minutes: float | None = None
    """How old the counters are; None: there are none."""
    budget: int = BUDGET
    backlog: Callable[[int], list[float]] | None = None
    """The ages of the opens of a send of a million, tracked late."""
    resend: bool = False
    closed_at_noon: bool = False
    """On the first measured day, by somebody else who uses the key."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What came of a scenario, and of the policies beside it; seconds are means."""

    opens: int
    mean: float
    even: float
    square_root: float
    optimum: float
    """As expected of who knows every rate beforehand."""
    hot: int
    hot_median: float
    hot_99: float
    requests: Sequence[int]
    """Of each measured day."""
    closing_prices: Sequence[float]
    """Open-seconds that a request ended as each measured day ended."""
    by_noon: float
    """Share of them that were spent in the first half of a day."""
    first_hour: float
    last_hour: float
    """Requests of the first and of the last hour of a day, the means."""
    probes: int
    stayed_seconds: float
    """How long a turn lasts, the mean."""
    longest_unread: float
    cpu_seconds: float


SCENARIOS: Mapping[str, Scenario] = {
    "100 probe": Scenario(activities=100, days=7, stale_minutes=0),
    "300 probe": Scenario(activities=300, days=2, stale_minutes=0),
    "burst probe": Scenario(activities=100, days=7, burst=True, stale_minutes=0),
    "100 rule": Scenario(activities=100, days=7),
    "300 rule": Scenario(activities=300, days=2),
    "300 rule, backlog": Scenario(activities=300, days=2, backlog=fallen),
    "300 rule, dense backlog": Scenario(activities=300, days=2, backlog=dense),
    "burst rule": Scenario(activities=100, days=7, burst=True),
    "budget 60": Scenario(activities=100, days=14, budget=60),
    "100 stale 5": Scenario(activities=100, days=7, stale_minutes=5),
    "100 stale 30": Scenario(activities=100, days=7, stale_minutes=30),
    "100 stale 60": Scenario(activities=100, days=7, stale_minutes=60),
    "20 rule": Scenario(activities=20, days=7),
    "20 probe": Scenario(activities=20, days=7, stale_minutes=0),
    "3 rule": Scenario(activities=3, days=7),
    "3 probe": Scenario(activities=3, days=7, stale_minutes=0),
    "resend": Scenario(activities=100, days=1, resend=True),
    "closed": Scenario(activities=100, days=2, closed_at_noon=True),
    "budget 0": Scenario(activities=100, days=1, budget=0),
}
"""The longest first, so that the last process to end is not alone for long."""


def played(scenario: Scenario, seed: int) -> Outcome:
    lived = world(seed, scenario.activities, scenario.days, burst=scenario.burst)
    budget = scenario.budget
    rivals = (0.0, 0.0, 0.0)
    if budget:
        waiting = optimal_waiting(lived, budget)
        known = delays(lived, square_root(lived, budget, Random(seed)))
        turn_by_turn = delays(lived, even(lived, budget))
        rivals = turn_by_turn.mean, known.mean, waiting / len(known.all)
    if scenario.backlog:
        lived = with_backlog(lived, scenario.backlog(BACKLOG_ROWS))
    if scenario.resend:
        lived = with_resend(lived, Random(seed))
    account = Account(
        lived,
        FakeClock(),
        _counters(scenario),
        closed=lambda now: scenario.closed_at_noon and _first_afternoon(lived, now),
    )
    lasted = live(account, budget)
    seen = lasted.seen
    first = round(lived.begins / HOUR)
    hours = [seen.requests.get(first + hour, 0) for hour in range(lived.days * 24)]
    return Outcome(
        opens=len(seen.delays.all),
        mean=seen.delays.mean,
        even=rivals[0],
        square_root=rivals[1],
        optimum=rivals[2],
        hot=len(seen.delays.hot),
        hot_median=seen.delays.hot_percentile(50),
        hot_99=seen.delays.hot_percentile(99),
        requests=[sum(hours[day * 24 : day * 24 + 24]) for day in range(lived.days)],
        closing_prices=lasted.closing_prices,
        by_noon=sum(one for hour, one in enumerate(hours) if hour % 24 < 12) / max(1, sum(hours)),
        first_hour=sum(hours[0::24]) / lived.days,
        last_hour=sum(hours[23::24]) / lived.days,
        probes=seen.probes,
        stayed_seconds=lasted.stayed_seconds,
        longest_unread=seen.longest_unread,
        cpu_seconds=lasted.cpu_seconds,
    )


def _counters(scenario: Scenario) -> CountersAsOf | None:
    return None if scenario.stale_minutes is None else stale(scenario.stale_minutes)


def _first_afternoon(lived: World, now: float) -> bool:
    return lived.begins + 12 * HOUR <= now < lived.begins + DAY

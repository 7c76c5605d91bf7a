"""Scenarios: a world, what happens to the account in it, and the outcome."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from random import Random

from bench.freshness.account import Account, CountersAsOf, stale
from bench.freshness.policies import delays, even, optimal_waiting, square_root
from bench.freshness.turns import simulate
from bench.freshness.world import (
    DAY,
    HOUR,
    World,
    dense,
    draw_world,
    fallen,
    with_backlog,
    with_resend,
)
from tests.fakes import FakeClock

BACKLOG_ROWS = 1_000_000
BUDGET = 9_000
"""Of 10,000 requests a day, a tenth is reserved for other users of the key."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Scenario:
    """A world, and what happens to the account in it."""

    activities: int
    days: int
    burst: bool = False
    stale_minutes: float | None = None
    """The age of the counters; None: there are no counters."""
    budget: int = BUDGET
    backlog: Callable[[int], list[float]] | None = None
    """The ages of the opens of a send with a million opens that is tracked late."""
    resend: bool = False
    closed_at_noon: bool = False
    """On the first measured day, by another program that uses the key."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """The outcome of a scenario and of the policies beside it; seconds are means."""

    opens: int
    mean: float
    even: float
    square_root: float
    optimum: float
    """The expected value for a policy that knows every rate in advance."""
    hot: int
    hot_median: float
    hot_99: float
    requests: Sequence[int]
    """Of each measured day."""
    closing_prices: Sequence[float]
    """Open-seconds that a request ended at the end of each measured day."""
    by_noon: float
    """The share of requests in the first half of a day."""
    first_hour: float
    last_hour: float
    """Mean requests of the first and of the last hour of a day."""
    probes: int
    turns_a_minute: float
    turn_seconds: float
    """The mean duration of a turn."""
    longest_unread: float
    cpu_seconds: float


SCENARIOS: Mapping[str, Scenario] = {
    "100 probe": Scenario(activities=100, days=2, stale_minutes=0),
    "300 probe": Scenario(activities=300, days=1, stale_minutes=0),
    "burst probe": Scenario(activities=100, days=2, burst=True, stale_minutes=0),
    "100 rule": Scenario(activities=100, days=2),
    "300 rule": Scenario(activities=300, days=1),
    "300 rule, backlog": Scenario(activities=300, days=1, backlog=fallen),
    "300 rule, dense backlog": Scenario(activities=300, days=1, backlog=dense),
    "burst rule": Scenario(activities=100, days=2, burst=True),
    "budget 60": Scenario(activities=100, days=14, budget=60),
    "100 stale 5": Scenario(activities=100, days=2, stale_minutes=5),
    "100 stale 30": Scenario(activities=100, days=2, stale_minutes=30),
    "100 stale 60": Scenario(activities=100, days=2, stale_minutes=60),
    "20 rule": Scenario(activities=20, days=2),
    "20 probe": Scenario(activities=20, days=2, stale_minutes=0),
    "3 rule": Scenario(activities=3, days=2),
    "3 probe": Scenario(activities=3, days=2, stale_minutes=0),
    "resend": Scenario(activities=100, days=1, resend=True),
    "closed": Scenario(activities=100, days=2, closed_at_noon=True),
    "budget 0": Scenario(activities=100, days=1, budget=0),
}
"""The longest first, so that the processes end at about the same time."""


def play(scenario: Scenario, seed: int) -> Outcome:
    world = draw_world(seed, scenario.activities, scenario.days, burst=scenario.burst)
    budget = scenario.budget
    means = (0.0, 0.0, 0.0)
    if budget:
        waiting = optimal_waiting(world, budget)
        by_square_root = delays(world, square_root(world, budget, Random(seed)))
        evenly = delays(world, even(world, budget))
        means = evenly.mean, by_square_root.mean, waiting / len(evenly.all)
    if scenario.backlog:
        world = with_backlog(world, scenario.backlog(BACKLOG_ROWS))
    if scenario.resend:
        world = with_resend(world, Random(seed))
    account = Account(
        world,
        FakeClock(),
        _counters(scenario),
        closed=lambda now: scenario.closed_at_noon and _first_afternoon(world, now),
    )
    result = simulate(account, budget)
    measured = result.measurements
    first = round(world.begins / HOUR)
    hours = [measured.requests.get(first + hour, 0) for hour in range(world.days * 24)]
    return Outcome(
        opens=len(measured.delays.all),
        mean=measured.delays.mean,
        even=means[0],
        square_root=means[1],
        optimum=means[2],
        hot=len(measured.delays.hot),
        hot_median=measured.delays.hot_percentile(50),
        hot_99=measured.delays.hot_percentile(99),
        requests=[sum(hours[day * 24 : day * 24 + 24]) for day in range(world.days)],
        closing_prices=result.closing_prices,
        by_noon=sum(count for hour, count in enumerate(hours) if hour % 24 < 12)
        / max(1, sum(hours)),
        first_hour=sum(hours[0::24]) / world.days,
        last_hour=sum(hours[23::24]) / world.days,
        probes=measured.probes,
        turns_a_minute=result.turns / result.minutes,
        turn_seconds=result.turn_seconds,
        longest_unread=measured.longest_unread,
        cpu_seconds=result.cpu_seconds,
    )


def _counters(scenario: Scenario) -> CountersAsOf | None:
    return None if scenario.stale_minutes is None else stale(scenario.stale_minutes)


def _first_afternoon(world: World, now: float) -> bool:
    return world.begins + 12 * HOUR <= now < world.begins + DAY

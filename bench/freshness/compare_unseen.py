"""How soon opens are published in worlds that no rule was tuned for.

`python -m bench.freshness.compare_unseen [--seed N] [WORLD …]`; without worlds, all are played.
"""

import argparse
import time
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass

from bench.freshness.account import Account, stale
from bench.freshness.optima import least_waiting
from bench.freshness.policies import delays, even
from bench.freshness.scenarios import BUDGET
from bench.freshness.turns import simulate
from bench.freshness.unseen import KINDS, WARM_UP, draw
from tests.fakes import FakeClock


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """Mean delays in seconds; what concerns the first hour after a send is named so."""

    opens: int
    mean: float
    first_hour: float
    first_hour_99: float
    requests: float
    """Of a measured day."""


def play(kind: str, seed: int, *, counters: bool) -> Outcome:
    world = draw(kind, seed).world
    account = Account(world, FakeClock(), stale(0) if counters else None)
    measured = simulate(account, BUDGET, warm_up=WARM_UP).measurements
    hot = measured.delays.hot
    return Outcome(
        opens=len(measured.delays.all),
        mean=measured.delays.mean,
        first_hour=sum(hot) / max(1, len(hot)),
        first_hour_99=measured.delays.hot_percentile(99),
        requests=sum(measured.requests.values()) / world.days,
    )


def bounds(kind: str, seed: int) -> tuple[float, float, float]:
    """Return the mean delays of even polls, and of the optimum without and with counters."""
    unseen = draw(kind, seed)
    evenly = delays(unseen.world, even(unseen.world, BUDGET))
    without, counted = least_waiting(unseen, BUDGET)
    opens = len(evenly.all)
    return evenly.mean, without / opens, counted / opens


def main() -> None:
    parser = argparse.ArgumentParser(
        prog="python -m bench.freshness.compare_unseen", description=__doc__
    )
    parser.add_argument("--seed", type=int, default=1, metavar="N", help="(%(default)s)")
    parser.add_argument("worlds", nargs="*", default=list(KINDS), metavar="WORLD")
    options = parser.parse_args()
    seed, kinds, started = options.seed, options.worlds, time.monotonic()
    if unknown := set(kinds) - KINDS.keys():
        parser.error(f"unknown: {', '.join(unknown)}; known: {', '.join(KINDS)}")
    with ProcessPoolExecutor() as processes:
        plays = {
            (kind, counters): processes.submit(play, kind, seed, counters=counters)
            for kind in kinds
            for counters in (False, True)
        }
        limits = {kind: processes.submit(bounds, kind, seed) for kind in kinds}
    print(
        "| world | opens | even | optimum | rule | ratio | first hour, p99 "
        "| optimum with counters | rule and probe | ratio | first hour, p99 |"
    )
    print("|---|" + "--:|" * 10)
    for kind in kinds:
        rule, probe = (plays[kind, counters].result() for counters in (False, True))
        evenly, optimum, counted = limits[kind].result()
        print(
            f"| {kind} | {rule.opens:,} | {evenly:.1f} "
            f"| {optimum:.1f} | {rule.mean:.1f} | {rule.mean / optimum:.2f} "
            f"| {rule.first_hour:.1f}, {rule.first_hour_99:.1f} "
            f"| {counted:.1f} | {probe.mean:.1f} | {probe.mean / counted:.2f} "
            f"| {probe.first_hour:.1f}, {probe.first_hour_99:.1f} |"
        )
    print(f"\n{BUDGET:,} requests a day, seed {seed}; {time.monotonic() - started:.0f} s.")


if __name__ == "__main__":
    main()

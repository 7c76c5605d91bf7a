"""How soon an open is told of, for the same requests: `python -m bench.freshness [--seed N]`.

Worlds of sends through the real `Rounds`, a turn each simulated minute, beside policies that know
nothing or everything. Writes `docs/freshness.svg` with `--plot`.
"""

import argparse
import os
import platform
import time
from collections.abc import Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from random import Random

from bench import freshness_decisions
from bench.figures import Figure, show
from bench.freshness_account import Account, CountersAsOf, stale
from bench.freshness_fixed import delays, even, optimal_waiting, square_root
from bench.freshness_plot import Line, plot
from bench.freshness_turns import live
from bench.freshness_world import DAY, HOUR, World, with_backlog, with_resend, world
from tests.fakes import FakeClock

SEED = 1
A_DAY = 10_000
BUDGET = 9_000
"""A tenth is reserved for other users of the key."""
ACTIVITIES = (20, 100, 300)
PLOT = Path(__file__).parents[1] / "docs" / "freshness.svg"


@dataclass(frozen=True, slots=True, kw_only=True)
class Scenario:
    """A world, and what befalls the account in it."""

    activities: int
    days: int
    burst: bool = False
    stale_minutes: float | None = None
    """How old the counters are; None: there are none."""
    budget: int = BUDGET
    backlog_rows: int = 0
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
    probes: int
    longest_unread: float
    cpu_seconds: float


SCENARIOS: Mapping[str, Scenario] = {
    "300 probe": Scenario(activities=300, days=1, stale_minutes=0),
    "100 probe": Scenario(activities=100, days=3, stale_minutes=0),
    "300 rule": Scenario(activities=300, days=1),
    "300 rule, backlog": Scenario(activities=300, days=1, backlog_rows=1_000_000),
    "burst probe": Scenario(activities=100, days=2, burst=True, stale_minutes=0),
    "100 stale 5": Scenario(activities=100, days=3, stale_minutes=5),
    "100 stale 30": Scenario(activities=100, days=3, stale_minutes=30),
    "100 stale 60": Scenario(activities=100, days=3, stale_minutes=60),
    "100 rule": Scenario(activities=100, days=3),
    "burst rule": Scenario(activities=100, days=2, burst=True),
    "20 rule": Scenario(activities=20, days=7),
    "20 probe": Scenario(activities=20, days=7, stale_minutes=0),
    "resend": Scenario(activities=100, days=1, resend=True),
    "closed": Scenario(activities=100, days=2, closed_at_noon=True),
    "budget 60": Scenario(activities=100, days=14, budget=60),
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
    if scenario.backlog_rows:
        lived = with_backlog(lived, scenario.backlog_rows)
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
    first_day = round(lived.begins / DAY)
    return Outcome(
        opens=len(seen.delays.all),
        mean=seen.delays.mean,
        even=rivals[0],
        square_root=rivals[1],
        optimum=rivals[2],
        hot=len(seen.delays.hot),
        hot_median=seen.delays.hot_percentile(50),
        hot_99=seen.delays.hot_percentile(99),
        requests=[seen.requests.get(first_day + day, 0) for day in range(lived.days)],
        probes=seen.probes,
        longest_unread=seen.longest_unread,
        cpu_seconds=lasted.cpu_seconds,
    )


def _counters(scenario: Scenario) -> CountersAsOf | None:
    return None if scenario.stale_minutes is None else stale(scenario.stale_minutes)


def _first_afternoon(lived: World, now: float) -> bool:
    return lived.begins + 12 * HOUR <= now < lived.begins + DAY


def targets(of: Mapping[str, Outcome]) -> list[Figure]:
    """Return the figures that the product is to reach."""
    rule, probe = of["100 rule"], of["100 probe"]
    figures = [
        _share("mean delay, against even, 100 activities", rule.mean, rule.even, 1 / 3),
        _share("the same with fresh counters", probe.mean, probe.even, 1 / 10),
    ]
    figures += [
        _share(f"mean delay, against the optimum, {name}", of[key].mean, of[key].optimum, 1.15)
        for name, key in (
            ("20 activities", "20 rule"),
            ("100 activities", "100 rule"),
            ("300 activities", "300 rule"),
            ("all sent at once", "burst rule"),
        )
    ]
    figures += [
        Figure(
            f"99th percentile within an hour of the send, {name}",
            f"{one.hot_99:.1f} s of {one.hot:,} opens, median {one.hot_median:.1f} s",
            "≤ 30 s",
            one.hot_99 <= 30,
        )
        for name, one in (("100 activities", rule), ("the same with fresh counters", probe))
    ]
    most = max(max(one.requests) for one in of.values())
    least = min(min(of[key].requests) for key in ("100 rule", "100 probe", "300 rule", "300 probe"))
    backlog, tails = of["300 rule, backlog"], of["300 rule"]
    return [
        *figures,
        Figure("requests of a day, at most", f"{most:,}", f"≤ {BUDGET:,}", most <= BUDGET),
        Figure(
            "requests of a day, at least, 100 and 300 activities",
            f"{least:,}, {least / BUDGET:.1%}",
            "≥ 95 %",
            least >= 0.95 * BUDGET,
        ),
        *(
            _share(f"counters {minutes} min stale, against none", stale_by.mean, rule.mean, 1.05)
            for minutes, stale_by in ((m, of[f"100 stale {m}"]) for m in (5, 30, 60))
        ),
        _share("tails with a backlog of 1,000,000 rows", backlog.mean, tails.mean, 1.1),
    ]


def _share(what: str, mean: float, other: float, most: float) -> Figure:
    ratio = mean / other
    return Figure(
        what, f"{ratio:.3f} ({mean:.1f} s / {other:.1f} s)", f"≤ {most:.3g}", ratio <= most
    )


def scarcity(of: Mapping[str, Outcome]) -> list[Figure]:
    """Return how long nobody was read, where requests are scarce or spent for nothing."""
    names = {
        "100 rule": "nothing unusual",
        "100 probe": "fresh counters",
        "resend": "a send is sent again, and nobody says so",
        "closed": "somebody else spends the day's quota at noon",
        "budget 60": "60 requests a day for 100 activities",
    }
    figures = [
        Figure(
            f"longest that any activity was not read: {name}",
            f"{of[key].longest_unread / HOUR:.1f} h; an open waited {of[key].mean:.0f} s",
            f"< {SCENARIOS[key].days * 24 + 24} h lived",
            of[key].longest_unread < (SCENARIOS[key].days + 1) * DAY,
        )
        for key, name in names.items()
    ]
    spent = sum(of["budget 0"].requests)
    return [*figures, Figure("requests of a budget of 0", f"{spent}", "0", spent == 0)]


def compared(of: Mapping[str, Outcome]) -> Sequence[tuple[str, Outcome, Outcome]]:
    """Return worlds by their names, each without counters and with."""
    pairs = [(f"{number} activities", f"{number}") for number in ACTIVITIES]
    pairs.append(("100, all sent Tuesday at 10:00", "burst"))
    return [(name, of[f"{key} rule"], of[f"{key} probe"]) for name, key in pairs]


def lines(of: Mapping[str, Outcome]) -> list[Line]:
    """Return what the plot shows."""

    def line(name: str, key: str, of_outcome: str) -> Line:
        return Line(name, [(one, getattr(of[f"{one} {key}"], of_outcome)) for one in ACTIVITIES])

    return [
        line("even", "rule", "even"),
        line("square root of known rates", "rule", "square_root"),
        line("rule", "rule", "mean"),
        line("optimum without counters", "rule", "optimum"),
        line("rule and probe", "probe", "mean"),
    ]


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m bench.freshness", description=__doc__)
    parser.add_argument("--seed", type=int, default=SEED, metavar="N", help="(%(default)s)")
    parser.add_argument("--plot", action="store_true", help=f"write docs/{PLOT.name}")
    asked = parser.parse_args()
    began = time.monotonic()
    print(f"Python {platform.python_version()}, {os.cpu_count()} cores, seed {asked.seed}.")
    decided = freshness_decisions.figures()
    with ProcessPoolExecutor() as processes:
        running = {
            name: processes.submit(played, one, asked.seed) for name, one in SCENARIOS.items()
        }
        of = {name: one.result() for name, one in running.items()}
    print(f"\n### Mean delay in seconds, {BUDGET:,} requests a day\n")
    print("| world | days | opens | even | square root | optimum | rule | rule and probe |")
    print("|---|--:|--:|--:|--:|--:|--:|--:|")
    for name, rule, probe in compared(of):
        print(
            f"| {name} | {len(rule.requests)} | {rule.opens:,} | {rule.even:.1f} "
            f"| {rule.square_root:.1f} | {rule.optimum:.1f} | {rule.mean:.1f} | {probe.mean:.1f} |"
        )
    show("What is to be reached", [*targets(of), *decided])
    show("Scarcity", scarcity(of))
    for name, one in of.items():
        print(
            f"- {name}: {', '.join(map(str, one.requests))} requests a day, "
            f"{one.probes} probes in all, {one.cpu_seconds:.0f} s CPU"
        )
    print(f"\nIt took {time.monotonic() - began:.0f} s.")
    if asked.plot:
        PLOT.write_text(plot(lines(of)), encoding="utf-8")


if __name__ == "__main__":
    main()

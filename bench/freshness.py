"""How soon an open is told of, for the same requests: `python -m bench.freshness [--seed N]`.

Worlds of sends through the real `Turns`, a turn each simulated minute, beside policies that know
nothing or everything. Writes `docs/freshness.svg` with `--plot`.
"""

import argparse
import os
import platform
import time
from collections.abc import Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

from bench import freshness_decisions
from bench.figures import Figure, show
from bench.freshness_plot import Line, plot
from bench.freshness_scenarios import BUDGET, SCENARIOS, Outcome, played
from bench.freshness_world import HOUR
from email_opens.scheduling.choice import STAY_PRICE

SEED = 1
ACTIVITIES = (20, 100, 300)
PLOT = Path(__file__).parents[1] / "docs" / "freshness.svg"


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
    least = min(
        requests
        for key in ("100 rule", "100 probe", "300 rule", "300 probe")
        for requests, price in zip(of[key].requests, of[key].closing_prices, strict=True)
        if price >= STAY_PRICE
    )
    tails = of["300 rule"]
    return [
        *figures,
        Figure("requests of a day, at most", f"{most:,}", f"≤ {BUDGET:,}", most <= BUDGET),
        Figure(
            "requests of a day, at least, 100 and 300 activities, where more would have paid",
            f"{least:,}, {least / BUDGET:.1%}",
            "≥ 95 %",
            least >= 0.95 * BUDGET,
        ),
        *(
            _share(f"counters {minutes} min stale, against none", stale_by.mean, rule.mean, 1.05)
            for minutes, stale_by in ((m, of[f"100 stale {m}"]) for m in (5, 30, 60))
        ),
        *(
            _share(
                f"tails with a {name} of 1,000,000 rows, 300 activities",
                of[f"300 rule, {name}"].mean,
                tails.mean,
                1.1,
            )
            for name in ("backlog", "dense backlog")
        ),
    ]


def _share(what: str, mean: float, other: float, most: float) -> Figure:
    ratio = mean / other
    return Figure(
        what, f"{ratio:.3f} ({mean:.1f} s / {other:.1f} s)", f"≤ {most:.3g}", ratio <= most
    )


def scarcity(of: Mapping[str, Outcome]) -> list[Figure]:
    """Return how long nobody was read, where requests are scarce or spent for nothing."""
    names = {
        "100 rule": ("nothing unusual", 30),
        "100 probe": ("fresh counters", 30),
        "resend": ("a send is sent again, and nobody says so", 30),
        "closed": ("somebody else spends the day's quota at noon", 42),
        "budget 60": ("60 requests a day for 100 activities", 240),
    }
    figures = [
        Figure(
            f"longest that any activity was not read: {name}",
            f"{of[key].longest_unread / HOUR:.1f} h; an open waited {of[key].mean:.0f} s",
            f"≤ {most} h",
            of[key].longest_unread <= most * HOUR,
        )
        for key, (name, most) in names.items()
    ]
    spent = sum(of["budget 0"].requests)
    return [*figures, Figure("requests of a budget of 0", f"{spent}", "0", spent == 0)]


def compared(of: Mapping[str, Outcome]) -> Sequence[tuple[str, Outcome, Outcome]]:
    """Return worlds by their names, each without counters and with."""
    pairs = [(f"{number} activities", f"{number}") for number in (3, *ACTIVITIES)]
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
            f"{one.by_noon:.0%} of them by noon, {one.first_hour:.0f} in the first hour, "
            f"{one.last_hour:.0f} in the last; {one.probes} probes in all, "
            f"a turn lasts {one.stayed_seconds:.0f} s, "
            f"99 of 100 within an hour of the send waited {one.hot_99:.0f} s at most, "
            f"{one.cpu_seconds:.0f} s CPU"
        )
    print(f"\nIt took {time.monotonic() - began:.0f} s.")
    if asked.plot:
        PLOT.write_text(plot(lines(of)), encoding="utf-8")


if __name__ == "__main__":
    main()

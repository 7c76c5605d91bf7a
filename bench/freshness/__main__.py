"""How soon an open is published for the same requests: `python -m bench.freshness [--seed N]`.

Worlds of sends polled by the real `Turns`, one turn a simulated minute, beside policies with no
information or with complete information. `--plot` writes `docs/freshness.svg`.
"""

import argparse
import os
import platform
import sys
import time
from collections.abc import Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

from bench.figures import Figure, show
from bench.freshness import decisions
from bench.freshness.plot import Line, plot
from bench.freshness.scenarios import BUDGET, SCENARIOS, Outcome, play
from bench.freshness.world import HOUR

SEED = 1
ACTIVITIES = (20, 100, 300)
PAYS = 1.0
"""Open-seconds of a request at the end of a day, from which on more requests would have paid."""
PLOT = Path(__file__).parents[2] / "docs" / "freshness.svg"


def targets(outcomes: Mapping[str, Outcome]) -> list[Figure]:
    """Return the figures that have targets."""
    rule, probe = outcomes["100 rule"], outcomes["100 probe"]
    figures = [
        _share("mean delay, against even, 100 activities", rule.mean, rule.even, 1 / 3),
        _share("the same with fresh counters", probe.mean, probe.even, 1 / 10),
    ]
    figures += [
        _share(
            f"mean delay, against the optimum, {name}",
            outcomes[key].mean,
            outcomes[key].optimum,
            1.15,
        )
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
            f"{outcome.hot_99:.1f} s of {outcome.hot:,} opens, median {outcome.hot_median:.1f} s",
            "≤ 30 s",
            outcome.hot_99 <= 30,
        )
        for name, outcome in (("100 activities", rule), ("the same with fresh counters", probe))
    ]
    most = max(max(outcome.requests) for outcome in outcomes.values())
    least = min(
        requests
        for key in ("100 rule", "100 probe", "300 rule", "300 probe")
        for requests, price in zip(
            outcomes[key].requests, outcomes[key].closing_prices, strict=True
        )
        if price >= PAYS
    )
    tails = outcomes["300 rule"]
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
            _share(f"counters {minutes} min stale, against none", outcome.mean, rule.mean, 1.05)
            for minutes, outcome in ((m, outcomes[f"100 stale {m}"]) for m in (5, 30, 60))
        ),
        *(
            _share(
                f"tails with a {name} of 1,000,000 rows, 300 activities",
                outcomes[f"300 rule, {name}"].mean,
                tails.mean,
                1.1,
            )
            for name in ("backlog", "dense backlog")
        ),
    ]


def _share(label: str, mean: float, other: float, most: float) -> Figure:
    ratio = mean / other
    return Figure(
        label, f"{ratio:.3f} ({mean:.1f} s / {other:.1f} s)", f"≤ {most:.3g}", ratio <= most
    )


def scarcity(outcomes: Mapping[str, Outcome]) -> list[Figure]:
    """Return the longest time without a read, where requests are scarce or wasted."""
    names = {
        "100 rule": ("nothing unusual", 30),
        "100 probe": ("fresh counters", 30),
        "resend": ("a send is sent again without notice", 30),
        "closed": ("another program spends the day's quota at noon", 42),
        "budget 60": ("60 requests a day for 100 activities", 240),
    }
    figures = [
        Figure(
            f"longest time that an activity went unread: {name}",
            f"{outcomes[key].longest_unread / HOUR:.1f} h; mean delay {outcomes[key].mean:.0f} s",
            f"≤ {most} h",
            outcomes[key].longest_unread <= most * HOUR,
        )
        for key, (name, most) in names.items()
    ]
    spent = sum(outcomes["budget 0"].requests)
    return [*figures, Figure("requests of a budget of 0", f"{spent}", "0", spent == 0)]


def comparison(outcomes: Mapping[str, Outcome]) -> Sequence[tuple[str, Outcome, Outcome]]:
    """Return for each world its name and its outcomes without and with counters."""
    pairs = [(f"{number} activities", f"{number}") for number in (3, *ACTIVITIES)]
    pairs.append(("100, all sent Tuesday at 10:00", "burst"))
    return [(name, outcomes[f"{key} rule"], outcomes[f"{key} probe"]) for name, key in pairs]


def lines(outcomes: Mapping[str, Outcome]) -> list[Line]:
    """Return the lines of the plot."""

    def line(name: str, key: str, attribute: str) -> Line:
        return Line(
            name,
            [(number, getattr(outcomes[f"{number} {key}"], attribute)) for number in ACTIVITIES],
        )

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
    options = parser.parse_args()
    started = time.monotonic()
    print(f"Python {platform.python_version()}, {os.cpu_count()} cores, seed {options.seed}.")
    decision_figures = decisions.figures()
    with ProcessPoolExecutor() as processes:
        running = {
            name: processes.submit(play, scenario, options.seed)
            for name, scenario in SCENARIOS.items()
        }
        for future in running.values():
            future.add_done_callback(lambda _: print(".", end="", file=sys.stderr, flush=True))
        outcomes = {name: future.result() for name, future in running.items()}
    print(f"\n### Mean delay in seconds, {BUDGET:,} requests a day\n")
    print("| world | days | opens | even | square root | optimum | rule | rule and probe |")
    print("|---|--:|--:|--:|--:|--:|--:|--:|")
    for name, rule, probe in comparison(outcomes):
        print(
            f"| {name} | {len(rule.requests)} | {rule.opens:,} | {rule.even:.1f} "
            f"| {rule.square_root:.1f} | {rule.optimum:.1f} | {rule.mean:.1f} | {probe.mean:.1f} |"
        )
    show("Targets", [*targets(outcomes), *decision_figures])
    show("Scarcity", scarcity(outcomes))
    for name, outcome in outcomes.items():
        print(
            f"- {name}: {', '.join(map(str, outcome.requests))} requests a day, "
            f"{outcome.by_noon:.0%} of them by noon, {outcome.first_hour:.0f} in the first hour, "
            f"{outcome.last_hour:.0f} in the last; {outcome.probes} probes in all, "
            f"{outcome.turns_a_minute:.1f} turns a minute of {outcome.turn_seconds:.1f} s, "
            f"99 of 100 opens within an hour of the send waited {outcome.hot_99:.0f} s at most, "
            f"{outcome.cpu_seconds:.0f} s CPU"
        )
    print(f"\nIt took {time.monotonic() - started:.0f} s.")
    if options.plot:
        PLOT.write_text(plot(lines(outcomes)), encoding="utf-8")


if __name__ == "__main__":
    main()

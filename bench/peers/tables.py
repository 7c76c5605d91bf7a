"""The results as Markdown."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import reduce
from importlib.metadata import distributions
from operator import add
from pathlib import Path
from statistics import median

from bench.peers.costs import IDLE_POLLS, Cost
from bench.peers.counting import Difference
from bench.peers.losses import Losses
from bench.peers.processes import Usage

_USAGE = ("", "CPU s", "wall s", "peak MiB", "requests")
_NAMED = ("airbyte-cdk", "dlt", "requests", "singer-sdk")


def spread(values: Sequence[float], digits: int = 0) -> str:
    """Return the median, and the range in brackets if there is one."""
    shown = [f"{value:,.{digits}f}" for value in (median(values), min(values), max(values))]
    return shown[0] if shown[1] == shown[2] else f"{shown[0]} ({shown[1]} to {shown[2]})"


def costs_table(rows: int, measured: Mapping[str, Sequence[Cost]]) -> str:
    first_reads = {name: [cost.first_read for cost in costs] for name, costs in measured.items()}
    idle = {name: [cost.idle for cost in costs] for name, costs in measured.items()}
    found = {
        name: " or ".join(sorted({_pair(cost.difference) for cost in costs}))
        for name, costs in measured.items()
    }
    return "\n\n".join(
        [
            f"A first read of {rows:,} rows:",
            _table(_USAGE, _usages(first_reads)),
            f"{IDLE_POLLS} idle polls after it, each a process; seconds and requests are totals:",
            _table(
                [*_USAGE, "lost / repeated in all"],
                [[*cells, found[cells[0]]] for cells in _usages(idle)],
            ),
        ]
    )


def losses_table(found: Mapping[str, Losses]) -> str:
    worlds = list(next(iter(found.values())))
    rows = [
        [
            name,
            *(_pair(losses[world]) for world in worlds),
            _pair(reduce(add, losses.values())),
        ]
        for name, losses in found.items()
    ]
    return _table(["lost / repeated", *worlds, "all"], rows)


def versions(environment: Path) -> str:
    """Return the versions of the clients that are installed in an environment."""
    site_packages = map(str, environment.glob("lib/python3.*/site-packages"))
    installed = {found.name: found.version for found in distributions(path=list(site_packages))}
    return ", ".join(f"{name} {installed[name]}" for name in _NAMED)


def _usages(measured: Mapping[str, Sequence[Usage]]) -> Iterator[list[str]]:
    for name, usages in measured.items():
        yield [
            name,
            spread([usage.cpu_seconds for usage in usages], 2),
            spread([usage.wall_seconds for usage in usages], 2),
            spread([usage.peak_mib for usage in usages]),
            spread([usage.requests for usage in usages]),
        ]


def _pair(difference: Difference) -> str:
    return f"{difference.lost:,} / {difference.repeated:,}"


def _table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = [head, ["---", *["--:"] * (len(head) - 1)], *rows]
    return "\n".join(f"| {' | '.join(cells)} |" for cells in lines)

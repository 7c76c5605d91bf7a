"""How soon `email-opens watch` shows an open: `python -m bench.watch`, about ten seconds.

The command's own code runs over the emulated vendor and a state file, by a clock that does not
wait.
"""

from collections import defaultdict, deque
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from statistics import mean
from tempfile import TemporaryDirectory

from bench.figures import Figure, show
from constant_contact_emulator import Row, Send, simulate_send
from email_opens.model import NewOpen
from tests.unit.cli.watch.simulated import BEGINS, simulated_watch

HOUR = timedelta(hours=1)
AUDIENCES = (100, 1_000, 20_000)
MEAN_SECONDS, MOST_SECONDS = 8.0, 30.0
NO_TWINS = Send(identical=0.0)
"""A twin on another page than its like waits for an audit, which is no matter of polling."""


@dataclass(frozen=True, slots=True)
class Watched:
    """The first hour of a send."""

    delays_seconds: list[float]
    """From the instant at which a row appeared until its open was published."""
    requests: int


def watch(contacts: int, every: timedelta | None = None) -> Watched:
    """Send to this many contacts, and watch for an hour."""
    with TemporaryDirectory() as folder, simulated_watch(Path(folder)) as watched:
        world = watched.vendor.world
        activity_id = world.add_campaign().activity_id
        simulate_send(world, activity_id, contacts, sent_at=BEGINS, send=NO_TWINS)
        watched.run(HOUR, every=every)
        rows = world.rows(activity_id)
    return Watched(delays(rows, watched.publisher.published), watched.standing.requests)


def delays(rows: Sequence[Row], published: Sequence[tuple[NewOpen, datetime]]) -> list[float]:
    """Return the delays of what was published; alike rows are published in their order."""
    appeared: dict[tuple[object, ...], deque[datetime]] = defaultdict(deque)
    for row in sorted(rows, key=lambda row: row.visible_from):
        appeared[row.contact.contact_id, row.created, row.device_type].append(row.visible_from)
    seconds = []
    for new, at in published:
        key = new.open.contact_id, new.open.created_time, new.open.device_type
        seconds.append((at - appeared[key].popleft()).total_seconds())
    return seconds


def figures(contacts: int) -> list[Figure]:
    watched = watch(contacts)
    name, seconds = f"{contacts:,} contacts", watched.delays_seconds
    return [
        Figure(f"{name}: opens", f"{len(seconds):,}"),
        Figure(
            f"{name}: mean delay",
            f"{mean(seconds):.1f} s",
            f"≤ {MEAN_SECONDS:.0f} s",
            mean(seconds) <= MEAN_SECONDS,
        ),
        Figure(
            f"{name}: longest delay",
            f"{max(seconds):.1f} s",
            f"≤ {MOST_SECONDS:.0f} s",
            max(seconds) <= MOST_SECONDS,
        ),
        Figure(f"{name}: requests", f"{watched.requests:,}"),
    ]


def main() -> None:
    rows = [figure for contacts in AUDIENCES for figure in figures(contacts)]
    minutely = mean(watch(1_000, every=timedelta(minutes=1)).delays_seconds)
    show(
        "The delay of `email-opens watch` in the first hour of a send",
        [*rows, Figure("1,000 contacts, `--every 60`: mean delay", f"{minutely:.1f} s")],
        "From the instant at which a row appears in the report until the open is published.",
    )


if __name__ == "__main__":
    main()

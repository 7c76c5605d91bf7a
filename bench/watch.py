"""How soon `email-opens watch` shows an open: `python -m bench.watch`, about ten seconds.

The command's own code runs over the emulated vendor and a state file, by a clock that does not
wait.
"""

import json
from collections import defaultdict, deque
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from statistics import mean
from tempfile import TemporaryDirectory

from bench.figures import Figure, show
from constant_contact_emulator import Emulator, Limits, Row, Send, simulate_send
from email_opens.adapters.local.state_file import StateFile
from email_opens.bootstrap_watch import bootstrap_watch
from email_opens.config import read_settings_without_aws
from email_opens.model import Activity, NewOpen, RejectedRow
from email_opens.ports import Delivery
from email_opens_cli.commands.watch.emails import Wanted
from email_opens_cli.commands.watch.standing import Standing
from email_opens_cli.commands.watch.turns import Following
from email_opens_cli.consent.credentials import read
from email_opens_cli.terminal.ending import Ending, Interrupted

BEGINS = datetime(2026, 3, 2, 9, 0, 20, tzinfo=UTC)
HOUR = timedelta(hours=1)
AUDIENCES = (100, 1_000, 20_000)
MEAN_SECONDS, MOST_SECONDS = 8.0, 30.0
NO_TWINS = Send(identical=0.0)
"""A twin on another page than its like waits for an audit, which is no matter of polling."""


@dataclass(slots=True)
class HourClock:
    """A clock that moves when somebody sleeps, and interrupts the watch after an hour."""

    instant: datetime = BEGINS

    def now(self) -> datetime:
        return self.instant

    def sleep(self, seconds: float) -> None:
        self.instant += timedelta(seconds=seconds)
        if self.instant >= BEGINS + HOUR:
            raise Interrupted


@dataclass(slots=True)
class TimedPublisher:
    """Notes when each open is published."""

    clock: HourClock
    published: list[tuple[NewOpen, datetime]] = field(default_factory=list)

    def publish(
        self, activity: Activity, opens: Sequence[NewOpen], now: datetime
    ) -> Delivery[NewOpen]:
        del activity, now
        self.published += [(new, self.clock.now()) for new in opens]
        return Delivery(settled=tuple(opens))

    def set_aside(self, activity: Activity, rows: Sequence[RejectedRow]) -> Delivery[RejectedRow]:
        del activity
        return Delivery(settled=tuple(rows))


@dataclass(frozen=True, slots=True)
class Watched:
    """The first hour of a send."""

    delays_seconds: list[float]
    """From the instant at which a row appeared until its open was published."""
    requests: int


def watch(contacts: int, every: timedelta | None = None) -> Watched:
    """Send to this many contacts, and watch for an hour."""
    clock = HourClock()
    publisher, standing = TimedPublisher(clock), Standing()
    with (
        Emulator(clock=clock.now, limits=Limits.off()) as vendor,
        TemporaryDirectory() as folder,
        StateFile(Path(folder) / "state.sqlite") as state,
    ):
        activity_id = vendor.world.add_campaign().activity_id
        simulate_send(vendor.world, activity_id, contacts, sent_at=BEGINS, send=NO_TWINS)
        urls = {
            "CONSTANT_CONTACT_API_URL": vendor.url,
            "CONSTANT_CONTACT_AUTH_URL": vendor.auth_url,
        }
        product = bootstrap_watch(
            read_settings_without_aws(urls),
            state,
            publisher,
            clock=clock,
            on_save=standing.note,
            on_lease=standing.note_budget,
        )
        product.credentials.store("default", read(json.dumps(vendor.credentials())))
        following = Following(
            product=product,
            wanted=Wanted("default", every=every),
            ending=Ending(),
            standing=standing,
            screen=None,
            rejected=Path(folder) / "rejected",
        )
        following.begin()
        with suppress(Interrupted):
            following.take_turns()
        rows = vendor.world.rows(activity_id)
    return Watched(delays(rows, publisher.published), standing.requests)


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

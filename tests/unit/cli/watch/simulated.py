"""A watch over the emulated vendor in simulated time."""

import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

from constant_contact_emulator import Emulator, Limits
from email_opens.adapters.local.state_file import StateFile
from email_opens.bootstrap.watch import bootstrap_watch
from email_opens.config.settings import read_settings_without_aws
from email_opens.model import Activity, NewOpen, RejectedRow
from email_opens.ports import Delivery
from email_opens_cli.commands.watch.emails import Wanted
from email_opens_cli.commands.watch.standing import Standing
from email_opens_cli.commands.watch.turns import Following
from email_opens_cli.consent.credentials import read
from email_opens_cli.terminal.ending import Ending, Interrupted

BEGINS = datetime(2026, 3, 2, 9, 0, 20, tzinfo=UTC)


@dataclass(slots=True)
class TimedClock:
    """A clock that moves when somebody sleeps, and interrupts the watch when its time is over."""

    instant: datetime = BEGINS
    ends: datetime = BEGINS

    def now(self) -> datetime:
        return self.instant

    def sleep(self, seconds: float) -> None:
        self.instant += timedelta(seconds=seconds)
        if self.instant >= self.ends:
            raise Interrupted


@dataclass(slots=True)
class TimedPublisher:
    """Notes when each open is published."""

    clock: TimedClock
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


@dataclass(slots=True, kw_only=True)
class SimulatedWatch:
    """A watch that is connected to an account of the emulated vendor."""

    folder: Path
    vendor: Emulator
    clock: TimedClock
    publisher: TimedPublisher
    standing: Standing = field(default_factory=Standing)
    settings: dict[str, str] = field(default_factory=dict)
    """Variables of the environment."""

    def run(
        self, lasts: timedelta, *, every: timedelta | None = None, once: bool = False
    ) -> int | None:
        """Watch for so long; return the exit code, None: it would have gone on."""
        self.clock.ends = self.clock.now() + lasts
        urls = {
            "CONSTANT_CONTACT_API_URL": self.vendor.url,
            "CONSTANT_CONTACT_AUTH_URL": self.vendor.auth_url,
        }
        with StateFile(self.folder / "state.sqlite") as state:
            product = bootstrap_watch(
                read_settings_without_aws(urls | self.settings),
                state,
                self.publisher,
                clock=self.clock,
                on_save=self.standing.note,
                on_lease=self.standing.note_budget,
                once=once,
            )
            product.credentials.store("default", read(json.dumps(self.vendor.credentials())))
            following = Following(
                product=product,
                wanted=Wanted("default", every=every, once=once),
                ending=Ending(),
                standing=self.standing,
                screen=None,
                rejected=self.folder / "rejected",
            )
            with suppress(Interrupted):
                following.begin()
                return following.take_turns()
            return None


@contextmanager
def simulated_watch(folder: Path) -> Iterator[SimulatedWatch]:
    """Serve an account without sends, for a watch that keeps its state in a folder."""
    clock = TimedClock()
    with Emulator(clock=clock.now, limits=Limits.off()) as vendor:
        yield SimulatedWatch(
            folder=folder, vendor=vendor, clock=clock, publisher=TimedPublisher(clock)
        )

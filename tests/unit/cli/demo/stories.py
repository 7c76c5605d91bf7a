"""A story over a fake function, whose clock no test waits for."""

from collections import Counter
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from io import StringIO

from constant_contact_emulator import Contact, Row, World
from email_opens_cli.demo.function import Ending
from email_opens_cli.demo.progress import Progress
from email_opens_cli.demo.screen import Screen
from email_opens_cli.demo.sends import ADDED, Email
from email_opens_cli.demo.story import Story
from email_opens_cli.demo.subscriber import Received, ReportedOpen
from email_opens_cli.terminal.console import TextConsole
from tests.fakes import FakeClock

PAGE_ROWS = 10
BACKLOG_ROWS = 120
LIVE_ROWS = 20
LEASE = timedelta(seconds=12)
HIDDEN = "kim@example.com"


@dataclass
class FakeInbox:
    arrivals: list[Received] = field(default_factory=list)

    def received(self) -> list[Received]:
        return list(self.arrivals)


@dataclass
class FakeFunction:
    """Publishes page by page what the reports show, unless a test makes it fail."""

    world: World
    clock: FakeClock
    inbox: FakeInbox
    can_be_killed: bool = True
    repeats: bool = False
    """Publishes the first open of each poll twice."""
    times_out: bool = False
    """Ends the first invocation after a page that is published and not recorded."""
    withholds: str | None = None
    """The address whose opens are not published."""
    lease: datetime | None = None
    polled_under_a_lease: bool = False
    recorded: list[ReportedOpen] = field(default_factory=list)
    _killed: bool = False

    def poll(self) -> Ending:
        if self.lease and self.clock.now() < self.lease:
            self.polled_under_a_lease = True
        for activity_id in self.world.activities:
            for page in self._new_pages(activity_id):
                self.world.run_hooks("GET", f"/reports/{activity_id}/opens?limit={PAGE_ROWS}")
                if self._killed:
                    self._killed = False
                    self.lease = self.clock.now() + LEASE
                    return Ending.KILLED
                opens = self._publish(activity_id, page)
                if self.times_out:
                    self.times_out = False
                    self.lease = self.clock.now() + LEASE
                    return Ending.TIMED_OUT
                self.recorded += opens
        self.clock.sleep(0.5)
        return Ending.COMPLETED

    def kill(self) -> bool:
        self._killed = self.can_be_killed
        return self._killed

    def lease_until(self) -> datetime | None:
        return self.lease

    def _new_pages(self, activity_id: str) -> list[list[Row]]:
        published = Counter(self.recorded)
        new = []
        for row in self.world.rows(activity_id):
            open_ = reported(activity_id, row)
            if published[open_]:
                published[open_] -= 1
            elif row.contact.email_address != self.withholds:
                new.append(row)
        return [new[start : start + PAGE_ROWS] for start in range(0, len(new), PAGE_ROWS)]

    def _publish(self, activity_id: str, page: list[Row]) -> list[ReportedOpen]:
        """Publish a page, each open under an id by its occurrence; return the opens."""
        opens = [reported(activity_id, row) for row in page]
        seen = Counter(self.recorded)
        for row, open_ in zip(page, opens, strict=True):
            seen[open_] += 1
            event_id = f"{seen[open_]:08d}-{open_.contact_id}-{open_.created_time}"
            arrival = Received(open_, event_id, row.contact.email_address, self.clock.now())
            self.inbox.arrivals += [arrival] * (2 if self.repeats else 1)
            self.repeats = False
        return opens


@dataclass(frozen=True)
class Told:
    """A story that was told."""

    code: int
    output: str
    function: FakeFunction
    seconds: float


def tell(**manners: object) -> Told:
    """Tell the story with a function of these manners."""
    clock, output, inbox = FakeClock(), StringIO(), FakeInbox()
    world = World(clock.now)
    began = clock.now()
    function = FakeFunction(world, clock, inbox, **manners)  # type: ignore[arg-type]
    code = Story(
        progress=Progress(
            live=email(world, "Live", LIVE_ROWS, added=ADDED),
            backlog=email(world, "Old", BACKLOG_ROWS, age=timedelta(days=3)),
            inbox=inbox,
        ),
        function=function,
        screen=Screen(TextConsole(file=output)),
        clock=clock,
    ).tell()
    return Told(code, output.getvalue(), function, (clock.now() - began).total_seconds())


def email(
    world: World, name: str, rows: int, *, added: int = 0, age: timedelta = timedelta()
) -> Email:
    """Send an e-mail with one open a second."""
    sent_at = world.clock() - age
    activity_id = world.add_campaign(name).activity_id
    world.send(activity_id, at=sent_at)
    created = [sent_at + timedelta(seconds=number) for number in range(rows)]
    world.add_rows(
        activity_id,
        [
            Row(Contact(f"contact-{number}", f"contact{number}@example.org"), at, "mobile", at)
            for number, at in enumerate(created)
        ],
    )
    return Email(world, name, activity_id, sent_at, rows + added)


def reported(activity_id: str, row: Row) -> ReportedOpen:
    return ReportedOpen(activity_id, row.contact.contact_id, row.created, row.device_type)

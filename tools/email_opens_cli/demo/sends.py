"""The e-mails of the demo, and the rows that it adds to their reports on purpose."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

from msgspec import Struct

from constant_contact_emulator import Contact, Row, Send, World, simulate_send
from email_opens_cli.demo.subscriber import ReportedOpen

LIVE = Send(within=timedelta(seconds=45), grain=timedelta(seconds=1))
"""A send of 30 days within seconds, so that there is something to see."""
LIVE_CONTACTS = 400
BACKLOG_CONTACTS = 6000
BACKLOG_AGE = timedelta(days=3)
BACKLOG = Send(identical=0, within=BACKLOG_AGE)
"""All of its opens are in the report when the demo begins.

It has no identical rows: of two on different pages, the second is found only by the next audit.
"""
TWIN = Contact("70000000-0000-4000-8000-000000000001", "pat@example.com", "Pat", "Example")
LATE = Contact("70000000-0000-4000-8000-000000000002", "kim@example.com", "Kim", "Example")
ADDED = 3
"""The number of rows that the demo adds to the live e-mail: the two identical ones, and the late
one."""
LATE_BY = timedelta(seconds=30)


class Email(Struct, frozen=True):
    """An e-mail that was sent, and its report."""

    world: World
    name: str
    activity_id: str
    sent_at: datetime
    rows: int
    """How many rows its report has in the end."""

    @property
    def reported(self) -> int:
        """The number of rows that the report shows now."""
        return self.world.count_rows(self.activity_id)

    def report(self) -> list[ReportedOpen]:
        """Return the rows that the report shows now, newest first."""
        return [self._open(row) for row in self.world.rows(self.activity_id)]

    def add_twins(self, now: datetime) -> ReportedOpen:
        """Add two rows that are identical in every field."""
        created = now.astimezone(UTC).replace(microsecond=0)
        return self._add([Row(TWIN, created, "mobile", now) for _ in range(2)])

    def add_late(self, now: datetime) -> ReportedOpen:
        """Add a row of an open that was made a while ago."""
        created = max(self.sent_at, now - LATE_BY).astimezone(UTC).replace(microsecond=0)
        return self._add([Row(LATE, created, "mobile", now)])

    def _add(self, rows: Sequence[Row]) -> ReportedOpen:
        self.world.add_rows(self.activity_id, rows)
        return self._open(rows[0])

    def _open(self, row: Row) -> ReportedOpen:
        return ReportedOpen(self.activity_id, row.contact.contact_id, row.created, row.device_type)


def send_live(world: World, now: datetime) -> Email:
    """Send an e-mail whose opens arrive while the demo runs."""
    return _send(world, "Spring sale", LIVE_CONTACTS, now, LIVE, added=ADDED)


def send_backlog(world: World, now: datetime) -> Email:
    """Send an e-mail days ago, all of whose opens wait in the report."""
    return _send(world, "March newsletter", BACKLOG_CONTACTS, now - BACKLOG_AGE, BACKLOG)


def _send(
    world: World, name: str, contacts: int, at: datetime, send: Send, *, added: int = 0
) -> Email:
    activity_id = world.add_campaign(name).activity_id
    rows = simulate_send(world, activity_id, contacts, sent_at=at, send=send, seed=contacts)
    return Email(world, name, activity_id, at, rows + added)

"""How far the demo is: the opens that the reports show, and those that were received."""

from collections.abc import Sequence
from typing import Protocol

from msgspec import Struct

from email_opens_cli.demo.picture import LATEST, Arrival, Count, State
from email_opens_cli.demo.sends import Email
from email_opens_cli.demo.subscriber import (
    Received,
    ReportedOpen,
    UnderWay,
    differences,
    under_way,
)


class Inbox(Protocol):
    """What is needed of a subscriber."""

    def received(self) -> list[Received]:
        """Return the opens received so far, in the order of their arrival."""


class Progress(Struct, frozen=True):
    """Two e-mails, and the inbox that receives their opens."""

    live: Email
    backlog: Email
    inbox: Inbox

    def state(self, activity: str) -> State:
        """Return what is shown while the demo does this."""
        received = self.inbox.received()
        names = {email.activity_id: email.name for email in (self.live, self.backlog)}
        latest = [
            Arrival(names[arrival.open.campaign_activity_id], arrival)
            for arrival in received[-LATEST:]
        ]
        live, backlog = _count(self.live, received), _count(self.backlog, received)
        return State(activity=activity, counts=[live, backlog], backlog=backlog, latest=latest)

    def reported(self) -> list[ReportedOpen]:
        """Return the rows that the reports show now."""
        return self.live.report() + self.backlog.report()

    def received(self) -> list[ReportedOpen]:
        """Return the opens that were received so far; each event id counts once."""
        return list({arrival.event_id: arrival.open for arrival in self.inbox.received()}.values())

    def received_again(self) -> int:
        """Return how many times an open was received that had been received under the same id."""
        received = self.inbox.received()
        return len(received) - len({arrival.event_id for arrival in received})

    def repeated(self) -> int:
        """Return how many opens were received that are not in a report, or under too many ids."""
        return differences(self.reported(), self.received())[1]

    def ids(self, open_: ReportedOpen) -> list[str]:
        """Return the event ids of an open, and of those that are identical to it."""
        received = self.inbox.received()
        return sorted({arrival.event_id for arrival in received if arrival.open == open_})

    def is_received(self, email: Email) -> bool:
        """Return whether each open of an e-mail was reported and received."""
        received = self._of(email)
        # Counted first, since the demo asks often.
        return len(received) >= email.rows and not under_way(email.rows, email.report(), received)

    def under_way(self) -> dict[str, UnderWay]:
        """Return, by the name of its e-mail, what is not reported or not received yet."""
        left = {
            email.name: under_way(email.rows, email.report(), self._of(email))
            for email in (self.live, self.backlog)
            if not self.is_received(email)
        }
        return {name: rows for name, rows in left.items() if rows}

    def _of(self, email: Email) -> list[ReportedOpen]:
        return [
            open_ for open_ in self.received() if open_.campaign_activity_id == email.activity_id
        ]


def _count(email: Email, received: Sequence[Received]) -> Count:
    arrived = sum(arrival.open.campaign_activity_id == email.activity_id for arrival in received)
    return Count(email.name, email.reported, arrived)

"""What a watch shows on a terminal: the e-mails that it follows, and how far it has come."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime

from msgspec import Struct

from email_opens.model import PAGE_ROWS, Activity
from email_opens.ports import Clock
from email_opens_cli.commands.watch.standing import Standing
from email_opens_cli.terminal.console import Renderable, TextConsole, styled
from email_opens_cli.terminal.moving import bar, moving
from email_opens_cli.terminal.words import count

LISTED = 10
"""The most e-mails that are listed as they are found."""


class Screen(Struct):
    """A status that is redrawn in place below the lines of a terminal."""

    console: TextConsole
    standing: Standing
    clock: Clock
    _began: tuple[datetime, int] | None = None
    """When the progress was first drawn, and the rows that had been read then."""

    @contextmanager
    def live(self) -> Iterator[None]:
        """Redraw the status until the end."""
        with moving(self.console, self.status, transient=True):
            yield

    def list_emails(self, activities: Sequence[Activity]) -> None:
        """Print a line about each e-mail: its name, when it was sent, and its opens so far."""
        for activity in activities[:LISTED]:
            opens = self.standing.reported_of(activity)
            sent = activity.sent_at
            self.console.print(
                styled(
                    (activity.campaign_name or activity.campaign_activity_id, "bold"),
                    (f"  sent {sent.astimezone():%Y-%m-%d %H:%M}" if sent else "", "dim"),
                    ("" if opens is None else f"  {_number(opens, 'open')} so far", ""),
                )
            )
        if len(activities) > LISTED:
            self.console.print(f"and {count(len(activities) - LISTED, 'e-mail')} more")

    def status(self) -> Sequence[Renderable]:
        """Return the lines of the status as it is now."""
        standing = self.standing
        if not standing.begun:
            return [styled(("Finding what was sent recently …", "dim"))]
        delay, left = standing.delay_seconds(self.clock.now()), standing.requests_left
        parts = [
            count(len(standing.activities), "e-mail"),
            _number(standing.opens, "open"),
            *([] if delay is None else [f"delay {_duration(delay)}"]),
            *([] if left is None else [f"{_number(left, 'request')} left today"]),
        ]
        line = styled((" · ".join(parts), "reverse"))
        return [line] if standing.up_to_date else [line, *self._progress()]

    def _progress(self) -> Iterator[Renderable]:
        """Yield a line and a bar about the rows that are still to be read."""
        (read, reported), now = self.standing.rows, self.clock.now()
        if reported - read < PAGE_ROWS:
            return
        began, read_before = self._began = self._began or (now, read)
        a_second = (read - read_before) / max(1.0, (now - began).total_seconds())
        left = f", {_duration((reported - read) / a_second)} left" if a_second else ""
        requests = _number(self.standing.requests, "request")
        yield styled((f"{read:,} of {reported:,} rows, {requests}{left}", "dim"))
        yield bar(read, reported, self.console.width)


def _number(number: int, noun: str) -> str:
    """Return a number with its noun: “1 open”, “1,204 opens”."""
    return f"{number:,} {noun}{'' if number == 1 else 's'}"


def _duration(seconds: float) -> str:
    for unit, length in (("h", 3600), ("min", 60)):
        if seconds >= 2 * length:
            return f"{seconds / length:.0f} {unit}"
    return f"{max(0.0, seconds):.0f} s"

"""What the demo shows while it runs: the e-mails, the backlog, and the latest opens."""

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta

from msgspec import Struct

from email_opens_cli.demo.subscriber import Received
from email_opens_cli.terminal.columns import GAP, Column, table
from email_opens_cli.terminal.console import Renderable, styled
from email_opens_cli.terminal.moving import bar, spinner

LATEST = 5
"""The number of latest opens that are shown, if the terminal is high enough."""
_OTHER_LINES = 13
"""The lines of the picture that show no opens, and one for what is printed above."""
_EMAILS = (
    Column("E-mail", 16, rank=0),
    Column("Reported", 8, rank=0, right=True),
    Column("Received", 8, rank=0, right=True),
)
_OPENS = (
    Column("Time", 8, rank=0),
    Column("E-mail", 16, rank=0),
    Column("Contact", 23, rank=0, folds=True),
    Column("Device", 8, rank=0),
    Column("Opened", 10, rank=0),
)
_NARROW_OPENS = (Column("Time", 8, rank=0), Column("Open", 30, rank=0, folds=True))
_WIDE = sum(column.width + GAP for column in _OPENS) - GAP
"""From this width on, an open takes one line."""


class Count(Struct, frozen=True):
    """An e-mail's opens: those that the vendor's report shows, and those that were received."""

    name: str
    reported: int
    received: int

    def __str__(self) -> str:
        return f"{self.name}: {self.received:,} of {self.reported:,} opens received"


class Arrival(Struct, frozen=True):
    """An open that was received, and the name of its e-mail."""

    name: str
    received: Received

    @property
    def time(self) -> str:
        return clock_time(self.received.at)

    @property
    def address(self) -> str:
        return self.received.email_address or "an erased contact"

    @property
    def device(self) -> str:
        return self.received.open.device_type or "unknown"

    @property
    def opened(self) -> str:
        return ago(self.received.at - self.received.open.created_time)

    def __str__(self) -> str:
        return f"{self.name}: {self.address} opened on {self.device}, {self.opened}"


class State(Struct, frozen=True, kw_only=True):
    """All that the picture shows."""

    activity: str
    """What is being done now; empty at the end."""
    counts: Sequence[Count]
    backlog: Count
    latest: Sequence[Arrival]


def picture(state: State, columns: int, lines: int) -> list[Renderable]:
    """Return the parts of the picture, for a terminal of this size."""
    wide = columns >= _WIDE
    # An open takes two lines on a narrow terminal, or three.
    latest = state.latest[-max(1, min(LATEST, (lines - _OTHER_LINES) // (1 if wide else 3))) :]
    return [
        "",
        table(_OPENS if wide else _NARROW_OPENS, _rows(latest, wide=wide)),
        "",
        table(_EMAILS, map(_email, state.counts)),
        "",
        f"Backlog of {state.backlog}",
        bar(state.backlog.received, state.backlog.reported, columns),
        "",
        spinner(state.activity) if state.activity else styled(("✓", "green"), (" Done", "")),
    ]


def clock_time(instant: datetime) -> str:
    """Format an instant as this machine's clock shows it."""
    return instant.astimezone().strftime("%H:%M:%S")


def ago(age: timedelta) -> str:
    """Format an age in its largest unit: `4 s ago`, `3 days ago`."""
    seconds = max(0, round(age.total_seconds()))
    for unit, length in (("day", 86_400), ("h", 3600), ("min", 60)):
        count = round(seconds / length)
        if seconds >= length:
            plural = "s" if unit == "day" and count > 1 else ""
            return f"{count} {unit}{plural} ago"
    return f"{seconds} s ago"


def _email(count: Count) -> dict[str, str]:
    return {
        "E-mail": count.name.ljust(_EMAILS[0].width),
        "Reported": f"{count.reported:,}",
        "Received": f"{count.received:,}",
    }


def _rows(latest: Sequence[Arrival], *, wide: bool) -> Iterator[dict[str, str]]:
    for arrival in latest:
        if wide:
            cells = (arrival.time, arrival.name, arrival.address, arrival.device, arrival.opened)
            # Padded: the columns stay in their places.
            yield {
                column.name: cell.ljust(column.width)
                for column, cell in zip(_OPENS, cells, strict=True)
            }
        else:
            yield {"Time": arrival.time, "Open": f"{arrival.name}, {arrival.opened}"}
            yield {"Time": "", "Open": f"{arrival.address}, {arrival.device}"}

"""The opens of a watch as JSON, CSV or lines for people: to a pipe, a file or a terminal."""

import csv
import os
import stat
from collections.abc import Mapping, Sequence
from datetime import datetime
from enum import StrEnum
from functools import partial
from io import StringIO
from pathlib import Path
from typing import TYPE_CHECKING

from msgspec import Struct

from email_opens.adapters.local.lines import (
    LinesOf,
    LinesPublisher,
    OutputClosed,
    closed,
    json_lines,
)
from email_opens.errors import EmailOpensError, InvalidInput
from email_opens.instants import iso
from email_opens.model import Activity, NewOpen, RejectedRow
from email_opens.ports import Clock, Delivery, Publisher
from email_opens_cli.terminal.plain import WIDE, Styled, printable

if TYPE_CHECKING:
    from email_opens_cli.terminal.console import TextConsole

CSV_COLUMNS = (
    "time",
    "email_address",
    "campaign_name",
    "device_type",
    "contact_id",
    "campaign_id",
    "campaign_activity_id",
    "occurrence",
    "id",
)
_CHECK_SECONDS = 0.5
_PADDED_FROM = 80
"""Columns of a terminal from which addresses and names are aligned."""
_MOST_PADDED = 34
_TIME = 19
"""Columns of the time and of the spaces between the parts of a line."""
_DEVICE = 9
"""Columns that are kept for the device."""


class Format(StrEnum):
    """How an open is written."""

    JSON = "json"
    CSV = "csv"
    TABLE = "table"


def text_of(activity: Activity, new: NewOpen, width: int = WIDE) -> str:
    """Return an open as a line for a person."""
    return "".join(text for text, _ in styled_line(activity, new, width)).rstrip()


def styled_line(activity: Activity, new: NewOpen, width: int) -> list[Styled]:
    """Return the time of an open, the address, the e-mail and the device; nothing is cut.

    The address and the e-mail are padded as far as the line then still fits into the width.
    """
    from email_opens_cli.terminal.console import cell_len  # noqa: PLC0415 - rich

    row = new.open
    # Without an address if the contact was erased, or if CONTACT_DETAILS keeps it out.
    address = printable(row.email_address or f"contact {row.contact_id[:8]}…")
    name = printable(activity.campaign_name or activity.campaign_activity_id)
    device = printable(row.device_type or "-")
    address_pad = name_pad = 0
    if width >= _PADDED_FROM:
        room = width - _TIME - max(_DEVICE, cell_len(device))
        pad = min(_MOST_PADDED, room // 2)
        address_pad = max(cell_len(address), min(pad, room - max(pad, cell_len(name))))
        name_pad = min(pad, room - address_pad)
    return [
        (f"{row.created_time.astimezone():%Y-%m-%d %H:%M}", "dim"),
        (f" {address}{' ' * (address_pad - cell_len(address))}", "cyan"),
        (f" {name}{' ' * (name_pad - cell_len(name))}", ""),
        (f" {device}", "bold"),
    ]


def csv_line(activity: Activity, new: NewOpen) -> str:
    """Return an open as a line of CSV; it has the columns `CSV_COLUMNS`."""
    row = new.open
    values = (
        iso(row.created_time),
        row.email_address or "",
        activity.campaign_name or "",
        row.device_type or "",
        row.contact_id,
        activity.campaign_id or "",
        row.campaign_activity_id,
        str(new.occurrence),
        new.event_id,
    )
    return _csv(values)


LINES: Mapping[Format, LinesOf] = {
    Format.JSON: json_lines,
    Format.CSV: lambda activity: partial(csv_line, activity),
    Format.TABLE: lambda activity: partial(text_of, activity),
}


def file_form(path: Path, wanted: Format | None) -> Format:
    """Return the form in which opens are appended to a file: by default that of its suffix.

    Raises:
        InvalidInput: the file has lines of another form.
    """
    form = wanted or (Format.CSV if path.suffix.lower() == ".csv" else Format.JSON)
    begun = _begun_form(path)
    if begun not in (None, form):
        raise InvalidInput(
            f"{path} has lines of {begun} already, and these would be {form}: add --format {begun},"
            " or name another file with --output."
        )
    return form


def _begun_form(path: Path) -> Format | None:
    """Return the form of a file's first line; None: there is none, or it is unknown."""
    header = _csv(CSV_COLUMNS).encode()
    try:
        if not path.is_file():
            return None
        with path.open("rb") as file:
            first = file.read(len(header))
    except (OSError, ValueError):
        return None
    if first == header:
        return Format.CSV
    return Format.JSON if first.startswith(b"{") else None


def open_file(path: Path) -> int:
    """Open a file to append opens to; return its descriptor. A new file is private.

    Raises:
        InvalidInput: it cannot be written.
    """
    try:
        return os.open(
            path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | getattr(os, "O_BINARY", 0), 0o600
        )
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is not a file's name"
        raise InvalidInput(
            f"{str(path)!r} cannot be written: {reason}. Name another file with --output."
        ) from None


def begin(output: int, form: Format) -> None:
    """Write the names of the columns as the first line of CSV.

    Raises:
        OutputClosed, EmailOpensError: the output does not accept it.
    """
    try:
        found = os.fstat(output)
        begun = stat.S_ISREG(found.st_mode) and found.st_size > 0
        if form is Format.CSV and not begun:
            os.write(output, f"{_csv(CSV_COLUMNS)}\n".encode())
    except BrokenPipeError:
        raise OutputClosed("The reader of the output has closed it.") from None
    except OSError as error:
        raise EmailOpensError(f"The output cannot be written: {error.strerror}.") from None


class OutputClock(Struct, frozen=True):
    """A clock whose sleep ends when the reader of the output has closed it."""

    clock: Clock
    output: int

    def now(self) -> datetime:
        return self.clock.now()

    def sleep(self, seconds: float) -> None:
        """Wait that long.

        Raises:
            OutputClosed: the reader has closed the output.
        """
        while seconds > 0:
            if closed(self.output):
                raise OutputClosed("The reader of the output has closed it.")
            self.clock.sleep(min(seconds, _CHECK_SECONDS))
            seconds -= _CHECK_SECONDS


class TerminalPublisher(Struct, frozen=True):
    """Implements `email_opens.ports.Publisher`: opens as lines on a terminal.

    What `first` does not settle, such as a file of opens, is not shown.
    """

    screen: "TextConsole"
    form: Format
    rows: LinesPublisher
    """Sets aside rows that are not opens."""
    first: Publisher | None = None

    def publish(
        self, activity: Activity, opens: Sequence[NewOpen], now: datetime
    ) -> Delivery[NewOpen]:
        if self.first is None:
            delivery = Delivery(settled=tuple(opens))
        else:
            delivery = self.first.publish(activity, opens, now)
        try:
            self._show(activity, delivery.settled)
        except OSError:
            if self.first is None:
                return Delivery(settled=(), failure=OutputClosed("The terminal is closed."))
        return delivery

    def set_aside(self, activity: Activity, rows: Sequence[RejectedRow]) -> Delivery[RejectedRow]:
        return self.rows.set_aside(activity, rows)

    def _show(self, activity: Activity, opens: Sequence[NewOpen]) -> None:
        from email_opens_cli.terminal.console import styled  # noqa: PLC0415

        if self.form is Format.TABLE:
            lines = [styled(*styled_line(activity, new, self.screen.width)) for new in opens]
            self.screen.print(*lines, sep="\n")
        else:
            write = LINES[self.form](activity)
            lines = [styled((write(new), "")) for new in opens]
            self.screen.print(*lines, sep="\n", soft_wrap=True)


def _csv(values: Sequence[str]) -> str:
    line = StringIO()
    csv.writer(line, lineterminator="").writerow(printable(value) for value in values)
    return line.getvalue()

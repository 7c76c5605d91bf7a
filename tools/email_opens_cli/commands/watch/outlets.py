"""Where the opens of a watch go, and the terminal that shows its progress."""

import os
import stat
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from msgspec import Struct

from email_opens.adapters.local.lines import LinesPublisher
from email_opens.adapters.waits import Waits
from email_opens.ports import Clock, Publisher
from email_opens_cli.commands.watch.output import (
    LINES,
    Format,
    OutputClock,
    TerminalPublisher,
    begin,
    file_form,
    open_file,
)

if TYPE_CHECKING:
    from email_opens_cli.terminal.console import TextConsole

STDOUT = 1


class Outlets(Struct, frozen=True):
    """A publisher, and the console on which the progress is shown; None: no terminal is free."""

    publisher: Publisher
    output: int
    console: "TextConsole | None"

    def clock(self, clock: Clock) -> OutputClock:
        """Return a clock that stops waiting when the output is closed."""
        return OutputClock(clock, self.output)


@contextmanager
def open_outlets(
    path: Path | None, form: Format | None, rejected: Path, waits: Waits
) -> Iterator[Outlets]:
    """Open the output that the command line names; None: stdout.

    Raises:
        InvalidInput, OutputClosed, EmailOpensError: it cannot be written.
    """
    on_terminal = sys.stdout.isatty()
    if path is None:
        form = form or (Format.TABLE if on_terminal else Format.JSON)
        lines = LinesPublisher(STDOUT, rejected, waits, lines_of=LINES[form])
        begin(STDOUT, form)
        screen = _console()
        terminal = TerminalPublisher(screen, form, lines) if screen and on_terminal else None
        yield Outlets(terminal or lines, STDOUT, screen)
        return
    form = file_form(path, form)
    output = open_file(path)
    try:
        lines = LinesPublisher(output, rejected, waits, lines_of=LINES[form])
        begin(output, form)
        screen = _console()
        both = TerminalPublisher(screen, Format.TABLE, lines, lines) if screen else None
        yield Outlets(both if both and on_terminal else lines, output, screen)
    finally:
        os.close(output)


def _console() -> "TextConsole | None":
    """Return stdout if it is a terminal, or stderr if no other program writes beside it."""
    if not (sys.stdout.isatty() or sys.stderr.isatty()):
        return None  # Without rich, a watch in a pipe starts faster.
    from email_opens_cli.terminal.console import TextConsole, console  # noqa: PLC0415

    if sys.stdout.isatty():
        return console()
    piped = not stat.S_ISREG(os.fstat(STDOUT).st_mode)
    return None if piped else TextConsole(stderr=True)

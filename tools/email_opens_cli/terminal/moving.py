"""What moves on a terminal while a command works: it is redrawn a few times a second."""

import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

from rich.console import Group
from rich.live import Live
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from email_opens_cli.terminal.console import Renderable, Styled, TextConsole, printable, styled

_REDRAWS_PER_SECOND = 5
_FRAMES = "⠋⠙⠹⠸⠼⠴⠦⠧⠇⠏"
_BAR_COLUMNS = 60
"""The widest bar."""


def moves(screen: TextConsole) -> bool:
    """Return whether a console can redraw what it shows."""
    return screen.is_terminal and not screen.is_dumb_terminal


@contextmanager
def moving(
    screen: TextConsole, draw: Callable[[], Sequence[Renderable]], *, transient: bool = False
) -> Iterator[None]:
    """Show what `draw` returns, one part below another, and call it again and again.

    What is printed meanwhile appears above. `transient` removes the last picture at the end.
    """
    with Live(
        console=screen,
        get_renderable=lambda: Group(*draw()),
        refresh_per_second=_REDRAWS_PER_SECOND,
        transient=transient,
        # What goes to a pipe stays apart from the terminal.
        redirect_stdout=sys.stdout.isatty(),
        redirect_stderr=sys.stderr.isatty(),
    ) as live:
        live.refresh()  # By itself, it would begin only with the next redrawing.
        yield


def spinner(text: str) -> Renderable:
    """Return a line with a sign that turns, if it is drawn again and again."""
    frame = _FRAMES[int(time.monotonic() * _REDRAWS_PER_SECOND) % len(_FRAMES)]
    return styled((frame, "cyan"), (f" {text}", ""))


def bar(done: int, total: int, columns: int) -> Renderable:
    """Return a progress bar that fits into a number of columns."""
    shown = ProgressBar(total=max(total, 1), completed=done, width=min(columns, _BAR_COLUMNS))
    grid = Table.grid()  # By itself, a bar does not end its line.
    grid.add_row(shown)
    return grid


def indented(head: str, *parts: Styled) -> Renderable:
    """Return a text whose lines all begin to the right of its head."""
    grid = Table.grid(padding=(0, 2, 0, 0))
    grid.add_column(no_wrap=True)
    grid.add_column(overflow="fold")
    text = Text.assemble(*((printable(part), style) for part, style in parts))
    grid.add_row(Text(printable(head), style="dim"), text)
    return grid

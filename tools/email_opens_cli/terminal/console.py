"""Tables, styles and progress on a terminal, and the same in a pipe; `plain` prints lines.

Names, devices, addresses and error texts come from outside. So everything is printed as plain text:
control characters are replaced, and markup, emoji codes and links have no effect.
"""

import errno
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from rich.cells import cell_len
from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.text import Text

from email_opens_cli.terminal.pasted import pasteable
from email_opens_cli.terminal.plain import (
    WIDE,
    Styled,
    confirm,
    printable,
    say,
    say_json,
    warn,
    wrapped,
)

__all__ = [
    "WIDE",
    "Styled",
    "cell_len",
    "confirm",
    "printable",
    "say",
    "say_json",
    "warn",
]

type Renderable = RenderableType
"""What a console prints."""


class TextConsole(Console):
    """A console that prints each string as text, whatever it contains."""

    def __init__(self, **options: Any) -> None:
        super().__init__(markup=False, emoji=False, highlight=False, **options)

    def on_broken_pipe(self) -> None:
        # Rich would exit with 1; `Program` decides with what the command exits.
        raise BrokenPipeError(errno.EPIPE, "The pipe is closed")

    def say(self, text: str, mark: Styled = ("", "")) -> None:
        """Print a sentence after a mark; a command in it stays whole, so that it can be pasted."""
        shown = Text(wrapped(mark[0] + printable(pasteable(text)), self.width))
        shown.stylize(mark[1], 0, len(mark[0]))
        self.print(shown, soft_wrap=True)

    def render_str(self, text: str, **options: Any) -> Text:
        # Rich converts every string here: what is printed, and each cell of a table.
        return super().render_str(printable(pasteable(text)), **options)


def console() -> TextConsole:
    """Return the console of stdout."""
    made = TextConsole()
    return made if made.is_terminal else TextConsole(width=WIDE)


def styled(*parts: Styled) -> Renderable:
    """Return a line of parts, each in a style."""
    return Text.assemble(*((printable(pasteable(text)), style) for text, style in parts))


@contextmanager
def redrawn(screen: TextConsole) -> Iterator[Callable[..., None]]:
    """Yield a function that replaces what it drew before by these parts, one below another."""
    with Live(console=screen, auto_refresh=False) as live:
        yield lambda *parts: live.update(Group(*parts), refresh=True)


@contextmanager
def progress(what: str, total: int | None) -> Iterator[Callable[[int], None]]:
    """Show a progress bar on stderr, if that is a terminal.

    Yields a function that takes the count so far.
    """
    shown = TextConsole(stderr=True)
    if not shown.is_terminal:
        yield _ignore
        return
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn  # noqa: PLC0415

    columns = (TextColumn(what), BarColumn(bar_width=None), MofNCompleteColumn())
    with Progress(*columns, console=shown, expand=True, transient=True) as bar:
        task = bar.add_task(what, total=total)
        yield lambda count: bar.update(
            task, completed=count, total=None if total is None else max(total, count)
        )


def _ignore(_: int) -> None:
    return

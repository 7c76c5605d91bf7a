"""Output on a terminal, and in a pipe: the one place where commands print.

Names, devices, addresses and error texts come from outside. So everything is printed as plain text:
control characters are replaced, and markup, emoji codes and links have no effect.
"""

import errno
import json
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any
from unicodedata import category

import typer
from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.text import Text

from email_opens.errors import InvalidInput
from email_opens_cli.terminal.pasted import pasteable

WIDE = 10_000
"""Columns if stdout is not a terminal, so that nothing is cut or folded in a file or a pipe."""
REPLACEMENT = "�"

_UNSAFE = ("Cc", "Cf", "Cs", "Zl", "Zp")
"""Categories of characters that move the cursor, break or reorder lines, or cannot be encoded."""
_JOINERS = ("\N{ZERO WIDTH NON-JOINER}", "\N{ZERO WIDTH JOINER}")
"""They occur within emoji and in some scripts, and affect nothing else."""

type Styled = tuple[str, str]
"""A text and its style."""
type Renderable = RenderableType
"""What a console prints."""


def printable(text: str) -> str:
    """Return text that stays on its line and cannot control a terminal."""
    if text.isascii() and text.isprintable():
        return text
    return "".join(
        REPLACEMENT if category(character) in _UNSAFE and character not in _JOINERS else character
        for character in text
    )


def say(*lines: str) -> None:
    """Print lines on stdout."""
    for line in lines:
        print(printable(pasteable(line)), flush=True)


def warn(*lines: str) -> None:
    """Print lines on stderr."""
    for line in lines:
        print(printable(pasteable(line)), file=sys.stderr, flush=True)


def say_json(value: Any, *, indent: int | None = None) -> None:
    """Print a value as JSON on stdout, in ASCII: each control character is an escape."""
    separators = (",", ":") if indent is None else None
    print(json.dumps(value, indent=indent, separators=separators), flush=True)


class TextConsole(Console):
    """A console that prints each string as text, whatever it contains."""

    def __init__(self, **options: Any) -> None:
        super().__init__(markup=False, emoji=False, highlight=False, **options)

    def on_broken_pipe(self) -> None:
        # Rich would exit with 1; `Program` decides with what the command exits.
        raise BrokenPipeError(errno.EPIPE, "The pipe is closed")

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


def confirm(question: str, *, yes: bool) -> None:
    """Prompt for a confirmation on a terminal, unless `yes`.

    Raises:
        InvalidInput: stdin is not a terminal.
        typer.Abort: the answer is no.
    """
    if yes:
        return
    if not sys.stdin.isatty():
        raise InvalidInput(f"{question} There is no terminal to confirm this on: add --yes.")
    typer.confirm(printable(question), abort=True, err=True)


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

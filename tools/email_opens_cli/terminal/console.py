"""Output on a terminal, and in a pipe."""

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import typer
from rich.console import Console

from email_opens.errors import InvalidInput

WIDE = 240
"""Columns if stdout is not a terminal, so that nothing is cut in a file or a pipe."""


def console() -> Console:
    """Return the console of stdout."""
    made = Console(highlight=False)
    return made if made.is_terminal else Console(highlight=False, width=WIDE)


def printable(text: str) -> str:
    """Return a name of the vendor's without characters that would control a terminal."""
    return "".join(character if character.isprintable() else "�" for character in text)


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
    typer.confirm(question, abort=True, err=True)


@contextmanager
def progress(what: str, total: int | None) -> Iterator[Callable[[int], None]]:
    """Show a progress bar on stderr, if that is a terminal.

    Yields a function that takes the count so far.
    """
    shown = Console(stderr=True, highlight=False)
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

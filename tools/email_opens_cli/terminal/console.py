"""What a terminal gets, and what a pipe gets instead."""

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import typer
from rich.console import Console

from email_opens.errors import InvalidInput

WIDE = 240
"""Columns where no terminal says how many there are: nothing is cut in a file or a pipe."""


def console() -> Console:
    """Return the console of stdout."""
    made = Console(highlight=False)
    return made if made.is_terminal else Console(highlight=False, width=WIDE)


def confirm(question: str, *, yes: bool) -> None:
    """Ask on a terminal whether to go on; with `yes`, ask nothing.

    Raises:
        InvalidInput: nobody can be asked.
        typer.Abort: the answer is no.
    """
    if yes:
        return
    if not sys.stdin.isatty():
        raise InvalidInput(f"{question} Nobody can be asked here: say --yes.")
    typer.confirm(question, abort=True, err=True)


@contextmanager
def progress(what: str, total: int | None) -> Iterator[Callable[[int], None]]:
    """Show on stderr how far something has come, where that is a terminal.

    Yields what takes the count so far.
    """
    shown = Console(stderr=True, highlight=False)
    if not shown.is_terminal:
        yield _unseen
        return
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn  # noqa: PLC0415

    columns = (TextColumn(what), BarColumn(bar_width=None), MofNCompleteColumn())
    with Progress(*columns, console=shown, expand=True, transient=True) as bar:
        task = bar.add_task(what, total=total)
        yield lambda count: bar.update(
            task, completed=count, total=None if total is None else max(total, count)
        )


def _unseen(_: int) -> None:
    return

"""Tables that fit the terminal: the least important columns are left out if it is narrow."""

from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

from rich.table import Table

from email_opens_cli.terminal.console import Renderable

GAP = 2
"""Spaces between two columns."""


class Column(NamedTuple):
    """A column of a table."""

    name: str
    width: int
    """The characters that it needs."""
    rank: int
    """The importance: 0 is left out last."""
    right: bool = False
    folds: bool = False


def fitting(columns: Iterable[Column], width: int) -> list[Column]:
    """Return the columns that fit into a width, in their order."""
    columns = list(columns)
    left = width + GAP
    kept = set()
    for column in sorted(columns, key=lambda column: column.rank):
        left -= column.width + GAP
        if left < 0:
            break
        kept.add(column)
    return [column for column in columns if column in kept]


def table(columns: Sequence[Column], rows: Iterable[Mapping[str, str]]) -> Renderable:
    """Return a table of these columns; a row has its cells by the names of all columns."""
    made = Table(box=None, header_style="bold", pad_edge=False, padding=(0, GAP, 0, 0))
    for column in columns:
        made.add_column(
            column.name,
            justify="right" if column.right else "left",
            no_wrap=not column.folds,
            overflow="fold" if column.folds else "ellipsis",
        )
    for cells in rows:
        made.add_row(*(cells[column.name] for column in columns))
    return made

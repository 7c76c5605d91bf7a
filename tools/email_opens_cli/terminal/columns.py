"""Tables that fit the terminal: the least important columns are left out if it is narrow."""

from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

from rich.cells import cell_len
from rich.table import Table

from email_opens_cli.terminal.console import Renderable

GAP = 2
"""Spaces between two columns."""
SHORT_ID = 8
"""The characters of an id, at least, where there is no room for the whole."""


class Column(NamedTuple):
    """A column of a table."""

    name: str
    width: int
    """The characters that it needs; if it folds, the fewest that it gets."""
    rank: int
    """The importance: 0 is left out last."""
    right: bool = False
    folds: bool = False


def fitting(columns: Iterable[Column], width: int) -> list[Column]:
    """Return the columns that fit into a width, in their order; the most important one always."""
    columns = list(columns)
    left = width + GAP
    kept: set[Column] = set()
    for column in sorted(columns, key=lambda column: column.rank):
        left -= column.width + GAP
        if left < 0 and kept:
            break
        kept.add(column)
    return [column for column in columns if column in kept]


def measured(columns: Iterable[Column], rows: Sequence[Mapping[str, str]]) -> list[Column]:
    """Return the columns with the widths that their cells need."""
    return [column._replace(width=_needed(column, rows)) for column in columns]


def fitted(
    columns: Sequence[Column], rows: Sequence[Mapping[str, str]], width: int
) -> tuple[list[Column], list[Mapping[str, str]]]:
    """Return the columns that fit into a width, and the rows for them.

    The ids, which are in the column `Id`, are shortened unless all columns fit.
    """
    shown = fitting(measured(columns, rows), width)
    if len(shown) == len(columns):
        return shown, list(rows)
    short = short_ids(row["Id"] for row in rows)
    rows = [{name: short.get(text, text) for name, text in row.items()} for row in rows]
    return fitting(measured(columns, rows), width), list(rows)


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


def short_ids(ids: Iterable[str]) -> dict[str, str]:
    """Return the beginnings of ids, of one length, that commands accept in place of the whole."""
    wholes = set(ids)
    longest = max(map(len, wholes), default=0)
    length = next(
        (
            length
            for length in range(SHORT_ID, longest)
            if len({whole[:length] for whole in wholes}) == len(wholes)
        ),
        longest,
    )
    return {whole: whole[:length] for whole in wholes}


def _needed(column: Column, rows: Sequence[Mapping[str, str]]) -> int:
    widest = max(cell_len(text) for text in (column.name, *(row[column.name] for row in rows)))
    return min(column.width, widest) if column.folds else widest

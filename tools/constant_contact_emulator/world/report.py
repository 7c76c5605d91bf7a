"""The rows of one activity's report, kept sorted so that any page is a slice of them."""

from bisect import bisect_left, bisect_right, insort
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from operator import attrgetter
from random import Random
from typing import Any

from constant_contact_emulator.messages import Raw
from constant_contact_emulator.world.behaviour import Ties

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MILLISECOND = timedelta(milliseconds=1)
_TIE_BITS = 40
_LAST_TIE = (1 << _TIE_BITS) - 1
_FEW = 50
"""Up to this many rows are inserted one by one; more are sorted with the rest."""

_key = attrgetter("key")


@dataclass(frozen=True, slots=True)
class Contact:
    contact_id: str
    email_address: str | None
    """None: the contact was erased, so its rows have no address."""
    first_name: str | None = None
    last_name: str | None = None


@dataclass(slots=True, eq=False)
class Row:
    """One open as the report shows it."""

    contact: Contact
    created: datetime
    device_type: str | None = None
    visible_from: datetime = _EPOCH
    extra: Mapping[str, Any] = field(default_factory=dict)
    """Fields that are written in place of the usual ones, or beside them; see `oddities`."""
    raw: Mapping[str, Any] | Raw | None = None
    """Written in place of all fields, which then only determine its position."""
    key: int = 0
    """The sort key within a report: the millisecond of `created`, then the tie."""


def _hidden_order(row: Row) -> float:
    return -row.visible_from.timestamp()


@dataclass(slots=True)
class Report:
    """Rows in ascending order, the newest last. Callers hold the world's lock."""

    rows: list[Row] = field(default_factory=list)
    hidden: list[Row] = field(default_factory=list)
    """Rows that are not visible yet, the next to appear last."""
    opens_by_contact: Counter[str] = field(default_factory=Counter)
    changes: int = 0
    """Increases whenever the visible rows change."""
    added: int = 0

    def add(self, rows: Iterable[Row], ties: Ties) -> None:
        """Add rows, each of which appears at its `visible_from`."""
        new = list(rows)
        for row in new:
            self.added += 1
            tie = _LAST_TIE - self.added if ties is Ties.OLDEST_FIRST else self.added
            row.key = ((row.created - _EPOCH) // _MILLISECOND) << _TIE_BITS | tie
        if len(new) > _FEW:
            self.hidden.extend(new)
            self.hidden.sort(key=_hidden_order)
        else:
            for row in new:
                insort(self.hidden, row, key=_hidden_order)

    def reveal(self, now: datetime) -> None:
        """Make the rows visible that are due at `now`."""
        cut = bisect_left(self.hidden, -now.timestamp(), key=_hidden_order)
        due = self.hidden[cut:]
        if not due:
            return
        del self.hidden[cut:]
        if len(due) > _FEW:
            # Rows that are older than every new row keep their place.
            start = self.count_below(min(row.key for row in due))
            self.rows[start:] = sorted(self.rows[start:] + due, key=_key)
        else:
            for row in due:
                insort(self.rows, row, key=_key)
        self.opens_by_contact.update(row.contact.contact_id for row in due)
        self.changes += 1

    def withdraw(self, matching: Callable[[Row], bool], at_most: int | None = None) -> list[Row]:
        """Remove visible rows, the newest first; return those that were removed."""
        removed: list[Row] = []
        for index in range(len(self.rows) - 1, -1, -1):
            if len(removed) == at_most:
                break
            if matching(self.rows[index]):
                row = self.rows.pop(index)
                self.opens_by_contact[row.contact.contact_id] -= 1
                if not self.opens_by_contact[row.contact.contact_id]:
                    del self.opens_by_contact[row.contact.contact_id]
                removed.append(row)
        self.changes += bool(removed)
        return removed

    def count_below(self, key: int) -> int:
        """Return the number of rows below the row with this key."""
        return bisect_left(self.rows, key, key=_key)


def page_rows(rows: list[Row], offset: int, limit: int) -> list[Row]:
    """Return `limit` rows, newest first, after the `offset` newest."""
    end = max(len(rows) - offset, 0)
    return rows[max(end - limit, 0) : end][::-1]


def shuffled_page_rows(rows: list[Row], offset: int, limit: int, random: Random) -> list[Row]:
    """Return the same rows as `page_rows` would if all ties of the report were shuffled."""
    end = max(len(rows) - offset, 0)
    start = max(end - limit, 0)
    if start == end:
        return []
    low = bisect_left(rows, rows[start].key >> _TIE_BITS, key=_instant)
    high = bisect_right(rows, rows[end - 1].key >> _TIE_BITS, key=_instant)
    around = rows[low:high]
    random.shuffle(around)
    around.sort(key=_instant)
    return around[start - low : end - low][::-1]


def _instant(row: Row) -> int:
    return row.key >> _TIE_BITS

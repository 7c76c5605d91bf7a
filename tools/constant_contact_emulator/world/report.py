"""The rows of one activity's report, kept sorted so that a page of a million rows is a slice."""

from bisect import bisect_left, bisect_right, insort
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from operator import attrgetter
from random import Random
from typing import Any

from constant_contact_emulator.world.behaviour import Ties

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MILLISECOND = timedelta(milliseconds=1)
_TIE_BITS = 40
_LAST_TIE = (1 << _TIE_BITS) - 1
_FEW = 50

_key = attrgetter("key")


@dataclass(frozen=True, slots=True)
class Contact:
    contact_id: str
    email_address: str
    first_name: str | None = None
    last_name: str | None = None


@dataclass(slots=True, eq=False)
class Row:
    """One open as the report shows it."""

    contact: Contact
    created: datetime
    device_type: str | None = None
    visible_from: datetime = _EPOCH
    raw: dict[str, Any] | None = None
    """Shown instead of all the rest, which then only says where the row stands."""
    key: int = 0
    """Orders all rows of a report: the millisecond of `created`, then the tie."""


def _hidden_order(row: Row) -> float:
    return -row.visible_from.timestamp()


@dataclass(slots=True)
class Report:
    """Rows in ascending order; the newest is the last. Guarded by the world's lock."""

    rows: list[Row] = field(default_factory=list)
    hidden: list[Row] = field(default_factory=list)
    """Rows whose time to appear has not come, the next one last."""
    opens_by_contact: Counter[str] = field(default_factory=Counter)
    changes: int = 0
    """Moves whenever the visible rows do."""
    added: int = 0

    def add(self, rows: Iterable[Row], ties: Ties) -> None:
        """Take rows in; each appears when its `visible_from` has come."""
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

    def show(self, now: datetime) -> None:
        """Let rows appear whose time has come."""
        cut = bisect_left(self.hidden, -now.timestamp(), key=_hidden_order)
        due = self.hidden[cut:]
        if not due:
            return
        del self.hidden[cut:]
        if len(due) > _FEW:
            # Only the rows from the oldest new one on change their places.
            start = self.below(min(row.key for row in due))
            self.rows[start:] = sorted(self.rows[start:] + due, key=_key)
        else:
            for row in due:
                insort(self.rows, row, key=_key)
        self.opens_by_contact.update(row.contact.contact_id for row in due)
        self.changes += 1

    def withdraw(self, matching: Callable[[Row], bool], at_most: int | None = None) -> int:
        """Take visible rows out, the newest first; return how many there were."""
        gone = 0
        for index in range(len(self.rows) - 1, -1, -1):
            if gone == at_most:
                break
            if matching(self.rows[index]):
                row = self.rows.pop(index)
                self.opens_by_contact[row.contact.contact_id] -= 1
                if not self.opens_by_contact[row.contact.contact_id]:
                    del self.opens_by_contact[row.contact.contact_id]
                gone += 1
        self.changes += bool(gone)
        return gone

    def below(self, key: int) -> int:
        """Return how many rows stand below the row with this key."""
        return bisect_left(self.rows, key, key=_key)


def descending(rows: list[Row], offset: int, limit: int) -> list[Row]:
    """Return `limit` rows from the `offset`-th newest on."""
    end = max(len(rows) - offset, 0)
    return rows[max(end - limit, 0) : end][::-1]


def descending_shuffled(rows: list[Row], offset: int, limit: int, random: Random) -> list[Row]:
    """Return the same slice of the report with the order of all ties drawn anew."""
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

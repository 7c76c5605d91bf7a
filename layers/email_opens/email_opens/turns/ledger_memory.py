"""The ledger, kept in memory during a turn, so that not every poll reads it.

While the turn holds the account's lease, no other process adds to this part of the ledger.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from datetime import timedelta

from email_opens.events import REJECTED, bucket
from email_opens.instants import utc
from email_opens.ports import Ledger

MOST_REMEMBERED = 100_000
"""Fingerprints, about 9 MB; a turn that reads more keeps only what it has read last."""
_HOUR = timedelta(hours=1)


@dataclass(slots=True)
class _Range:
    """All that the ledger has of an activity from one bucket to another, both included."""

    first: str
    last: str
    found: dict[str, set[bytes]] = field(default_factory=dict)


class LedgerMemory:
    """Implements `email_opens.ports.Ledger` over a ledger to which only this turn adds."""

    def __init__(self, ledger: Ledger, most: int = MOST_REMEMBERED) -> None:
        self._ledger = ledger
        self._most = most
        self._ranges: dict[tuple[str, bool], _Range] = {}
        """By activity; its rejected rows have a range of their own."""

    def fingerprints(
        self, campaign_activity_id: str, first_bucket: str, last_bucket: str
    ) -> dict[str, set[bytes]]:
        known = self._range(campaign_activity_id, first_bucket, last_bucket)
        if self._size() > self._most:
            self._ranges.clear()
        return {
            name: set(marks)
            for name, marks in known.found.items()
            if first_bucket <= name <= last_bucket
        }

    def append(self, campaign_activity_id: str, entries: Mapping[str, Collection[bytes]]) -> None:
        try:
            self._ledger.append(campaign_activity_id, entries)
        except BaseException:
            # Some may have been added.
            self._ranges.clear()
            raise
        for name, fingerprints in entries.items():
            known = self._ranges.get((campaign_activity_id, name == REJECTED))
            if known and fingerprints and known.first <= name <= known.last:
                known.found.setdefault(name, set()).update(fingerprints)

    def _range(self, campaign_activity_id: str, first: str, last: str) -> _Range:
        """Return a range in memory that includes this one, after reading what it lacks."""
        key = campaign_activity_id, last == REJECTED
        known = self._ranges.get(key)
        if known is None or last < known.first or known.last < first:
            known = _Range(first, last, self._read(campaign_activity_id, first, last))
            self._ranges[key] = known
        if first < known.first:
            below = _neighbour(known.first, -_HOUR)
            known.found |= self._read(campaign_activity_id, first, below)
            known.first = first
        if known.last < last:
            above = _neighbour(known.last, _HOUR)
            known.found |= self._read(campaign_activity_id, above, last)
            known.last = last
        return known

    def _read(self, campaign_activity_id: str, first: str, last: str) -> dict[str, set[bytes]]:
        found = self._ledger.fingerprints(campaign_activity_id, first, last)
        return {name: set(marks) for name, marks in found.items() if marks}

    def _size(self) -> int:
        return sum(len(marks) for known in self._ranges.values() for marks in known.found.values())


def _neighbour(name: str, hour: timedelta) -> str:
    """Return the bucket before or after one."""
    return bucket(utc(f"{name}:00Z") + hour)

"""The window of published opens: the part of the ledger that a walk needs at its position."""

from collections.abc import Iterable, Mapping
from collections.abc import Set as AbstractSet
from datetime import datetime, timedelta

from email_opens.events import REJECTED, bucket, by_bucket, row_fingerprint
from email_opens.model import NewOpen, Page, RejectedRow
from email_opens.packed import PackedSet, union
from email_opens.ports import Ledger

HOUR = timedelta(hours=1)


class PublishedWindow:
    """A window of the ledger's hours that moves down with a walk.

    It also holds the opens that the walk has found but not recorded yet, so that a row that the
    next page repeats is not new.
    """

    def __init__(self, ledger: Ledger, campaign_activity_id: str) -> None:
        self._ledger = ledger
        self._activity_id = campaign_activity_id
        self._newest: datetime | None = None
        self._oldest: datetime | None = None
        self._rejected: set[bytes] | None = None
        self._by_bucket: dict[str, set[bytes] | PackedSet] = {}

    def of(self, page: Page, floor: datetime | None) -> Mapping[str, AbstractSet[bytes]]:
        """Return, by bucket, the fingerprints in the hours of a page's rows above the floor."""
        instants = [
            row.created_time for row in page.opens if floor is None or row.created_time >= floor
        ]
        if instants:
            self._cover(_hour(min(instants)), _hour(max(instants)))
        return self._by_bucket

    def note(self, found: Iterable[NewOpen]) -> None:
        """Add new opens to the window."""
        self._add(by_bucket(found))

    def new_rejected(self, page: Page) -> list[RejectedRow]:
        """Return the page's rejected rows that are not in the window yet, and add them to it."""
        if page.rejected and self._rejected is None:
            found = self._ledger.fingerprints(self._activity_id, REJECTED, REJECTED)
            self._rejected = set(found.get(REJECTED, ()))
        new = []
        for row in page.rejected:
            mark = row_fingerprint(row.identity)
            if self._rejected is not None and mark not in self._rejected:
                self._rejected.add(mark)
                new.append(row)
        return new

    def forget(self, pages: list[Page]) -> None:
        """Drop the hours above the last page, whose opens are all recorded."""
        if self._newest is None or not pages[-1].opens:
            return
        newest = _hour(pages[-1].opens[-1].created_time)
        self._newest = min(self._newest, newest)
        self._oldest = min(self._oldest or newest, newest)
        last = bucket(self._newest)
        for name in [name for name in self._by_bucket if name > last]:
            del self._by_bucket[name]

    def _cover(self, oldest: datetime, newest: datetime) -> None:
        if self._newest is None or self._oldest is None or newest < self._oldest:
            self._load(oldest, newest)
        else:
            if newest > self._newest:
                self._load(self._newest + HOUR, newest)
            if oldest < self._oldest:
                self._load(oldest, self._oldest - HOUR)
            newest, oldest = max(newest, self._newest), min(oldest, self._oldest)
        self._oldest, self._newest = oldest, newest

    def _load(self, oldest: datetime, newest: datetime) -> None:
        self._add(self._ledger.fingerprints(self._activity_id, bucket(oldest), bucket(newest)))

    def _add(self, entries: Mapping[str, AbstractSet[bytes]]) -> None:
        for name, fingerprints in entries.items():
            held = self._by_bucket.get(name, set())
            self._by_bucket[name] = union(held, fingerprints, len(fingerprints))


def _hour(instant: datetime) -> datetime:
    return instant.replace(minute=0, second=0, microsecond=0)

"""Wrong versions of the rules, to see that the simulation catches them.

Each is a context in which the product is wrong in one point.
"""

from collections.abc import Callable, Iterator, Mapping
from collections.abc import Set as AbstractSet
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime
from typing import Any

import pytest

from email_opens import poller, walk
from email_opens.errors import LostRace
from email_opens.events import bucket, event_id, fingerprint
from email_opens.model import Activity, Gap, NewOpen, Page
from email_opens.poller import Poller
from email_opens.walk import Stretch
from tests.contract.samples import varied
from tests.fakes import MemoryLedger, MemoryTracking

type Published = Mapping[str, AbstractSet[bytes]]
type Wrong = Callable[[pytest.MonkeyPatch], None]


def stops_above_the_watermark(patch: pytest.MonkeyPatch) -> None:
    """Only what is newer than the floor is new: ties of the watermark that come later are lost."""

    def new_opens(page: Page, floor: datetime | None, published: Published) -> list[NewOpen]:
        found = walk.new_opens(page, floor, published)
        return [new for new in found if floor is None or new.open.created_time > floor]

    patch.setattr(poller, "new_opens", new_opens)


def repeats_the_watermark(patch: pytest.MonkeyPatch) -> None:
    """All rows at the floor are new, whatever the ledger knows."""

    def new_opens(page: Page, floor: datetime | None, published: Published) -> list[NewOpen]:
        above = dict(published)
        if floor is not None:
            above.pop(bucket(floor), None)
        return walk.new_opens(page, floor, above)

    patch.setattr(poller, "new_opens", new_opens)


def stops_at_the_first_known_row(patch: pytest.MonkeyPatch) -> None:
    """A walk ends where it meets what it knows: what sorts behind is lost."""
    met = [False]

    def new_opens(page: Page, floor: datetime | None, published: Published) -> list[NewOpen]:
        met[0] = False
        above = []
        for row in page.opens:
            if fingerprint(event_id(row, 1)) in published.get(bucket(row.created_time), ()):
                met[0] = True
                break
            above.append(row)
        return walk.new_opens(replace(page, opens=tuple(above)), floor, published)

    patch.setattr(poller, "new_opens", new_opens)
    patch.setattr(poller, "ended", lambda page, floor: met[0] or walk.ended(page, floor))


def forgets_what_a_cut_walk_leaves(patch: pytest.MonkeyPatch) -> None:
    """The watermark moves up page by page, and nothing tells of what lies deeper."""

    def advance(
        activity: Activity, stretch: Stretch, floor: datetime | None, gap: Gap | None
    ) -> tuple[Activity, Gap | None]:
        moved, _ = walk.advance(activity, stretch, floor, gap)
        return varied(moved, gaps=()), None

    patch.setattr(poller, "advance", advance)


def advances_before_it_publishes(patch: pytest.MonkeyPatch) -> None:
    """A crash between the two loses the pages in hand."""
    deliver, save = Poller._deliver, Poller.save
    waiting: dict[int, Any] = {}

    def later(self: Poller, *what: Any) -> None:
        waiting[id(self)] = what

    def save_first(self: Poller, *how: Any) -> None:
        save(self, *how)
        deliver(self, *waiting.pop(id(self)))

    patch.setattr(Poller, "_deliver", later)
    patch.setattr(Poller, "save", save_first)


def records_after_it_advances(patch: pytest.MonkeyPatch) -> None:
    """A crash between the two leaves published opens that nobody knows."""
    deliver, save = Poller._deliver, Poller.save
    waiting: dict[int, list[Any]] = {}

    def publish_only(self: Poller, *what: Any) -> None:
        held = waiting[id(self)] = []

        class Later(MemoryLedger):
            def append(self, *entries: Any) -> None:
                held.append(entries)

        deliver(replace(self, ledger=Later()), *what)

    def save_first(self: Poller, *how: Any) -> None:
        save(self, *how)
        for entries in waiting.pop(id(self)):
            self.ledger.append(*entries)

    patch.setattr(Poller, "_deliver", publish_only)
    patch.setattr(Poller, "save", save_first)


def counts_no_twins(patch: pytest.MonkeyPatch) -> None:
    """A set instead of a multiset: the second of two identical rows is lost."""

    def new_opens(page: Page, floor: datetime | None, published: Published) -> list[NewOpen]:
        found = walk.new_opens(page, floor, published)
        return [new for new in found if new.occurrence == 1]

    patch.setattr(poller, "new_opens", new_opens)


def counts_twins_across_pages(patch: pytest.MonkeyPatch) -> None:
    """A row that a shifted page shows again is taken for another one."""
    seen: dict[str | None, list[Any]] = {}

    def new_opens(page: Page, floor: datetime | None, published: Published) -> list[NewOpen]:
        if page.link is None:
            seen.clear()
        above = seen.setdefault("rows", [])
        together = replace(page, opens=(*above, *page.opens))
        found = walk.new_opens(together, floor, published)
        above += page.opens
        return found

    patch.setattr(poller, "new_opens", new_opens)


def writes_whatever_was_read(patch: pytest.MonkeyPatch) -> None:
    """No version on a write: an invocation that is late writes over what a newer one has done."""

    def save(self: MemoryTracking, activity: Activity) -> Activity:
        key = activity.account_id, activity.campaign_activity_id
        if key not in self.items:
            raise LostRace
        self.items[key] = replace(activity, version=activity.version + 1)
        return self.items[key]

    patch.setattr(MemoryTracking, "save", save)


WRONG: dict[str, Wrong] = {
    wrong.__name__: wrong
    for wrong in (
        stops_above_the_watermark,
        repeats_the_watermark,
        stops_at_the_first_known_row,
        forgets_what_a_cut_walk_leaves,
        advances_before_it_publishes,
        records_after_it_advances,
        counts_no_twins,
        counts_twins_across_pages,
        writes_whatever_was_read,
    )
}


@contextmanager
def broken_by(wrong: Wrong) -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        wrong(patch)
        yield

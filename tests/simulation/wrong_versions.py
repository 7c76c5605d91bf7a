"""Wrong versions of the product, to check that the simulation catches them.

Each function patches the product so that it is wrong in one point.
"""

from collections.abc import Callable, Iterator, Mapping
from collections.abc import Set as AbstractSet
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime
from typing import Any

import pytest

from email_opens import gaps, poller, walk
from email_opens.errors import LostRace
from email_opens.events import bucket, event_id, fingerprint
from email_opens.gaps import Stretch
from email_opens.model import Activity, Gap, NewOpen, Page
from email_opens.poller import Poller
from tests.contract.samples import varied
from tests.fakes import MemoryLedger, MemoryTracking

type Published = Mapping[str, AbstractSet[bytes]]
type WrongVersion = Callable[[pytest.MonkeyPatch], None]


def stops_above_the_watermark(patch: pytest.MonkeyPatch) -> None:
    """Only rows newer than the floor count as new: later ties of the watermark are lost."""

    def new_opens(page: Page, floor: datetime | None, published: Published) -> list[NewOpen]:
        found = walk.new_opens(page, floor, published)
        return [new for new in found if floor is None or new.open.created_time > floor]

    patch.setattr(poller, "new_opens", new_opens)


def repeats_the_watermark(patch: pytest.MonkeyPatch) -> None:
    """All rows at the floor count as new, even if the ledger contains them."""

    def new_opens(page: Page, floor: datetime | None, published: Published) -> list[NewOpen]:
        above = dict(published)
        if floor is not None:
            above.pop(bucket(floor), None)
        return walk.new_opens(page, floor, above)

    patch.setattr(poller, "new_opens", new_opens)


def stops_at_the_first_known_row(patch: pytest.MonkeyPatch) -> None:
    """A walk ends at the first known row: new rows behind it are lost."""
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
    """The watermark moves up without a gap for the rows below: those are lost."""

    def advance(
        activity: Activity,
        stretch: Stretch,
        floor: datetime | None,
        gap: Gap | None,
        now: datetime,
    ) -> tuple[Activity, Gap | None]:
        moved, _ = gaps.advance(activity, stretch, floor, gap, now)
        return varied(moved, gaps=()), None

    patch.setattr(poller, "advance", advance)


def advances_before_it_publishes(patch: pytest.MonkeyPatch) -> None:
    """A kill between the two loses the pages in hand."""
    deliver, save = Poller._deliver, Poller.save
    pending: dict[int, Any] = {}

    def postpone(self: Poller, *arguments: Any) -> None:
        pending[id(self)] = arguments

    def save_first(self: Poller, *arguments: Any) -> None:
        save(self, *arguments)
        deliver(self, *pending.pop(id(self)))

    patch.setattr(Poller, "_deliver", postpone)
    patch.setattr(Poller, "save", save_first)


def records_after_it_advances(patch: pytest.MonkeyPatch) -> None:
    """A kill between the two leaves published opens that the ledger does not contain."""
    deliver, save = Poller._deliver, Poller.save
    pending: dict[int, list[Any]] = {}

    def publish_only(self: Poller, *arguments: Any) -> None:
        postponed = pending[id(self)] = []

        class PostponingLedger(MemoryLedger):
            def append(self, *entries: Any) -> None:
                postponed.append(entries)

        deliver(replace(self, ledger=PostponingLedger()), *arguments)

    def save_first(self: Poller, *arguments: Any) -> None:
        save(self, *arguments)
        for entries in pending.pop(id(self)):
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
    """A row that a shifted page repeats counts as another open."""
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


def writes_without_a_version(patch: pytest.MonkeyPatch) -> None:
    """Writes are not conditional on the version: a late invocation overwrites a newer state."""

    def save(self: MemoryTracking, activity: Activity) -> Activity:
        key = activity.account_id, activity.campaign_activity_id
        if key not in self.items:
            raise LostRace
        self.items[key] = replace(activity, version=activity.version + 1)
        return self.items[key]

    patch.setattr(MemoryTracking, "save", save)


WRONG_VERSIONS: dict[str, WrongVersion] = {
    version.__name__: version
    for version in (
        stops_above_the_watermark,
        repeats_the_watermark,
        stops_at_the_first_known_row,
        forgets_what_a_cut_walk_leaves,
        advances_before_it_publishes,
        records_after_it_advances,
        counts_no_twins,
        counts_twins_across_pages,
        writes_without_a_version,
    )
}


@contextmanager
def applied(version: WrongVersion) -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        version(patch)
        yield

"""What is new on a page, when a walk ends, and what it leaves behind. Pure.

The report is newest first and has no ids, no filter and a grain of a minute. A walk reads it
page by page from a start down to a *floor*, the instant at which it may stop:

    head ──▶ page ──▶ page ──▶ page          the *watermark* makes a poll short:
             new      new      ≤ floor       everything below it was read before;
                                             the *ledger* makes it correct:
                                             a row that is not in it is new.

Rows alike in contact, instant and device are distinguished by counting within one page. Rows
of two pages are never counted together: between two replies ties change places and new rows
push others down, so only a single reply proves that two rows exist.
"""

from collections.abc import Mapping
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Self

from email_opens.events import bucket, event_id, fingerprint
from email_opens.model import LEDGER_KEPT, PAGE_ROWS, Activity, Depth, Gap, NewOpen, Page

DAY = timedelta(days=1)

MAX_GAPS = 8
"""If an activity has more gaps, they are merged into one, so that its item stays small."""


def floor_of(
    activity: Activity, depth: Depth, lookback: timedelta, now: datetime
) -> datetime | None:
    """Return the instant at which a walk from the head may stop; None: the report's end."""
    start, watermark = activity.tracked_from, activity.progress.watermark
    if watermark is None:
        return start
    if depth is Depth.TAIL:
        floor = watermark
    elif depth is Depth.SWEEP:
        floor = watermark - lookback
    else:
        # Opens below this floor were published so long ago that the ledger may have lost them.
        floor = now - LEDGER_KEPT + DAY
        if activity.tracked_at >= floor:
            return start
    return floor if start is None else max(start, floor)


def new_opens(
    page: Page, floor: datetime | None, published: Mapping[str, AbstractSet[bytes]]
) -> list[NewOpen]:
    """Return the page's opens at or above the floor that are not published yet, oldest first.

    `published` holds the ledger's fingerprints by bucket. If a page has two rows alike and the
    ledger one of them, one open is new: occurrence 2.
    """
    occurrences: dict[tuple[str, datetime, str | None], int] = {}
    found: list[NewOpen] = []
    for row in reversed(page.opens):
        if floor is not None and row.created_time < floor:
            continue
        alike = (row.contact_id, row.created_time, row.device_type)
        occurrence = occurrences[alike] = occurrences.get(alike, 0) + 1
        identity = event_id(row, occurrence)
        if fingerprint(identity) not in published.get(bucket(row.created_time), ()):
            found.append(NewOpen(identity, occurrence, row))
    return found


def ended(page: Page, floor: datetime | None) -> bool:
    """Return whether a walk ends with this page: it is the last one, or it passes the floor.

    A row that is published already does not end a walk: a new row may sort behind a tie.
    """
    last = page.next_link is None and page.astray is None
    return last or (floor is not None and passed(page, floor))


def passed(page: Page, instant: datetime) -> bool:
    """Return whether a page's last row, and so every row below it, is older than an instant."""
    return bool(page.opens) and page.opens[-1].created_time < instant


def shifted(page: Page, gap: Gap, published: Mapping[str, AbstractSet[bytes]]) -> bool:
    """Return whether rows were withdrawn above a gap's page, so that its link now skips some.

    The page was read before. Its first row must now be newer than its last row was, or published.
    """
    if gap.link is None or gap.ceiling is None:
        return False
    if not page.opens:
        return True
    first = page.opens[0]
    if first.created_time != gap.ceiling:
        return first.created_time < gap.ceiling
    return fingerprint(event_id(first, 1)) not in published.get(bucket(first.created_time), ())


@dataclass(frozen=True, slots=True, kw_only=True)
class Aim:
    """What a walk is for."""

    floor: datetime | None
    depth: Depth = Depth.TAIL
    pause: datetime | None = None
    """Where a stretch ends so that others go first: the watermark, for a deeper walk."""
    settled: datetime | None = None
    """New opens older than this should have been found by earlier walks."""
    rows: int = PAGE_ROWS
    """Rows of a page from the head."""


@dataclass(frozen=True, slots=True)
class Place:
    """Where a walk is in the report."""

    link: str | None = None
    """The page to read next; None: the head."""
    rows_read: int = 0
    """Rows from the head down to that page, those of earlier invocations included."""
    from_head: bool = True
    """The walk began at the head."""
    begun: bool = False
    visited: frozenset[str] = frozenset()
    """The links that were read."""

    def below(self, page: Page) -> Self:
        """Return the place below a page."""
        return replace(
            self,
            link=page.next_link,
            rows_read=self.rows_read + len(page.opens) + len(page.rejected),
            begun=True,
            visited=self.visited if page.link is None else self.visited | {page.link},
        )


@dataclass(frozen=True, slots=True)
class Stretch:
    """A part of the report that was read, published and recorded in one go.

    It reaches from `top` (None: the head) down to `bottom`, its last row (None: it had no rows).
    """

    top: datetime | None
    bottom: datetime | None
    newest: datetime | None
    """Its newest row that is not dated in the future, since the watermark must not follow those."""
    link: str | None
    """The last page that was read; None: the head."""
    ended: bool
    """The floor was reached."""
    rows_above: int = 0
    """Rows of the report above `link`, as the walk has counted them."""


def advance(
    activity: Activity, stretch: Stretch, floor: datetime | None, gap: Gap | None
) -> tuple[Activity, Gap | None]:
    """Return the activity after a stretch of a walk, and the gap that the walk leaves.

    `gap` is the gap that the walk continues. A walk without one began at the head and moves the
    watermark, which only ever moves up.
    """
    progress = activity.progress
    gaps = [other for other in progress.gaps if other != gap and not _read(other, stretch, floor)]
    left = None
    if not stretch.ended:
        ceiling = stretch.bottom or (gap.ceiling if gap else stretch.newest)
        left = Gap(floor, ceiling, stretch.link, stretch.rows_above)
        if any(_within(left, other) for other in gaps):
            left = None
        else:
            gaps = [*(other for other in gaps if not _within(other, left)), left]
    watermark = progress.watermark
    if gap is None and stretch.newest is not None:
        watermark = stretch.newest if watermark is None else max(watermark, stretch.newest)
    advanced = replace(progress, watermark=watermark, gaps=_bounded(gaps))
    return replace(activity, progress=advanced), left


def _read(gap: Gap, stretch: Stretch, floor: datetime | None) -> bool:
    """Return whether a stretch has read all of a gap.

    A stretch that ended was read through its floor. Any other was read only to above its bottom
    row, whose ties may continue below it.
    """
    if stretch.top is not None and (gap.ceiling is None or gap.ceiling > stretch.top):
        return False
    if stretch.ended:
        return _below(floor, gap.floor)
    return stretch.bottom is not None and gap.floor is not None and gap.floor > stretch.bottom


def _within(inner: Gap, outer: Gap) -> bool:
    covers = outer.ceiling is None or (inner.ceiling is not None and inner.ceiling <= outer.ceiling)
    return covers and _below(outer.floor, inner.floor)


def _below(low: datetime | None, high: datetime | None) -> bool:
    """Compare floors; None is the end of the report, below every instant."""
    return low is None or (high is not None and low <= high)


def _bounded(gaps: list[Gap]) -> tuple[Gap, ...]:
    """Merge gaps into one that begins again from the head if there are too many."""
    if len(gaps) <= MAX_GAPS:
        return tuple(gaps)
    lowest = min(gaps, key=lambda gap: (gap.floor is not None, gap.floor))
    return (Gap(floor=lowest.floor, ceiling=None, link=None),)

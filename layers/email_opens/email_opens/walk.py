"""What is new on a page, when a walk ends, and what it leaves behind. Pure.

The report is newest first and has no ids, no filter and a grain of a minute. A walk reads it
page by page from a start down to a *floor*, the instant at which it may stop:

    head ──▶ page ──▶ page ──▶ page          the *watermark* makes a poll short:
             new      new      ≤ floor       above it lies what was never read;
                                             the *ledger* makes it true:
                                             whatever it does not know is new.

Rows alike in contact, instant and device are told apart by counting them within one page. Rows
of two pages are never counted together: between two replies ties change places and arrivals
push rows down, so only one reply proves that two rows exist.
"""

from collections.abc import Mapping
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import IntEnum

from email_opens.events import bucket, event_id, fingerprint
from email_opens.model import LEDGER_KEPT, Activity, Gap, NewOpen, Page

DAY = timedelta(days=1)

MAX_GAPS = 8
"""More gaps of one activity than this become one, so that its item stays small."""


class Depth(IntEnum):
    """How far down a walk goes."""

    TAIL = 1
    """To the watermark."""
    SWEEP = 2
    """To the watermark less the lookback: finds late rows."""
    AUDIT = 3
    """To the end of the report, or the instant from which the activity is tracked."""


def floor_of(
    activity: Activity, depth: Depth, lookback: timedelta, now: datetime
) -> datetime | None:
    """Choose where a walk from the head may stop; None is the end of the report."""
    start = activity.tracked_from
    if activity.progress.watermark is None:
        return start
    if depth is Depth.TAIL:
        floor = activity.progress.watermark
    elif depth is Depth.SWEEP:
        floor = activity.progress.watermark - lookback
    else:
        # Below it lie opens that were published so long ago that the ledger may not know them.
        floor = now - LEDGER_KEPT + DAY
        if activity.tracked_at >= floor:
            return start
    return floor if start is None else max(start, floor)


def new_opens(
    page: Page, floor: datetime | None, published: Mapping[str, AbstractSet[bytes]]
) -> list[NewOpen]:
    """Return the page's opens at or above the floor that the ledger does not know, oldest first.

    `published` is the ledger by bucket. Two rows alike against one in the ledger are one new
    open, occurrence 2.
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
    """Say whether a walk ends with this page: it is the last one, or passes the floor.

    Never because a row is known: a new row may sort behind a known tie.
    """
    last = page.next_link is None and page.astray is None
    return last or (floor is not None and passed(page, floor))


def passed(page: Page, instant: datetime) -> bool:
    """Say whether a page's last row is older than an instant, so that all rows below are."""
    return bool(page.opens) and page.opens[-1].created_time < instant


def shifted(page: Page, gap: Gap, published: Mapping[str, AbstractSet[bytes]]) -> bool:
    """Say whether rows were withdrawn above a gap's page, so that its link now skips some.

    The page was worked, so what stands first on it now is newer than what stood last, or known.
    """
    if gap.link is None or gap.ceiling is None:
        return False
    if not page.opens:
        return True
    first = page.opens[0]
    if first.created_time != gap.ceiling:
        return first.created_time < gap.ceiling
    return fingerprint(event_id(first, 1)) not in published.get(bucket(first.created_time), ())


@dataclass(frozen=True, slots=True)
class Stretch:
    """A part of the report that was read, published and recorded in one go.

    From `top` (None: the head) down to `bottom`, its last row (None: it had no row).
    """

    top: datetime | None
    bottom: datetime | None
    newest: datetime | None
    """Its newest row, those dated in the future excepted: the watermark must not follow them."""
    link: str | None
    """The last page worked; None: the head."""
    ended: bool
    """The floor was reached."""
    rows_above: int = 0
    """Rows that the walk has counted above `link`."""


def advance(
    activity: Activity, stretch: Stretch, floor: datetime | None, gap: Gap | None
) -> tuple[Activity, Gap | None]:
    """Return the activity after a stretch of a walk, and the gap that is left of that walk.

    `gap` is the one the walk continues; without one it began at the head and moves the
    watermark, up only.
    """
    gaps = [
        other
        for other in activity.progress.gaps
        if other != gap and not _read(other, stretch, floor)
    ]
    left = None
    if not stretch.ended:
        ceiling = stretch.bottom or (gap.ceiling if gap else stretch.newest)
        left = Gap(floor, ceiling, stretch.link, stretch.rows_above)
        if any(_within(left, other) for other in gaps):
            left = None
        else:
            gaps = [*(other for other in gaps if not _within(other, left)), left]
    watermark = activity.progress.watermark
    if gap is None and stretch.newest is not None:
        watermark = stretch.newest if watermark is None else max(watermark, stretch.newest)
    return replace(
        activity, progress=replace(activity.progress, watermark=watermark, gaps=_bounded(gaps))
    ), left


def _read(gap: Gap, stretch: Stretch, floor: datetime | None) -> bool:
    """Say whether a gap lies whole within what was read.

    A stretch that ended was read through its floor; any other only down to above its bottom,
    whose ties may go on below.
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
    """Merge too many gaps into one that begins again from the head."""
    if len(gaps) <= MAX_GAPS:
        return tuple(gaps)
    lowest = min(gaps, key=lambda gap: (gap.floor is not None, gap.floor))
    return (Gap(floor=lowest.floor, ceiling=None, link=None),)

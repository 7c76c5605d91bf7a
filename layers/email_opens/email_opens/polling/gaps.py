"""What a walk leaves behind: the gaps in what was read, and when each is tried again. Pure.

Each attempt at a gap must make progress. A stretch that fails, or that reaches no older row and
finds no new open, is a failure. From the third failure in a row on, the next attempt waits: at
first a minute, in the end a day. So a report whose links lead nowhere costs a few requests a day,
and is reported.
"""

from collections.abc import Iterable
from copy import replace
from datetime import datetime, timedelta

from msgspec import Struct

from email_opens.model import Activity, Gap
from email_opens.unknown import NOTHING, Unknown

MAX_GAPS = 8
"""If an activity has more gaps, they are merged into one, so that its item stays small."""
PATIENCE = 3
"""Failures in a row after which a link counts as expired, and attempts begin to wait."""
MOST_FAILURES = 1_000_000
PAUSES = tuple(timedelta(minutes=minutes) for minutes in (1, 5, 15, 60, 240, 1440))
LONG_PAUSE = PAUSES[2]
"""A gap with a longer pause is not merged with a gap above it, which is read meanwhile. A shorter
pause delays no row longer than the interval between sweeps does."""


class Stretch(Struct, frozen=True):
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
    stopped: bool = False
    """The walk stopped above its floor, in a minute whose other rows are read later."""
    from_head: bool = False
    """Its first page is the head."""
    fresh: bool = False
    """It has rows that the walk had not met before, perhaps of the same instant."""
    rejected: int = 0
    """Its malformed rows that were not set aside before."""
    lost: bool = False
    """The link below it cannot be followed, so the walk begins again from the head."""
    failed: bool = False
    """The next request failed."""
    new: tuple[datetime, ...] = ()
    """The instants of its new opens."""
    rows_above: int = 0
    """Rows of the report above `link`, as the walk has counted them."""


def advance(
    activity: Activity, stretch: Stretch, floor: datetime | None, gap: Gap | None, now: datetime
) -> tuple[Activity, Gap | None]:
    """Return the activity after a stretch of a walk, and the gap that the walk leaves.

    `gap` is the gap that the walk continues. A walk without one began at the head and moves the
    watermark, which only ever moves up.
    """
    progress = activity.progress
    gaps = [other for other in progress.gaps if other != gap and not _read(other, stretch, floor)]
    left = None
    if not (stretch.ended or stretch.stopped):
        ceiling = stretch.bottom or (gap.ceiling if gap else stretch.newest)
        left = Gap(floor, ceiling, stretch.link, stretch.rows_above)
        if any(_within(left, other) and _waits_with(left, other) for other in gaps):
            left = None
        else:
            covered = [
                other
                for other in gaps
                if _within(other, left) and not _waits_below(other, left, now)
            ]
            left = _tried(left, stretch, gap, covered, now)
            left = replace(left, unknown=_kept([*covered, gap]))
            gaps = [*(other for other in gaps if other not in covered), left]
    watermark = progress.watermark
    if gap is None and stretch.newest is not None:
        watermark = stretch.newest if watermark is None else max(watermark, stretch.newest)
    advanced = replace(progress, watermark=watermark, gaps=_bounded(gaps))
    return replace(activity, progress=advanced), left


def failed(gap: Gap, now: datetime, *, expired: bool, most: int) -> Gap:
    """Return a gap after an attempt that could not even read its page, or publish its opens.

    `expired` means that its link cannot be followed. At most `most` failures are counted.
    """
    failures = min(most, gap.failures + 1)
    again = replace(gap, failures=failures, retry_at=_retry_at(failures, now))
    return _from_head(again) if expired or failures % PATIENCE == 0 else again


def unsettled(activity: Activity, floor: datetime | None, failures: int, now: datetime) -> Activity:
    """Return an activity with a gap for opens or rows that could not be delivered.

    They lie between the head and `floor`. `failures` is how often in a row that has failed.
    """
    retry_at = _retry_at(failures, now)
    gap = Gap(floor, None, None, reached=floor, failures=failures, retry_at=retry_at)
    others = [other for other in activity.progress.gaps if not _within(other, gap)]
    if any(_within(gap, other) for other in others):
        return activity
    gap = replace(gap, unknown=_kept(g for g in activity.progress.gaps if g not in others))
    return replace(activity, progress=replace(activity.progress, gaps=_bounded([*others, gap])))


def _kept(gaps: Iterable[Gap | None]) -> Unknown:
    """Return what a gap keeps of those that it takes the place of; the last takes precedence."""
    return {name: value for gap in gaps if gap for name, value in gap.unknown.items()} or NOTHING


def due(gap: Gap, now: datetime) -> bool:
    """Return whether a gap may be worked on now.

    A `retry_at` further ahead than the longest pause is ignored: the clock that set it was wrong.
    """
    return gap.retry_at is None or not now < gap.retry_at <= now + PAUSES[-1]


def _tried(left: Gap, stretch: Stretch, gap: Gap | None, covered: list[Gap], now: datetime) -> Gap:
    """Return the gap that a stretch leaves, with its failures in a row.

    `gap` was tried just now; the `covered` gaps, which lie within `left`, were tried earlier.
    """
    history = _most_tried([*covered, *([gap] if gap else [])])
    bottom = stretch.bottom
    reached, failures = (history.reached, history.failures) if history else (None, 0)
    lower = bottom is not None and (reached is None or bottom < reached)
    # New opens above what is left to read are no progress: any walk would have found them.
    unread = max(filter(None, (reached, gap.ceiling if gap else None)), default=None)
    found = any(unread is None or instant <= unread for instant in stretch.new)
    # A stretch that begins again from the head makes no progress until it is below its ceiling.
    ceiling = gap.ceiling if gap and not stretch.from_head else None
    moves = bottom is not None and (
        ceiling is None or bottom < ceiling or (bottom == ceiling and stretch.fresh)
    )
    if stretch.rejected and not stretch.from_head:
        moves = True  # A page of nothing but malformed rows has no instant.
    if lower or found:
        reached, failures = min(filter(None, (bottom, reached))), 0
    elif stretch.from_head and gap is not None and gap.link is not None:
        failures += 1  # Its link led to other rows than before.
    # A walk that comes down to the row where another is stuck does not shorten that pause.
    retry_at = history.retry_at if history in covered and failures else None
    if stretch.failed or not (lower or found or moves):
        failures += 1
        retry_at = _retry_at(failures, now)
    tried = replace(left, reached=reached, failures=failures, retry_at=retry_at)
    lost = stretch.lost or (stretch.failed and failures % PATIENCE == 0)
    return _from_head(tried) if lost else tried


def _from_head(gap: Gap) -> Gap:
    return replace(gap, link=None, rows_above=0)


def _retry_at(failures: int, now: datetime) -> datetime | None:
    if failures < PATIENCE:
        return None
    return now + PAUSES[min(failures - PATIENCE, len(PAUSES) - 1)]


def _most_tried(gaps: list[Gap]) -> Gap | None:
    return max(gaps, key=lambda gap: gap.failures, default=None)


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


def _waits_with(left: Gap, other: Gap) -> bool:
    """Return whether a gap within another one can wait with it: both are stuck at the same row."""
    if other.retry_at is None:
        return True
    reached, ceiling = other.reached, left.ceiling
    return reached is not None and ceiling is not None and ceiling <= reached


def _waits_below(other: Gap, left: Gap, now: datetime) -> bool:
    """Return whether a covered gap keeps its long pause, since rows above it can be read."""
    reached, ceiling = other.reached, left.ceiling
    waits = other.retry_at is not None and other.retry_at > now + LONG_PAUSE
    return waits and reached is not None and ceiling is not None and ceiling > reached


def _below(low: datetime | None, high: datetime | None) -> bool:
    """Compare floors; None is the end of the report, below every instant."""
    return low is None or (high is not None and low <= high)


def _bounded(gaps: list[Gap]) -> tuple[Gap, ...]:
    """Merge gaps into one that begins again from the head if there are too many."""
    if len(gaps) <= MAX_GAPS:
        return tuple(gaps)
    lowest = min(gaps, key=lambda gap: (gap.floor is not None, gap.floor))
    failures = max(gap.failures for gap in gaps)
    reached = min((gap.reached for gap in gaps if gap.reached), default=None)
    return (Gap(lowest.floor, None, None, reached=reached, failures=failures, unknown=_kept(gaps)),)

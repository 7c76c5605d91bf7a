"""A stretch of a walk: what its pages make of the activity. Pure.

A stretch is the pages that are read, published and recorded in one go.
"""

from copy import replace
from datetime import datetime
from typing import Self

from msgspec import Struct, field

from email_opens.errors import ActivityFailed, EmailOpensError, LinkExpired, PagingBroken
from email_opens.instants import iso
from email_opens.model import (
    LEDGER_KEPT,
    Activity,
    Depth,
    Gap,
    NewOpen,
    Page,
    Polled,
    RejectedRow,
    State,
)
from email_opens.polling.gaps import PATIENCE, Stretch, advance, unsettled
from email_opens.published import PublishedWindow
from email_opens.scheduling.lifecycle import AUDIT_EVERY
from email_opens.walk import Aim, Place, in_minute

MOST_UNDELIVERED = PATIENCE + 2
"""The most failures to deliver that are counted: a repaired topic is tried within 15 minutes."""


class Walk(Struct):
    """A walk under way, in memory only. The activity and its gaps outlive it."""

    activity: Activity
    aim: Aim
    window: PublishedWindow
    gap: Gap | None = None
    """The gap that the walk continues; None: it began at the head, and left none yet."""
    place: Place = field(default_factory=Place)
    done: bool = False

    @classmethod
    def from_head(cls, activity: Activity, aim: Aim, window: PublishedWindow) -> Self:
        """Begin a walk at the head of the report."""
        return cls(activity, aim, window)

    @classmethod
    def of_gap(cls, activity: Activity, gap: Gap, window: PublishedWindow) -> Self:
        """Continue the walk that left a gap."""
        from_head = gap.link is None
        place = Place(gap.link, 0 if from_head else gap.rows_above, from_head)
        return cls(activity, Aim(floor=gap.floor), window, gap, place)


class Reading(Struct):
    """What a stretch has read."""

    pages: list[Page] = field(default_factory=list)
    opens: list[NewOpen] = field(default_factory=list)
    """Those that are not published yet."""
    rejected: list[RejectedRow] = field(default_factory=list)
    """Those that are not set aside yet."""
    failure: EmailOpensError | None = None
    """Why the stretch was cut short."""
    stopped: bool = False
    """The walk stops above its floor, in a minute whose other rows are read later."""
    fresh: bool = False
    """It has rows that the walk had not met before."""

    @property
    def bottom(self) -> datetime | None:
        """The instant of the last row; None: there is none."""
        return next(
            (page.opens[-1].created_time for page in reversed(self.pages) if page.opens), None
        )


class Delivered(Struct, frozen=True):
    """What a stretch has delivered."""

    opens: list[NewOpen]
    rejected: int
    failure: EmailOpensError | None
    """Why the rest could not be delivered."""

    @property
    def settled(self) -> int:
        return len(self.opens) + self.rejected


class StretchResult(Struct, frozen=True):
    """A stretch of a walk that was published and recorded, and is to be saved."""

    activity: Activity
    """The activity after the stretch."""
    left: Gap | None
    """The gap that the walk leaves; None: it is done."""
    polled: Polled
    failure: EmailOpensError | None
    """Why the stretch was cut short, if a request failed."""


def outcome(walk: Walk, reading: Reading, delivered: Delivered, now: datetime) -> StretchResult:
    """Advance a walk's activity by a stretch."""
    before, aim = walk.activity, walk.aim
    stretch = _stretch(walk, reading, delivered, now)
    activity, left = advance(before, stretch, aim.floor, walk.gap, now)
    if delivered.failure:
        floor = max(filter(None, (aim.since, reading.bottom)), default=None)
        failures = _failures_to_deliver(walk, delivered.failure)
        activity = unsettled(activity, floor, failures, now)
    failure = reading.failure
    paused = {gap.retry_at for gap in before.progress.gaps}
    if left and left.retry_at and left.retry_at not in paused:
        failure = stuck(left.failures, left.retry_at, failure)
    failure = failure or delivered.failure
    whole = walk.done and aim.floor is None
    progress, counts = activity.progress, activity.counts
    broken = any(gap.failures >= PATIENCE for gap in progress.gaps)
    kept_error = before.last_error if broken else None
    activity = replace(
        activity,
        sent_at=activity.sent_at or (_oldest(walk, stretch, now) if whole else None),
        state=State.ACTIVE if activity.state is State.GONE else activity.state,
        missing_since=None,
        progress=replace(
            progress,
            polled_at=now if walk.gap is None else progress.polled_at,
            head_at=now if walk.gap is None else progress.head_at,
            continued_at=now if walk.gap or left else progress.continued_at,
            swept_at=now if aim.depth >= Depth.SWEEP else progress.swept_at,
            audited_at=now if aim.depth is Depth.AUDIT else progress.audited_at,
            audit_at=_audit_at(walk, reading, now),
        ),
        counts=replace(
            counts,
            published=counts.published + len(delivered.opens),
            rejected=counts.rejected + delivered.rejected,
            reported=walk.place.rows_read if whole else counts.reported,
        ),
        last_error=str(failure) if failure else kept_error,
    )
    polled = Polled(
        before=before,
        opens=tuple(new.open.created_time for new in delivered.opens),
        pages=len(reading.pages),
        down_to=None if walk.done or stretch.stopped else stretch.bottom,
        at=now,
    )
    return StretchResult(activity, left, polled, failure)


def stops(aim: Aim, page: Page) -> bool:
    """Return whether a walk stops at a page with nothing new: its minute is read whole later."""
    return aim.full_minute is not None and in_minute(page, aim.full_minute)


def stuck(failures: int, retry_at: datetime, error: EmailOpensError | None) -> EmailOpensError:
    """Return the failure of a gap whose last attempts in a row made no progress."""
    if isinstance(error, ActivityFailed) and not isinstance(error, PagingBroken):
        return error
    because = f" ({str(error).removesuffix('.')})" if error else ""
    return PagingBroken(
        f"A part of the report cannot be read: {failures} attempts in a row made no "
        f"progress{because}. The next attempt begins at {iso(retry_at.replace(microsecond=0))}."
    )


def astray(place: Place, page: Page) -> PagingBroken | None:
    """Return what is wrong with the link below a page, whose rows are nevertheless good."""
    if page.astray:
        return PagingBroken(page.astray)
    if page.next_link in place.visited:
        return PagingBroken("A next link of the report leads back to a page already read.")
    return None


def missing(aim: Aim, opens: list[NewOpen]) -> int:
    """Count the opens that earlier walks should have found."""
    if aim.settled is None:
        return 0
    return sum(new.open.created_time < aim.settled for new in opens)


def _stretch(walk: Walk, reading: Reading, delivered: Delivered, now: datetime) -> Stretch:
    """Return the part of the report that these pages have covered."""
    pages, failure = reading.pages, reading.failure
    instants = [row.created_time for page in pages for row in page.opens]
    lost = isinstance(failure, PagingBroken) or (
        isinstance(failure, LinkExpired) and len(pages) == 1
    )
    last = pages[-1]
    return Stretch(
        top=walk.gap.ceiling if walk.gap and not walk.place.from_head else None,
        bottom=reading.bottom,
        newest=max((instant for instant in instants if instant <= now), default=None),
        link=last.link,
        ended=walk.done,
        stopped=reading.stopped,
        from_head=pages[0].link is None,
        fresh=reading.fresh,
        rejected=delivered.rejected,
        lost=lost,
        failed=isinstance(failure, (ActivityFailed, LinkExpired)),
        new=tuple(new.open.created_time for new in delivered.opens),
        rows_above=walk.place.rows_read - len(last.opens) - len(last.rejected),
    )


def _failures_to_deliver(walk: Walk, failure: EmailOpensError) -> int:
    """Return the failures in a row; a failure that is not the activity's own does not count."""
    if not isinstance(failure, ActivityFailed):
        return 0
    tried = walk.gap.failures if walk.gap else 0
    return min(MOST_UNDELIVERED, max(PATIENCE, tried + 1))


def _audit_at(walk: Walk, reading: Reading, now: datetime) -> datetime | None:
    """Return when an audit is due after a stretch: a day after a first read of several pages.

    Rows that were withdrawn while it went on may have moved others past it.
    """
    activity, aim = walk.activity, walk.aim
    audit_at = activity.progress.audit_at
    if walk.gap is not None:
        goes_on = audit_at is not None and aim.floor == activity.tracked_from
        return now + AUDIT_EVERY if goes_on else audit_at
    if activity.progress.watermark is None:
        return now + AUDIT_EVERY if len(reading.pages) > 1 or not walk.done else audit_at
    return None if aim.depth is Depth.AUDIT else audit_at


def _oldest(walk: Walk, stretch: Stretch, now: datetime) -> datetime | None:
    """Return the report's oldest open, near the send; None if no row can be that old or new."""
    bottom = stretch.bottom or (walk.gap.ceiling if walk.gap else None)
    early = walk.activity.tracked_at - LEDGER_KEPT
    return bottom if bottom is not None and early <= bottom <= now else None

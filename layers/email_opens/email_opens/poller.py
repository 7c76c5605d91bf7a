"""One poll of one activity: read, publish, record, advance.

Opens are published first, then recorded in the ledger, then the watermark moves. A crash between
any two of these loses nothing and repeats, under the same event ids, at most the pages in hand.
"""

from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Self

from email_opens.errors import (
    ActivityFailed,
    EmailOpensError,
    LinkExpired,
    PagingBroken,
)
from email_opens.events import REJECTED, bucket, fingerprint, row_fingerprint
from email_opens.gaps import MOST_FAILURES, PATIENCE, Stretch, advance, failed, unsettled
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
from email_opens.ports import Clock, Delivery, Ledger, Publisher, Report, Tracking
from email_opens.published import PublishedWindow
from email_opens.scheduling.lifecycle import AUDIT_EVERY
from email_opens.walk import Aim, Place, ended, in_minute, new_opens, passed, shifted

MOST_UNDELIVERED = PATIENCE + 2
"""The most failures to deliver that are counted: a repaired topic is tried within 15 minutes."""
PAGES_IN_HAND = 4
"""Pages that are read before they are published and recorded: the bound of memory and repeats."""


@dataclass(slots=True)
class Walk:
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


@dataclass(slots=True)
class PollCounts:
    """What polls have done, for logs and metrics."""

    published: int = 0
    dead_lettered: int = 0
    rejected: int = 0
    missing: int = 0
    """Published opens that only an audit found, below all that tails and sweeps had read."""
    delays_seconds: list[float] = field(default_factory=list)
    """Published less created, for the opens made since their activity is tracked."""


@dataclass(frozen=True, slots=True)
class StretchResult:
    """A stretch of a walk that was published and recorded, and is to be saved."""

    activity: Activity
    """The activity after the stretch."""
    left: Gap | None
    """The gap that the walk leaves; None: it is done."""
    polled: Polled
    failure: EmailOpensError | None
    """Why the stretch was cut short, if a request failed."""


@dataclass(frozen=True, slots=True)
class Poller:
    """Polls activities with these ports."""

    report: Report
    ledger: Ledger
    publisher: Publisher
    tracking: Tracking
    clock: Clock

    def work(self, walk: Walk, counts: PollCounts, *, before: datetime) -> None:
        """Read, publish, record and save one stretch of a walk.

        If a request fails, what was read before it is saved, the rest of the walk becomes a gap,
        and the error is raised.

        Raises:
            EmailOpensError: as the ports raise; `LostRace` if the activity was written meanwhile.
        """
        result = self.read_on(walk, counts, before=before)
        self.save(walk, result, result.activity)

    def read_on(self, walk: Walk, counts: PollCounts, *, before: datetime) -> StretchResult:
        """Read, publish and record up to `PAGES_IN_HAND` pages, or to the walk's pause or floor.

        Raises:
            EmailOpensError: as the ports raise. If only a later page fails, or only some of the
                opens cannot be delivered, the result has the failure.
        """
        pages: list[Page] = []
        opens: list[NewOpen] = []
        rejected: list[RejectedRow] = []
        failure: EmailOpensError | None = None
        aim, window = walk.aim, walk.window
        stopped, fresh = False, walk.place.fresh
        while len(pages) < PAGES_IN_HAND:
            try:
                page = self._read(walk, before)
            except EmailOpensError as error:
                if not pages:
                    raise self._noted(walk, error) from None
                failure = error
                break
            found = new_opens(page, aim.since, window.of(page, aim.since))
            new_rejected = window.new_rejected(page)
            window.note(found)
            opens += found
            rejected += new_rejected
            pages.append(page)
            walk.done = ended(page, aim.floor)
            stopped = not (found or new_rejected) and _stops(aim, page)
            failure = None if walk.done or stopped else _astray(walk.place, page)
            empty = walk.gap is None and not walk.place.rows_read
            if walk.done or stopped or failure or empty:
                break
            if aim.pause and passed(page, aim.pause):
                break
        delivery = self._deliver(walk.activity, opens, rejected, counts)
        if delivery.failure and not delivery.settled:
            raise self._noted(walk, delivery.failure, most=MOST_UNDELIVERED) from None
        counts.missing += _missing(aim, delivery.opens)
        window.forget(pages)
        stretch = replace(
            _stretch(walk, pages, delivery, failure, self.clock.now()),
            stopped=stopped,
            fresh=walk.place.fresh > fresh,
        )
        return self._result(walk, pages, stretch, delivery, failure)

    def save(self, walk: Walk, result: StretchResult, activity: Activity) -> None:
        """Save an activity, as a stretch has left it, and what the caller has learned from it.

        Raises:
            LostRace: the activity was written meanwhile.
            EmailOpensError: the stretch's failure, once the activity is saved.
        """
        walk.activity = self.tracking.save(activity)
        walk.gap, walk.done = result.left, result.left is None
        if result.failure:
            raise result.failure

    def _read(self, walk: Walk, before: datetime) -> Page:
        """Read the walk's next page; the page of a gap is checked for rows withdrawn above it."""
        page = self._page(walk, before)
        if walk.gap and not walk.place.begun:
            published = walk.window.of(page, walk.aim.since)
            if shifted(page, walk.gap, published):
                if walk.gap.failures + 1 >= PATIENCE:
                    raise LinkExpired("A next link leads to other rows than before.")
                walk.place = Place()
                page = self._page(walk, before)
        walk.place = walk.place.below(page)
        return page

    def _page(self, walk: Walk, before: datetime) -> Page:
        return self.report.read(
            walk.activity.campaign_activity_id,
            link=walk.place.link,
            rows=walk.aim.rows,
            before=before,
        )

    def _deliver(
        self,
        activity: Activity,
        opens: list[NewOpen],
        rejected: list[RejectedRow],
        counts: PollCounts,
    ) -> "_Delivered":
        """Publish, then record: what is in the ledger was acknowledged.

        What was acknowledged is recorded even if the rest could not be delivered.
        """
        activity_id = activity.campaign_activity_id
        published = Delivery[NewOpen](settled=())
        set_aside = Delivery[RejectedRow](settled=())
        if opens:
            opens.sort(key=lambda new: new.open.created_time)
            now = self.clock.now()
            published = self.publisher.publish(activity, opens, now)
        if published.settled:
            entries: dict[str, set[bytes]] = {}
            for new in published.settled:
                created = new.open.created_time
                entries.setdefault(bucket(created), set()).add(fingerprint(new.event_id))
                if created >= activity.tracked_at:
                    counts.delays_seconds.append((now - created).total_seconds())
            self.ledger.append(activity_id, entries)
            counts.published += len(published.settled)
            counts.dead_lettered += published.dead_lettered
        if rejected:
            set_aside = self.publisher.set_aside(activity, rejected)
        if set_aside.settled:
            marks = {row_fingerprint(row.identity) for row in set_aside.settled}
            self.ledger.append(activity_id, {REJECTED: marks})
            counts.rejected += len(set_aside.settled)
        return _Delivered(
            list(published.settled),
            len(set_aside.settled),
            published.failure or set_aside.failure,
        )

    def _result(
        self,
        walk: Walk,
        pages: list[Page],
        stretch: Stretch,
        delivery: "_Delivered",
        failure: EmailOpensError | None,
    ) -> StretchResult:
        """Advance the activity by a stretch."""
        now, before, aim = self.clock.now(), walk.activity, walk.aim
        activity, left = advance(before, stretch, aim.floor, walk.gap, now)
        if delivery.failure:
            failures = _failures_to_deliver(walk, delivery.failure)
            activity = unsettled(activity, _undelivered_from(walk, pages), failures, now)
        paused = {gap.retry_at for gap in before.progress.gaps}
        if left and left.retry_at and left.retry_at not in paused:
            failure = _stuck(left, failure)
        failure = failure or delivery.failure
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
                polled_at=now,
                head_at=now if walk.gap is None else progress.head_at,
                swept_at=now if aim.depth >= Depth.SWEEP else progress.swept_at,
                audited_at=now if aim.depth is Depth.AUDIT else progress.audited_at,
                audit_at=_audit_at(walk, pages, now),
            ),
            counts=replace(
                counts,
                published=counts.published + len(delivery.opens),
                rejected=counts.rejected + delivery.rejected,
                reported=walk.place.rows_read if whole else counts.reported,
            ),
            last_error=str(failure) if failure else kept_error,
        )
        polled = Polled(
            before=before,
            opens=tuple(new.open.created_time for new in delivery.opens),
            pages=len(pages),
            down_to=None if walk.done or stretch.stopped else stretch.bottom,
            at=now,
        )
        return StretchResult(activity, left, polled, failure)

    def _noted(
        self, walk: Walk, error: EmailOpensError, most: int = MOST_FAILURES
    ) -> EmailOpensError:
        """Count a failed attempt in the gap that a walk continues; return the error to raise."""
        gap, progress = walk.gap, walk.activity.progress
        if gap is None or not isinstance(error, (ActivityFailed, LinkExpired)):
            return error
        expired = isinstance(error, (LinkExpired, PagingBroken))
        again = failed(gap, self.clock.now(), expired=expired, most=most)
        gaps = tuple(again if other == gap else other for other in progress.gaps)
        walk.activity = self.tracking.save(
            replace(walk.activity, progress=replace(progress, gaps=gaps))
        )
        return _stuck(again, error) if again.failures >= PATIENCE else error


@dataclass(frozen=True, slots=True)
class _Delivered:
    """What a stretch has delivered."""

    opens: list[NewOpen]
    rejected: int
    failure: EmailOpensError | None
    """Why the rest could not be delivered."""

    @property
    def settled(self) -> int:
        return len(self.opens) + self.rejected


def _stops(aim: Aim, page: Page) -> bool:
    """Return whether a walk stops at a page with nothing new: its minute is read whole later."""
    return aim.full_minute is not None and in_minute(page, aim.full_minute)


def _stuck(gap: Gap, error: EmailOpensError | None) -> EmailOpensError:
    """Return the failure of a gap whose attempts make no progress."""
    if isinstance(error, ActivityFailed) and not isinstance(error, PagingBroken):
        return error
    retry_at = gap.retry_at and iso(gap.retry_at.replace(microsecond=0))
    begins = f"at {retry_at}" if retry_at else "in the next turn"
    because = f" ({str(error).removesuffix('.')})" if error else ""
    return PagingBroken(
        f"A part of the report cannot be read: {gap.failures} attempts in a row made no "
        f"progress{because}. The next attempt begins {begins}."
    )


def _stretch(
    walk: Walk,
    pages: list[Page],
    delivery: _Delivered,
    failure: EmailOpensError | None,
    now: datetime,
) -> Stretch:
    """Return the part of the report that these pages have covered."""
    instants = [row.created_time for page in pages for row in page.opens]
    lost = isinstance(failure, PagingBroken) or (
        isinstance(failure, LinkExpired) and len(pages) == 1
    )
    last = pages[-1]
    return Stretch(
        top=walk.gap.ceiling if walk.gap and not walk.place.from_head else None,
        bottom=next((page.opens[-1].created_time for page in reversed(pages) if page.opens), None),
        newest=max((instant for instant in instants if instant <= now), default=None),
        link=last.link,
        ended=walk.done,
        from_head=pages[0].link is None,
        lost=lost,
        failed=isinstance(failure, (ActivityFailed, LinkExpired)),
        new=tuple(new.open.created_time for new in delivery.opens),
        rows_above=walk.place.rows_read - len(last.opens) - len(last.rejected),
    )


def _failures_to_deliver(walk: Walk, failure: EmailOpensError) -> int:
    """Return the failures in a row; a failure that is not the activity's own does not count."""
    if not isinstance(failure, ActivityFailed):
        return 0
    tried = walk.gap.failures if walk.gap else 0
    return min(MOST_UNDELIVERED, max(PATIENCE, tried + 1))


def _undelivered_from(walk: Walk, pages: list[Page]) -> datetime | None:
    """Return the lower bound of what a stretch has read and could not deliver."""
    bottom = next((page.opens[-1].created_time for page in reversed(pages) if page.opens), None)
    since = walk.aim.since
    return max(filter(None, (since, bottom)), default=None)


def _audit_at(walk: Walk, pages: list[Page], now: datetime) -> datetime | None:
    """Return when an audit is due after a stretch: a day after a first read of several pages.

    Rows that were withdrawn while it went on may have moved others past it.
    """
    activity, aim = walk.activity, walk.aim
    audit_at = activity.progress.audit_at
    if walk.gap is not None:
        goes_on = audit_at is not None and aim.floor == activity.tracked_from
        return now + AUDIT_EVERY if goes_on else audit_at
    if activity.progress.watermark is None:
        return now + AUDIT_EVERY if len(pages) > 1 or not walk.done else audit_at
    return None if aim.depth is Depth.AUDIT else audit_at


def _oldest(walk: Walk, stretch: Stretch, now: datetime) -> datetime | None:
    """Return the report's oldest open, near the send; None if no row can be that old or new."""
    bottom = stretch.bottom or (walk.gap.ceiling if walk.gap else None)
    early = walk.activity.tracked_at - LEDGER_KEPT
    return bottom if bottom is not None and early <= bottom <= now else None


def _missing(aim: Aim, opens: list[NewOpen]) -> int:
    if aim.settled is None:
        return 0
    return sum(new.open.created_time < aim.settled for new in opens)


def _astray(place: Place, page: Page) -> PagingBroken | None:
    """Return what is wrong with the link below a page, whose rows are nevertheless good."""
    if page.astray:
        return PagingBroken(page.astray)
    if page.next_link in place.visited:
        return PagingBroken("A next link of the report leads back to a page already read.")
    return None

"""One poll of one activity: read, publish, record, advance.

Opens are published first, then recorded in the ledger, then the watermark moves. A crash between
any two of these loses nothing and repeats, under the same event ids, at most the pages in hand.
"""

from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Self

from email_opens.errors import EmailOpensError, LinkExpired, PagingBroken
from email_opens.events import REJECTED, bucket, fingerprint, row_fingerprint
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
from email_opens.ports import Clock, Ledger, Publisher, Report, Tracking
from email_opens.published import PublishedWindow
from email_opens.walk import Aim, Place, Stretch, advance, ended, new_opens, passed, shifted

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
            EmailOpensError: as the ports raise. If only a later page fails, the result has it.
        """
        pages: list[Page] = []
        opens: list[NewOpen] = []
        rejected: list[RejectedRow] = []
        failure: EmailOpensError | None = None
        floor, window = walk.aim.floor, walk.window
        while len(pages) < PAGES_IN_HAND:
            try:
                page = self._read(walk, before)
            except EmailOpensError as error:
                if not pages:
                    self._begin_again(walk, error)
                    raise
                failure = error
                break
            found = new_opens(page, floor, window.of(page, floor))
            window.note(found)
            opens += found
            rejected += window.new_rejected(page)
            pages.append(page)
            walk.done = ended(page, floor)
            failure = None if walk.done else _astray(walk.place, page)
            if walk.done or failure or (walk.aim.pause and passed(page, walk.aim.pause)):
                break
        self._deliver(walk.activity, opens, rejected, counts)
        counts.missing += _missing(walk.aim, opens)
        window.forget(pages)
        return self._result(walk, pages, opens, len(rejected), failure)

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
            published = walk.window.of(page, walk.aim.floor)
            if shifted(page, walk.gap, published):
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
    ) -> None:
        """Publish, then record: what is in the ledger was acknowledged."""
        entries: dict[str, set[bytes]] = {}
        if opens:
            opens.sort(key=lambda new: new.open.created_time)
            now = self.clock.now()
            counts.dead_lettered += self.publisher.publish(activity, opens, now)
            for new in opens:
                created = new.open.created_time
                entries.setdefault(bucket(created), set()).add(fingerprint(new.event_id))
                if created >= activity.tracked_at:
                    counts.delays_seconds.append((now - created).total_seconds())
        if rejected:
            self.publisher.set_aside(activity, rejected)
            entries[REJECTED] = {row_fingerprint(row.identity) for row in rejected}
        if entries:
            self.ledger.append(activity.campaign_activity_id, entries)
        counts.published += len(opens)
        counts.rejected += len(rejected)

    def _result(
        self,
        walk: Walk,
        pages: list[Page],
        opens: list[NewOpen],
        rejected: int,
        failure: EmailOpensError | None,
    ) -> StretchResult:
        """Advance the activity; if the walk's links fail, its gap begins again from the head."""
        now, before, aim = self.clock.now(), walk.activity, walk.aim
        stretch = _stretch(walk, pages, failure, now)
        activity, left = advance(before, stretch, aim.floor, walk.gap)
        whole = walk.done and aim.floor is None
        progress, counts = activity.progress, activity.counts
        activity = replace(
            activity,
            sent_at=activity.sent_at or (_oldest(walk, stretch, now) if whole else None),
            state=State.ACTIVE if activity.state is State.GONE else activity.state,
            progress=replace(
                progress,
                polled_at=now,
                swept_at=now if aim.depth >= Depth.SWEEP else progress.swept_at,
                audited_at=now if aim.depth is Depth.AUDIT else progress.audited_at,
            ),
            counts=replace(
                counts,
                published=counts.published + len(opens),
                rejected=counts.rejected + rejected,
                reported=walk.place.rows_read if whole else counts.reported,
            ),
            last_error=str(failure) if failure else None,
        )
        polled = Polled(
            before=before,
            opens=tuple(new.open.created_time for new in opens),
            pages=len(pages),
            down_to=None if walk.done else stretch.bottom,
            at=now,
        )
        return StretchResult(activity, left, polled, failure)

    def _begin_again(self, walk: Walk, error: EmailOpensError) -> None:
        """If the link of a gap no longer works, let the gap begin again from the head."""
        gap, progress = walk.gap, walk.activity.progress
        if gap is None or gap.link is None or not isinstance(error, (LinkExpired, PagingBroken)):
            return
        again = replace(gap, link=None, rows_above=0)
        gaps = tuple(again if other == gap else other for other in progress.gaps)
        walk.activity = self.tracking.save(
            replace(walk.activity, progress=replace(progress, gaps=gaps))
        )


def _stretch(
    walk: Walk, pages: list[Page], failure: EmailOpensError | None, now: datetime
) -> Stretch:
    """Return the part of the report that these pages have covered."""
    instants = [row.created_time for page in pages for row in page.opens]
    stuck = isinstance(failure, PagingBroken) or (
        isinstance(failure, LinkExpired) and len(pages) == 1
    )
    last = pages[-1]
    above = walk.place.rows_read - len(last.opens) - len(last.rejected)
    return Stretch(
        top=walk.gap.ceiling if walk.gap and not walk.place.from_head else None,
        bottom=next((page.opens[-1].created_time for page in reversed(pages) if page.opens), None),
        newest=max((instant for instant in instants if instant <= now), default=None),
        link=None if stuck else last.link,
        ended=walk.done,
        rows_above=0 if stuck else above,
    )


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

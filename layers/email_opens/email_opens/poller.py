"""One poll of one activity: read, publish, record, advance.

Publish, then ledger, then watermark: a crash between any two repeats, under the same event ids,
no more than the pages in hand, and loses nothing.
"""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import datetime

from email_opens.errors import EmailOpensError, LinkExpired, PagingBroken
from email_opens.events import REJECTED, bucket, fingerprint, row_fingerprint
from email_opens.model import (
    LEDGER_KEPT,
    PAGE_ROWS,
    Activity,
    Gap,
    NewOpen,
    Page,
    RejectedRow,
    State,
)
from email_opens.ports import Clock, Ledger, Publisher, Report, Tracking
from email_opens.published import PublishedWindow
from email_opens.walk import Depth, Stretch, advance, ended, new_opens, passed, shifted

PAGES_IN_HAND = 4
"""Pages that are held before they are published and recorded: what bounds memory and repeats."""


@dataclass(frozen=True, slots=True)
class Polled:
    """What a stretch has seen, to learn from."""

    before: Activity
    """As it was when the stretch began."""
    opens: tuple[datetime, ...]
    """When its new opens were made."""
    pages: int
    down_to: datetime | None
    """Its oldest row; None: it was read to its floor."""
    at: datetime


def learn_nothing(activity: Activity, _: Polled) -> Activity:
    return activity


@dataclass(slots=True)
class Walk:
    """A walk under way, in memory only: what outlives it is the activity and its gaps."""

    activity: Activity
    floor: datetime | None
    depth: Depth = Depth.TAIL
    pause: datetime | None = None
    """Where it lets others go first: the watermark that a deeper walk passes."""
    settled: datetime | None = None
    """New opens older than this are such as earlier walks should have found."""
    rows: int = PAGE_ROWS
    learn: Callable[[Activity, Polled], Activity] = learn_nothing
    """What its first stretch teaches of the activity, written along with all else."""
    gap: Gap | None = None
    next_link: str | None = None
    seen: set[str] = field(default_factory=set)
    rows_read: int = 0
    """From the head, those of earlier invocations included."""
    begun: bool = False
    done: bool = False
    from_head: bool = True
    known: PublishedWindow | None = None


@dataclass(slots=True)
class PollCounts:
    """What happened, for logs and metrics."""

    published: int = 0
    dead_lettered: int = 0
    rejected: int = 0
    missing: int = 0
    """Of the published: what only an audit found, below all that tails and sweeps had read."""
    delays_seconds: list[float] = field(default_factory=list)
    """Published less created, of the opens that came since their activity is tracked."""


@dataclass(frozen=True, slots=True)
class Poller:
    """What one poll needs of the outside."""

    report: Report
    ledger: Ledger
    publisher: Publisher
    tracking: Tracking
    clock: Clock

    def work(self, walk: Walk, counts: PollCounts, *, before: datetime) -> None:
        """Work one stretch of a walk: up to `PAGES_IN_HAND` pages, or to its pause or floor.

        What was read before a failing request is published and recorded, then the error rises;
        the rest of the walk is a gap by then.

        Raises:
            EmailOpensError: as the ports raise; `LostRace` if another has written the activity.
        """
        known = walk.known = walk.known or PublishedWindow(
            self.ledger, walk.activity.campaign_activity_id
        )
        pages: list[Page] = []
        opens: list[NewOpen] = []
        rejected: list[RejectedRow] = []
        failure: EmailOpensError | None = None
        while len(pages) < PAGES_IN_HAND:
            try:
                page = self._read(walk, known, before)
            except EmailOpensError as error:
                if not pages:
                    self._begin_again(walk, error)
                    raise
                failure = error
                break
            found = new_opens(page, walk.floor, known.of(page, walk.floor))
            known.note(found)
            opens += found
            rejected += known.new_rejected(page)
            pages.append(page)
            walk.rows_read += len(page.opens) + len(page.rejected)
            walk.done = ended(page, walk.floor)
            failure = None if walk.done else _astray(walk, page)
            if walk.done or failure or (walk.pause and passed(page, walk.pause)):
                break
        self._deliver(walk.activity, opens, rejected, counts)
        counts.missing += _missing(walk, opens)
        known.forget(pages)
        self._advance(walk, pages, failure, opens, len(rejected))
        if failure:
            raise failure

    def _read(self, walk: Walk, known: PublishedWindow, before: datetime) -> Page:
        """Read the walk's next page; a resumed gap's last page first, to find its place again."""
        if walk.begun:
            page = self._page(walk, walk.next_link, before)
        else:
            link = walk.gap.link if walk.gap else None
            page = self._page(walk, link, before)
            if walk.gap and shifted(page, walk.gap, known.of(page, walk.floor)):
                link = None
                walk.seen.clear()
                page = self._page(walk, None, before)
            walk.begun = True
            walk.from_head = link is None
            if walk.from_head:
                walk.rows_read = 0
        walk.next_link = page.next_link
        return page

    def _page(self, walk: Walk, link: str | None, before: datetime) -> Page:
        if link is not None:
            walk.seen.add(link)
        return self.report.read(
            walk.activity.campaign_activity_id, link=link, rows=walk.rows, before=before
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
            entries[REJECTED] = {row_fingerprint(row.row) for row in rejected}
        if entries:
            self.ledger.append(activity.campaign_activity_id, entries)
        counts.published += len(opens)
        counts.rejected += len(rejected)

    def _advance(
        self,
        walk: Walk,
        pages: list[Page],
        failure: EmailOpensError | None,
        opens: list[NewOpen],
        rejected: int,
    ) -> None:
        """Write what the stretch has changed; where links fail, a gap begins from the head."""
        now = self.clock.now()
        instants = [row.created_time for page in pages for row in page.opens]
        stuck = isinstance(failure, PagingBroken) or (
            isinstance(failure, LinkExpired) and len(pages) == 1
        )
        last = pages[-1]
        above = walk.rows_read - len(last.opens) - len(last.rejected)
        stretch = Stretch(
            top=None if walk.from_head or walk.gap is None else walk.gap.ceiling,
            bottom=next(
                (page.opens[-1].created_time for page in reversed(pages) if page.opens), None
            ),
            newest=max((instant for instant in instants if instant <= now), default=None),
            link=None if stuck else last.link,
            ended=walk.done,
            rows_above=0 if stuck else above,
        )
        activity, left = advance(walk.activity, stretch, walk.floor, walk.gap)
        whole = walk.done and walk.floor is None
        seen = Polled(
            before=walk.activity,
            opens=tuple(new.open.created_time for new in opens),
            pages=len(pages),
            down_to=None if walk.done else stretch.bottom,
            at=now,
        )
        walk.activity = self.tracking.save(
            walk.learn(
                replace(
                    activity,
                    counts=replace(
                        activity.counts,
                        published=activity.counts.published + len(opens),
                        rejected=activity.counts.rejected + rejected,
                        reported=walk.rows_read if whole else activity.counts.reported,
                    ),
                    sent_at=activity.sent_at or (_oldest(walk, stretch, now) if whole else None),
                    state=State.ACTIVE if activity.state is State.GONE else activity.state,
                    progress=replace(
                        activity.progress,
                        polled_at=now,
                        swept_at=now if walk.depth >= Depth.SWEEP else activity.progress.swept_at,
                        audited_at=now
                        if walk.depth is Depth.AUDIT
                        else activity.progress.audited_at,
                    ),
                    last_error=str(failure) if failure else None,
                ),
                seen,
            )
        )
        walk.learn = learn_nothing
        walk.gap = left
        walk.done = left is None

    def _begin_again(self, walk: Walk, error: EmailOpensError) -> None:
        """Where a gap's link no longer works, let it begin again from the report's head."""
        gap = walk.gap
        if gap is None or gap.link is None or not isinstance(error, (LinkExpired, PagingBroken)):
            return
        again = replace(gap, link=None, rows_above=0)
        gaps = tuple(again if other == gap else other for other in walk.activity.progress.gaps)
        walk.activity = self.tracking.save(
            replace(walk.activity, progress=replace(walk.activity.progress, gaps=gaps))
        )


def _oldest(walk: Walk, stretch: Stretch, now: datetime) -> datetime | None:
    """Return the report's oldest open, near which it was sent, where no row can be so wrong."""
    bottom = stretch.bottom or (walk.gap.ceiling if walk.gap else None)
    early = walk.activity.tracked_at - LEDGER_KEPT
    return bottom if bottom is not None and early <= bottom <= now else None


def _missing(walk: Walk, opens: list[NewOpen]) -> int:
    if walk.settled is None:
        return 0
    return sum(new.open.created_time < walk.settled for new in opens)


def _astray(walk: Walk, page: Page) -> PagingBroken | None:
    """Return what is wrong with the link to the page below; the page itself is as good as any."""
    if page.astray:
        return PagingBroken(page.astray)
    if page.next_link in walk.seen:
        return PagingBroken("A next link of the report leads back to a page already read.")
    return None

"""One poll of one activity: read, publish, record, advance.

Publish, then ledger, then watermark: a crash between any two repeats, under the same event ids,
no more than the pages in hand, and loses nothing.
"""

from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from email_opens.errors import EmailOpensError, LinkExpired, PagingBroken
from email_opens.events import REJECTED, bucket, fingerprint, row_fingerprint
from email_opens.model import PAGE_ROWS, Activity, Gap, NewOpen, Page, RejectedRow
from email_opens.ports import Clock, Ledger, Publisher, Report, Tracking
from email_opens.walk import Stretch, advance, ended, new_opens, shifted

PAGES_IN_HAND = 4
"""Pages that are held before they are published and recorded: what bounds memory and repeats."""

HOUR = timedelta(hours=1)
MINUTE = timedelta(minutes=1)


@dataclass(slots=True)
class Walk:
    """A walk under way, in memory only: what outlives it is the activity and its gaps."""

    activity: Activity
    floor: datetime | None
    pause: datetime | None = None
    """Where it lets others go first: the watermark that a deeper walk passes."""
    rows: int = PAGE_ROWS
    gap: Gap | None = None
    next_link: str | None = None
    seen: set[str] = field(default_factory=set)
    rows_read: int = 0
    """From the head, those of earlier invocations included."""
    begun: bool = False
    done: bool = False
    from_head: bool = True
    known: "Known | None" = None


@dataclass(slots=True)
class Facts:
    """What happened, for logs and metrics."""

    published: int = 0
    dead_lettered: int = 0
    rejected: int = 0
    delays_seconds: list[float] = field(default_factory=list)
    """Published less created, of the opens that came since their activity is tracked."""


class Known:
    """The part of the ledger that a walk needs now: a window of hours that moves down with it.

    What a walk has found, but not recorded yet, is in it too.
    """

    def __init__(self, ledger: Ledger, campaign_activity_id: str) -> None:
        self._ledger = ledger
        self._activity_id = campaign_activity_id
        self._newest: datetime | None = None
        self._oldest: datetime | None = None
        self._rejected: set[bytes] | None = None
        self.by_bucket: dict[str, set[bytes]] = {}

    def cover(self, page: Page, floor: datetime | None) -> None:
        """Hold the hours of the page's rows at or above the floor."""
        instants = [
            row.created_time for row in page.opens if floor is None or row.created_time >= floor
        ]
        if not instants:
            return
        oldest, newest = _hour(min(instants)), _hour(max(instants))
        if self._newest is None or self._oldest is None or newest < self._oldest:
            self._load(oldest, newest)
        else:
            if newest > self._newest:
                self._load(self._newest + HOUR, newest)
            if oldest < self._oldest:
                self._load(oldest, self._oldest - HOUR)
            newest, oldest = max(newest, self._newest), min(oldest, self._oldest)
        self._oldest, self._newest = oldest, newest

    def forget(self, pages: list[Page]) -> None:
        """Forget the hours above the last page, whose opens are all recorded by now."""
        if self._newest is None or not pages[-1].opens:
            return
        newest = _hour(pages[-1].opens[-1].created_time)
        self._newest = min(self._newest, newest)
        self._oldest = min(self._oldest or newest, newest)
        last = bucket(self._newest)
        for name in [name for name in self.by_bucket if name > last]:
            del self.by_bucket[name]

    def _load(self, oldest: datetime, newest: datetime) -> None:
        found = self._ledger.fingerprints(self._activity_id, bucket(oldest), bucket(newest))
        for name, fingerprints in found.items():
            self.by_bucket.setdefault(name, set()).update(fingerprints)

    def rejected(self) -> set[bytes]:
        if self._rejected is None:
            found = self._ledger.fingerprints(self._activity_id, REJECTED, REJECTED)
            self._rejected = set(found.get(REJECTED, ()))
        return self._rejected


@dataclass(frozen=True, slots=True)
class Poller:
    """What one poll needs of the outside."""

    report: Report
    ledger: Ledger
    publisher: Publisher
    tracking: Tracking
    clock: Clock

    def work(self, walk: Walk, facts: Facts, *, before: datetime) -> None:
        """Work one stretch of a walk: up to `PAGES_IN_HAND` pages, or to its pause or floor.

        What was read before a failing request is published and recorded, then the error rises;
        the rest of the walk is a gap by then.

        Raises:
            EmailOpensError: as the ports raise; `LostRace` if another has written the activity.
        """
        known = walk.known = walk.known or Known(self.ledger, walk.activity.campaign_activity_id)
        pages: list[Page] = []
        opens: list[NewOpen] = []
        rejected: list[RejectedRow] = []
        failure: EmailOpensError | None = None
        while len(pages) < PAGES_IN_HAND:
            try:
                page = self._read(walk, before)
            except EmailOpensError as error:
                if not pages:
                    self._begin_again(walk, error)
                    raise
                failure = error
                break
            known.cover(page, walk.floor)
            found = new_opens(page, walk.floor, known.by_bucket)
            for new in found:
                name = bucket(new.open.created_time)
                known.by_bucket.setdefault(name, set()).add(fingerprint(new.event_id))
            opens += found
            rejected += self._new_rejected(page, known)
            pages.append(page)
            walk.rows_read += len(page.opens) + len(page.rejected)
            walk.done = ended(page, walk.floor)
            past = walk.pause and page.opens and page.opens[-1].created_time < walk.pause
            if walk.done or past:
                break
        self._deliver(walk.activity, opens, rejected, facts)
        known.forget(pages)
        self._advance(walk, pages, failure, len(opens), len(rejected))
        if failure:
            raise failure

    def _read(self, walk: Walk, before: datetime) -> Page:
        """Read the walk's next page; a resumed gap's page first, to find its place again."""
        resumed = walk.gap is not None and not walk.begun
        link = walk.gap.link if walk.gap and resumed else walk.next_link
        page = self._page(walk, link, before)
        if resumed and walk.gap and shifted(page, walk.gap):
            page = self._page(walk, None, before)
            link = None
        if link is None:
            walk.rows_read = 0
        if not walk.begun:
            walk.begun = True
            walk.from_head = link is None
        if page.next_link is not None:
            if page.next_link in walk.seen:
                raise PagingBroken("A next link of the report leads back to a page already read.")
            walk.seen.add(page.next_link)
        walk.next_link = page.next_link
        return page

    def _page(self, walk: Walk, link: str | None, before: datetime) -> Page:
        if link is not None:
            walk.seen.add(link)
        return self.report.read(
            walk.activity.campaign_activity_id, link=link, rows=walk.rows, before=before
        )

    def _new_rejected(self, page: Page, known: Known) -> list[RejectedRow]:
        new = []
        for row in page.rejected:
            mark = row_fingerprint(row.row)
            if mark not in known.rejected():
                known.rejected().add(mark)
                new.append(row)
        return new

    def _deliver(
        self, activity: Activity, opens: list[NewOpen], rejected: list[RejectedRow], facts: Facts
    ) -> None:
        """Publish, then record: what is in the ledger was acknowledged."""
        entries: dict[str, set[bytes]] = {}
        if opens:
            opens.sort(key=lambda new: new.open.created_time)
            now = self.clock.now()
            facts.dead_lettered += self.publisher.publish(activity, opens, now)
            for new in opens:
                created = new.open.created_time
                entries.setdefault(bucket(created), set()).add(fingerprint(new.event_id))
                if created >= activity.tracked_at:
                    facts.delays_seconds.append((now - created).total_seconds())
        if rejected:
            self.publisher.set_aside(activity, rejected)
            entries[REJECTED] = {row_fingerprint(row.row) for row in rejected}
        if entries:
            self.ledger.append(activity.campaign_activity_id, entries)
        facts.published += len(opens)
        facts.rejected += len(rejected)

    def _advance(
        self,
        walk: Walk,
        pages: list[Page],
        failure: EmailOpensError | None,
        published: int,
        rejected: int,
    ) -> None:
        """Write what the stretch has changed; where links fail, a gap begins from the head."""
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
            newest=max(instants, default=None),
            link=None if stuck else last.link,
            ended=walk.done,
            rows_above=0 if stuck else above,
        )
        now = self.clock.now()
        activity, left = advance(walk.activity, stretch, walk.floor, walk.gap, now)
        whole = walk.done and walk.floor is None
        walk.activity = self.tracking.save(
            replace(
                activity,
                published=activity.published + published,
                rejected=activity.rejected + rejected,
                reported=walk.rows_read if whole else activity.reported,
                polled_at=now,
                last_error=str(failure) if failure else None,
            )
        )
        walk.gap = left
        walk.done = left is None

    def _begin_again(self, walk: Walk, error: EmailOpensError) -> None:
        """Where a gap's link no longer works, let it begin again from the report's head."""
        gap = walk.gap
        if gap is None or gap.link is None or not isinstance(error, (LinkExpired, PagingBroken)):
            return
        again = replace(gap, link=None, rows_above=0)
        gaps = tuple(again if other == gap else other for other in walk.activity.gaps)
        walk.activity = self.tracking.save(replace(walk.activity, gaps=gaps))


def _hour(instant: datetime) -> datetime:
    return instant.replace(minute=0, second=0, microsecond=0)

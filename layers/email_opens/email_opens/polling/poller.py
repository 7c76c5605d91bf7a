"""One poll of one activity: read, publish, record, advance.

Opens are published first, then recorded in the ledger, then the watermark moves. A crash between
any two of these loses nothing and repeats, under the same event ids, at most the pages in hand.
"""

from array import array
from collections.abc import MutableSequence
from copy import replace
from datetime import datetime

from msgspec import Struct, field

from email_opens.errors import ActivityFailed, EmailOpensError, LinkExpired, PagingBroken
from email_opens.events import REJECTED, by_bucket, row_fingerprint
from email_opens.model import Activity, NewOpen, Page, RejectedRow
from email_opens.polling.first_opens import decide
from email_opens.polling.gaps import MOST_FAILURES, PATIENCE, failed
from email_opens.polling.stretches import (
    MOST_UNDELIVERED,
    Delivered,
    Reading,
    StretchResult,
    Walk,
    astray,
    missing,
    outcome,
    stops,
    stuck,
)
from email_opens.ports import (
    Clock,
    Decisions,
    Delivery,
    Ledger,
    Publisher,
    Report,
    Tracking,
)
from email_opens.walk import Place, ended, new_opens, passed, shifted

PAGES_IN_HAND = 4
"""Pages that are read before they are published and recorded: the bound of memory and repeats."""


class PollCounts(Struct):
    """What polls have done, for logs and metrics."""

    published: int = 0
    dead_lettered: int = 0
    rejected: int = 0
    missing: int = 0
    """Published opens that only an audit found, below all that tails and sweeps had read."""
    delays_seconds: MutableSequence[float] = field(default_factory=lambda: array("d"))
    """Published less created, for the opens made since their activity is tracked; packed, since a
    turn may publish a hundred thousand."""


class Poller(Struct, frozen=True):
    """Polls activities with these ports."""

    report: Report
    ledger: Ledger
    publisher: Publisher
    tracking: Tracking
    clock: Clock
    decisions: Decisions | None = None
    """Where first opens are decided; None: they are not."""

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
        reading = self._read_pages(walk, before)
        delivered = self._deliver(walk.activity, reading, counts)
        if delivered.failure and not delivered.settled:
            raise self._noted(walk, delivered.failure, most=MOST_UNDELIVERED) from None
        counts.missing += missing(walk.aim, delivered.opens)
        walk.window.forget(reading.pages)
        return outcome(walk, reading, delivered, self.clock.now())

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

    def _read_pages(self, walk: Walk, before: datetime) -> Reading:
        """Read the pages of a stretch; raise if not even the first one can be read."""
        reading, aim, window = Reading(), walk.aim, walk.window
        begun, fresh = walk.place.begun, walk.place.fresh
        while len(reading.pages) < PAGES_IN_HAND:
            try:
                page = self._read(walk, before)
            except EmailOpensError as error:
                if not reading.pages:
                    raise self._noted(walk, error) from None
                reading.failure = error
                break
            opens = new_opens(page, aim.since, window.of(page, aim.since))
            rejected = window.new_rejected(page)
            window.note(opens)
            reading.opens += opens
            reading.rejected += rejected
            reading.pages.append(page)
            walk.done = ended(page, aim.floor)
            reading.stopped = not (opens or rejected) and stops(aim, page)
            if walk.done or reading.stopped:
                break
            reading.failure = astray(walk.place, page)
            empty = walk.gap is None and not walk.place.rows_read
            if reading.failure or empty or (aim.pause and passed(page, aim.pause)):
                break
        # A stretch of a deep walk from the head is a single page, which proves nothing yet.
        alike = begun and walk.place.stale < PAGES_IN_HAND
        reading.fresh = walk.place.fresh > fresh or alike
        return reading

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
        reading: Reading,
        counts: PollCounts,
    ) -> Delivered:
        """Publish, then record: what is in the ledger was acknowledged.

        What was acknowledged is recorded even if the rest could not be delivered.
        """
        activity_id, opens = activity.campaign_activity_id, reading.opens
        published = Delivery[NewOpen](settled=())
        set_aside = Delivery[RejectedRow](settled=())
        if opens:
            opens.sort(key=lambda new: new.open.created_time)
            if self.decisions:
                opens = decide(self.decisions, activity_id, opens)
            now = self.clock.now()
            published = self.publisher.publish(activity, opens, now)
        if published.settled:
            self.ledger.append(activity_id, by_bucket(published.settled))
            counts.delays_seconds.extend(
                (now - new.open.created_time).total_seconds()
                for new in published.settled
                if new.open.created_time >= activity.tracked_at
            )
            counts.published += len(published.settled)
            counts.dead_lettered += published.dead_lettered
        if reading.rejected:
            set_aside = self.publisher.set_aside(activity, reading.rejected)
        if set_aside.settled:
            marks = {row_fingerprint(row.identity) for row in set_aside.settled}
            self.ledger.append(activity_id, {REJECTED: marks})
            counts.rejected += len(set_aside.settled)
        return Delivered(
            list(published.settled),
            len(set_aside.settled),
            published.failure or set_aside.failure,
        )

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
        return stuck(again.failures, again.retry_at, error) if again.retry_at else error

"""An account's search for sends: a few requests under a brief lease, again and again.

Between two stretches the account is left alone, so that a search delays a turn only by moments.
"""

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from email_opens.discovery.campaigns import SearchMemory, SeenCampaign, Summary
from email_opens.discovery.ports import Campaigns, SeenCampaigns
from email_opens.discovery.report import CampaignFailure, Found
from email_opens.discovery.selection import (
    Names,
    after_failure,
    floor_of,
    is_forgotten,
    is_seen,
    recent,
    still_needed,
    to_read,
)
from email_opens.discovery.tracker import Tracker
from email_opens.errors import (
    AccountBusy,
    EmailOpensError,
    OutOfTime,
    PagingBroken,
    ReportUnavailable,
)
from email_opens.ports import Clock, Tracking
from email_opens.turns.budget import Budget
from email_opens.turns.lease import Leases

STRETCH_REQUESTS = 8
"""Requests after which the account is left alone for a pause."""
PAUSE = timedelta(seconds=2)
"""The pause between two stretches."""
LEASE = timedelta(seconds=15)
"""How long a search that was killed keeps turns away, at most."""
COMMIT = timedelta(seconds=3)
"""The end of a lease, kept to record what was found."""
MOST_FAILURES_IN_A_ROW = 5
"""Failed campaigns in a row after which the vendor counts as failing, and the search ends."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Discovery:
    """Searches with these ports; `campaigns` makes an account's campaigns within a budget."""

    leases: Leases
    tracking: Tracking
    seen: SeenCampaigns
    clock: Clock
    campaigns: Callable[[str, Budget], Campaigns]
    lookback: timedelta
    names: Names

    def search(
        self,
        account_id: str,
        *,
        holder: str,
        before: datetime,
        wait: timedelta | None = None,
        on_wait: Callable[[str], None] | None = None,
    ) -> Found:
        """Track what an account has sent lately, and begin no request after `before`.

        `wait` is the longest wait for the first lease, by which `before` is put off; without it,
        the wait ends at `before`.
        What is not reached is left for the next search.
        """
        found = Found(account_id)
        search = _Search(discovery=self, found=found)
        while True:
            left = search.left
            found.stopped = None
            began = self.clock.now()
            first_wait = None if found.leased else wait
            try:
                with self.leases.hold(
                    account_id,
                    holder=holder,
                    lasts=LEASE,
                    commit=COMMIT,
                    wait=before - began if first_wait is None else first_wait,
                    on_wait=on_wait,
                ) as lease:
                    found.leased = True
                    if first_wait is not None:
                        before += self.clock.now() - began
                    search.work(self.campaigns(account_id, lease.budget), min(before, lease.before))
                    if search.done:
                        lease.search_completed_at = self.clock.now()
            except AccountBusy:
                found.stopped = OutOfTime("No time is left for the search.")
            except EmailOpensError as error:
                if not found.leased:
                    raise
                found.stopped = error.with_traceback(None)
            progressed = isinstance(found.stopped, OutOfTime) and search.left != left
            if search.done or (found.stopped and not progressed):
                return found
            if self.clock.now() + PAUSE >= before:
                found.stopped = found.stopped or OutOfTime("No time is left for the search.")
                return found
            self.clock.sleep(PAUSE.total_seconds())


@dataclass(slots=True, kw_only=True)
class _Search:
    """A search, over the stretches that it takes."""

    discovery: Discovery
    found: Found
    link: str | None = None
    links: set[str] = field(default_factory=set)
    summaries: list[Summary] = field(default_factory=list)
    waiting: deque[Summary] | None = None
    """The campaigns to read, in order; None: they are not known yet."""
    read: dict[str, SeenCampaign] = field(default_factory=dict)
    failures_in_a_row: int = 0
    _floor: datetime | None = None

    @property
    def done(self) -> bool:
        return self.waiting is not None and not self.waiting

    @property
    def left(self) -> tuple[int, int | None]:
        """A value that changes whenever the search makes progress."""
        return len(self.summaries), None if self.waiting is None else len(self.waiting)

    def work(self, campaigns: Campaigns, before: datetime) -> None:
        """Work a stretch under a lease, and store which campaigns were read."""
        discovery, account_id = self.discovery, self.found.account_id
        memory = discovery.seen.load(account_id)
        floor = self._floor or floor_of(memory, discovery.lookback, discovery.clock.now())
        self._floor, self.read = floor, {}
        # A turn may have changed what is tracked since the last stretch.
        tracker = Tracker(
            tracking=discovery.tracking,
            clock=discovery.clock,
            names=discovery.names,
            campaigns=campaigns,
            floor=floor,
            before=before,
            found=self.found,
        )
        try:
            if self.waiting is None:
                self._list(campaigns, memory, floor, before)
            while self.waiting and campaigns.requests < STRETCH_REQUESTS:
                summary = self.waiting.popleft()
                try:
                    self._take(summary, memory, tracker)
                except OutOfTime:
                    self.waiting.appendleft(summary)
                    raise
        finally:
            self.found.requests += campaigns.requests
            self.found.throttled += campaigns.throttled
            self.found.unread = len(self.waiting or ())
            if self.read:
                kept = still_needed(memory, floor)
                kept = replace(kept, campaigns={**kept.campaigns, **self.read})
                discovery.seen.store(account_id, kept)

    def _list(
        self, campaigns: Campaigns, memory: SearchMemory, floor: datetime, before: datetime
    ) -> None:
        """Read summaries down to the floor, and choose the campaigns to read."""
        while campaigns.requests < STRETCH_REQUESTS:
            page = campaigns.summaries(link=self.link, before=before)
            self.summaries += page.summaries
            reached = bool(page.summaries) and page.summaries[-1].last_sent < floor
            if page.next_link is None or reached:
                discovery = self.discovery
                sends = recent(self.summaries, floor)
                self.waiting = deque(to_read(sends, memory, discovery.names, discovery.clock.now()))
                self.found.forgotten = sum(is_forgotten(send, memory) for send in sends)
                return
            if page.next_link in self.links:
                raise PagingBroken("The next links of the summaries lead in a circle.")
            self.links.add(page.next_link)
            self.link = page.next_link

    def _take(self, summary: Summary, memory: SearchMemory, tracker: Tracker) -> None:
        """Read a campaign and track what it sent, unless that was done before.

        A campaign that fails is remembered as failed, and read again by a later search.
        """
        # Another search may have read it since this one has read the summaries.
        if is_seen(summary, memory, self.discovery.names):
            return
        last_tracked = tracker.last_send(summary.campaign_id)
        earlier = memory.campaigns.get(summary.campaign_id)
        # Of a campaign that failed, perhaps only some of the activities are tracked.
        whole = earlier is None or not earlier.failures
        if whole and last_tracked is not None and last_tracked >= summary.last_sent:
            self.read[summary.campaign_id] = SeenCampaign(summary.last_sent)
            return
        seen, failure = tracker.track(summary)
        now = self.discovery.clock.now()
        self.read[summary.campaign_id] = seen or after_failure(summary, earlier, now)
        self.found.campaigns += 1
        if failure is None:
            self.failures_in_a_row = 0
            return
        self.found.failures.append(CampaignFailure(summary.campaign_id, failure))
        self.failures_in_a_row += 1
        if self.failures_in_a_row >= MOST_FAILURES_IN_A_ROW:
            raise ReportUnavailable(
                f"The search ended after {MOST_FAILURES_IN_A_ROW} campaigns in a row that could "
                "not be read; the next search continues."
            )

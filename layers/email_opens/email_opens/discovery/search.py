"""A search for the sends of an account that are not tracked yet, a stretch at a time.

What was read is remembered after each stretch, so a search that ends early is cheaply repeated.
"""

from collections import deque
from copy import replace
from datetime import UTC, datetime, timedelta

from msgspec import Struct, field

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
from email_opens.errors import OutOfTime, PagingBroken, ReportUnavailable
from email_opens.ports import Clock, Tracking
from email_opens.scheduling.searches import STRETCH_REQUESTS

MOST_FAILURES_IN_A_ROW = 5
"""Failed campaigns in a row after which the vendor counts as failing, and the search ends."""

_NEVER = datetime.min.replace(tzinfo=UTC)


class Search(Struct, kw_only=True):
    """A search, over the stretches that it takes."""

    tracking: Tracking
    seen: SeenCampaigns
    clock: Clock
    lookback: timedelta
    names: Names
    found: Found
    """What was done so far."""
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
    def last_sends(self) -> dict[str, datetime]:
        """The last sends of the campaigns that were listed, by campaign id."""
        return {send.campaign_id: send.last_sent for send in recent(self.summaries, _NEVER)}

    @property
    def left(self) -> tuple[int, int | None]:
        """A value that changes whenever the search makes progress."""
        return len(self.summaries), None if self.waiting is None else len(self.waiting)

    def work(self, campaigns: Campaigns, before: datetime) -> None:
        """Work a stretch, and store which campaigns were read."""
        account_id, sent = self.found.account_id, (campaigns.requests, campaigns.throttled)
        most = campaigns.requests + STRETCH_REQUESTS
        memory = self.seen.load(account_id)
        floor = self._floor or floor_of(memory, self.lookback, self.clock.now())
        self._floor, self.read = floor, {}
        # A turn may have changed what is tracked since the last stretch.
        tracker = Tracker(
            tracking=self.tracking,
            clock=self.clock,
            names=self.names,
            campaigns=campaigns,
            floor=floor,
            before=before,
            found=self.found,
        )
        try:
            if self.waiting is None:
                self._list(campaigns, memory, floor, most, before)
            while self.waiting and campaigns.requests < most:
                summary = self.waiting.popleft()
                try:
                    self._take(summary, memory, tracker)
                except OutOfTime:
                    self.waiting.appendleft(summary)
                    raise
        finally:
            self.found.requests += campaigns.requests - sent[0]
            self.found.throttled += campaigns.throttled - sent[1]
            self.found.unread = len(self.waiting or ())
            if self.read:
                kept = still_needed(memory, floor)
                read = {
                    key: replace(campaign, unknown=memory.campaigns[key].unknown)
                    if key in memory.campaigns
                    else campaign
                    for key, campaign in self.read.items()
                }
                kept = replace(kept, campaigns={**kept.campaigns, **read})
                self.seen.store(account_id, kept)

    def _list(
        self,
        campaigns: Campaigns,
        memory: SearchMemory,
        floor: datetime,
        most: int,
        before: datetime,
    ) -> None:
        """Read summaries down to the floor, and choose the campaigns to read."""
        while campaigns.requests < most:
            page = campaigns.summaries(link=self.link, before=before)
            self.summaries += page.summaries
            reached = bool(page.summaries) and page.summaries[-1].last_sent < floor
            if page.next_link is None or reached:
                sends = recent(self.summaries, floor)
                self.waiting = deque(to_read(sends, memory, self.names, self.clock.now()))
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
        if is_seen(summary, memory, self.names):
            return
        last_tracked = tracker.last_send(summary.campaign_id)
        earlier = memory.campaigns.get(summary.campaign_id)
        # Of a campaign that failed, perhaps only some of the activities are tracked.
        whole = earlier is None or not earlier.failures
        if whole and last_tracked is not None and last_tracked >= summary.last_sent:
            self.read[summary.campaign_id] = SeenCampaign(summary.last_sent)
            return
        seen, failure = tracker.track(summary)
        now = self.clock.now()
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

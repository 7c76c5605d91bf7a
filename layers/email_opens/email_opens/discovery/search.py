"""An account's search for sends: a few requests under a brief lease, again and again.

Between two stretches the account is left alone, so that a search delays a turn only by moments.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from email_opens.discovery.campaigns import Campaign, CampaignActivity, SeenCampaign, Summary
from email_opens.discovery.ports import Campaigns, SeenCampaigns
from email_opens.discovery.selection import (
    Names,
    first_tracked,
    floor_of,
    renewed,
    still_needed,
    to_read,
    trackable,
)
from email_opens.errors import (
    AccountBusy,
    ActivityFailed,
    EmailOpensError,
    LostRace,
    OutOfTime,
    PagingBroken,
)
from email_opens.model import Activity, State
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


@dataclass(frozen=True, slots=True)
class CampaignFailure:
    """A campaign that failed alone."""

    campaign_id: str
    error: Exception


@dataclass(slots=True)
class Found:
    """What a search did for an account."""

    account_id: str
    leased: bool = False
    campaigns: int = 0
    """The campaigns that were read."""
    tracked: list[Activity] = field(default_factory=list)
    woken: list[Activity] = field(default_factory=list)
    """Finished activities that were sent again."""
    left_out: list[str] = field(default_factory=list)
    """Campaigns that are left out by their names."""
    removed: list[str] = field(default_factory=list)
    """Campaigns that the vendor has removed, or does not know."""
    failures: list[CampaignFailure] = field(default_factory=list)
    requests: int = 0
    throttled: int = 0
    stopped: EmailOpensError | None = None
    """Why the search ended early."""


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
        on_wait: Callable[[str], None] | None = None,
    ) -> Found:
        """Track what an account has sent lately, and begin no request after `before`.

        What is not reached is left for the next search.
        """
        found = Found(account_id)
        search = _Search(discovery=self, found=found)
        while True:
            left = search.left
            found.stopped = self._stretch(search, holder, before, on_wait)
            came_on = isinstance(found.stopped, OutOfTime) and search.left != left
            if search.done or (found.stopped and not came_on):
                return found
            if self.clock.now() + PAUSE >= before:
                found.stopped = found.stopped or _out_of_time()
                return found
            self.clock.sleep(PAUSE.total_seconds())

    def _stretch(
        self,
        search: "_Search",
        holder: str,
        before: datetime,
        on_wait: Callable[[str], None] | None,
    ) -> EmailOpensError | None:
        """Work a stretch under a lease; return why it ended early."""
        found = search.found
        try:
            with self.leases.hold(
                found.account_id,
                holder=holder,
                lasts=LEASE,
                commit=COMMIT,
                wait=before - self.clock.now(),
                on_wait=on_wait,
            ) as lease:
                found.leased = True
                campaigns = self.campaigns(found.account_id, lease.budget)
                try:
                    search.work(campaigns, min(before, lease.before))
                finally:
                    found.requests += campaigns.requests
                    found.throttled += campaigns.throttled
        except AccountBusy:
            return _out_of_time()
        except EmailOpensError as error:
            if not found.leased:
                raise
            return error.with_traceback(None)
        return None


def _out_of_time() -> OutOfTime:
    return OutOfTime("No time is left for the search.")


@dataclass(slots=True, kw_only=True)
class _Search:
    """A search, over the stretches that it takes."""

    discovery: Discovery
    found: Found
    floor: datetime | None = None
    link: str | None = None
    links: set[str] = field(default_factory=set)
    summaries: list[Summary] = field(default_factory=list)
    waiting: list[Summary] | None = None
    """The campaigns to read, latest send last; None: that is not known yet."""

    @property
    def done(self) -> bool:
        return self.waiting == []

    @property
    def left(self) -> tuple[int, int | None]:
        """A value that changes whenever the search makes progress."""
        return len(self.summaries), None if self.waiting is None else len(self.waiting)

    def work(self, campaigns: Campaigns, before: datetime) -> None:
        """Work a stretch, and store which campaigns were read."""
        seen = self.discovery.seen.load(self.found.account_id)
        if self.floor is None:
            now = self.discovery.clock.now()
            self.floor = floor_of(seen, self.discovery.lookback, now)
        stretch = _Stretch(
            discovery=self.discovery,
            found=self.found,
            floor=self.floor,
            campaigns=campaigns,
            before=before,
        )
        try:
            if self.waiting is None:
                self._list(stretch, seen, self.floor)
            while self.waiting and campaigns.requests < STRETCH_REQUESTS:
                summary = self.waiting.pop()
                try:
                    stretch.read(summary)
                except OutOfTime:
                    self.waiting.append(summary)
                    raise
        finally:
            if stretch.seen:
                kept = still_needed(seen, self.floor) | stretch.seen
                self.discovery.seen.store(self.found.account_id, kept)

    def _list(self, stretch: "_Stretch", seen: dict[str, SeenCampaign], floor: datetime) -> None:
        """Read summaries down to the floor, and choose the campaigns to read."""
        while stretch.campaigns.requests < STRETCH_REQUESTS:
            page = stretch.campaigns.summaries(link=self.link, before=stretch.before)
            self.summaries += page.summaries
            reached = bool(page.summaries) and page.summaries[-1].last_sent < floor
            if page.next_link is None or reached:
                latest = {summary.campaign_id: summary for summary in reversed(self.summaries)}
                self.waiting = to_read(latest.values(), seen, floor, self.discovery.names)
                return
            if page.next_link in self.links:
                raise PagingBroken("The next links of the summaries lead in a circle.")
            self.links.add(page.next_link)
            self.link = page.next_link


@dataclass(slots=True, kw_only=True)
class _Stretch:
    """The work under one lease."""

    discovery: Discovery
    found: Found
    floor: datetime
    campaigns: Campaigns
    before: datetime
    seen: dict[str, SeenCampaign] = field(default_factory=dict)
    activities: dict[str, Activity] | None = None
    """The tracked activities by their ids, once they were read."""

    def read(self, summary: Summary) -> None:
        """Read a campaign; if it fails, the next search reads it again."""
        try:
            self.seen[summary.campaign_id] = self._read(summary)
        except (ActivityFailed, LostRace) as error:
            self._fail(summary, error)
        except EmailOpensError:
            raise
        except Exception as error:  # noqa: BLE001 - reported, and it stops no other campaign
            self._fail(summary, error)
        self.found.campaigns += 1

    def _fail(self, summary: Summary, error: Exception) -> None:
        self.found.failures.append(CampaignFailure(summary.campaign_id, error))

    def _read(self, summary: Summary) -> SeenCampaign:
        campaign = self.campaigns.campaign(summary.campaign_id, before=self.before)
        if campaign is None or campaign.removed:
            self.found.removed.append(summary.campaign_id)
        elif not self.discovery.names.take(campaign.name):
            self.found.left_out.append(summary.campaign_id)
            return SeenCampaign(summary.last_sent, campaign.name or "")
        else:
            self._track(campaign, self._sends(trackable(campaign), summary))
        return SeenCampaign(summary.last_sent)

    def _sends(
        self, activities: list[CampaignActivity], summary: Summary
    ) -> dict[str, datetime | None]:
        """Return when each activity was last sent; a single one was sent with its campaign."""
        ids = [activity.campaign_activity_id for activity in activities]
        if len(ids) == 1:
            return {ids[0]: summary.last_sent}
        return {
            activity_id: self.campaigns.last_run(activity_id, before=self.before)
            for activity_id in ids
        }

    def _track(self, campaign: Campaign, sends: dict[str, datetime | None]) -> None:
        """Track each activity that was sent lately, or that is still to be sent."""
        for campaign_activity_id, sent_at in sends.items():
            tracked = self._tracked().get(campaign_activity_id)
            if tracked is not None:
                self._renew(tracked, campaign, sent_at)
            elif sent_at is None or sent_at >= self.floor:
                self._add(campaign, campaign_activity_id, sent_at)

    def _add(self, campaign: Campaign, campaign_activity_id: str, sent_at: datetime | None) -> None:
        now = self.discovery.clock.now()
        activity = first_tracked(
            self.found.account_id, campaign, campaign_activity_id, sent_at, now
        )
        if self.discovery.tracking.add(activity):
            self.found.tracked.append(activity)

    def _renew(self, tracked: Activity, campaign: Campaign, sent_at: datetime | None) -> None:
        changed = renewed(tracked, campaign, sent_at)
        if changed == tracked:
            return
        self.discovery.tracking.save(changed)
        if (tracked.state, changed.state) == (State.FINISHED, State.ACTIVE):
            self.found.woken.append(changed)

    def _tracked(self) -> dict[str, Activity]:
        if self.activities is None:
            activities = self.discovery.tracking.activities(self.found.account_id)
            self.activities = {activity.campaign_activity_id: activity for activity in activities}
        return self.activities

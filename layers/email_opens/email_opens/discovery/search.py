"""An account's search for sends: a few requests under a brief lease, and again after a pause.

The lease is taken as a poll takes it, for it guards the pace, the budget and the tokens; and it
is held for moments only, so that a poll is delayed by no more than those.
"""

from dataclasses import dataclass, field
from datetime import datetime, timedelta

from email_opens.discovery.campaigns import Campaign, CampaignActivity, SeenCampaign, Summary
from email_opens.discovery.ports import Campaigns, SeenCampaigns
from email_opens.discovery.selection import (
    Names,
    candidates,
    first_tracked,
    floor_of,
    renewed,
    still_of_use,
    worth_a_look,
)
from email_opens.errors import ActivityFailed, EmailOpensError, LostRace, OutOfTime, PagingBroken
from email_opens.model import Activity, State
from email_opens.ports import Clock, Tracking
from email_opens.turns.visits import Visits

STRETCH_REQUESTS = 8
"""After so many, the account is let go for a pause."""
PAUSE = timedelta(seconds=2)
"""Between two stretches, or two tries to get the lease."""


@dataclass(frozen=True, slots=True)
class CampaignFailure:
    """A campaign that failed alone, or of which nobody could say what happened."""

    campaign_id: str
    error: Exception


@dataclass(slots=True)
class Found:
    """What a search did for an account."""

    account_id: str
    leased: bool = False
    campaigns: int = 0
    """How many were looked at."""
    tracked: list[Activity] = field(default_factory=list)
    woken: list[Activity] = field(default_factory=list)
    """Those that were finished, and were sent again."""
    left_out: list[str] = field(default_factory=list)
    """Campaigns that their names leave out."""
    removed: list[str] = field(default_factory=list)
    """Campaigns that the vendor has removed, or does not know."""
    failures: list[CampaignFailure] = field(default_factory=list)
    requests: int = 0
    throttled: int = 0
    stopped: EmailOpensError | None = None
    """Why the search ended early, if it did."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Discovery:
    """What a search needs of the outside."""

    visits: Visits
    tracking: Tracking
    seen: SeenCampaigns
    clock: Clock
    lookback: timedelta
    names: Names

    def search(self, account_id: str, *, holder: str, before: datetime) -> Found:
        """Track what an account has sent lately, beginning no request after `before`.

        What is not reached is left for the next search.
        """
        found = Found(account_id)
        search = _Search(discovery=self, found=found)
        while True:
            left = search.left
            visit = self.visits.visit(account_id, holder=holder, before=before, work=search.work)
            found.leased = found.leased or visit.leased
            found.requests += visit.requests
            found.throttled += visit.throttled
            found.stopped = visit.stopped
            ended = isinstance(visit.stopped, OutOfTime) and search.left != left
            if search.done or (visit.stopped and not ended):
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
    floor: datetime | None = None
    link: str | None = None
    links: set[str] = field(default_factory=set)
    summaries: list[Summary] = field(default_factory=list)
    waiting: list[Summary] | None = None
    """What is to be looked at, the latest send last; None: that is not known yet."""

    @property
    def done(self) -> bool:
        return self.waiting == []

    @property
    def left(self) -> tuple[int, int | None]:
        """What changes whenever the search comes on."""
        return len(self.summaries), None if self.waiting is None else len(self.waiting)

    def work(self, campaigns: Campaigns, before: datetime) -> None:
        """Work a stretch, and keep what was looked at."""
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
                    stretch.look(summary)
                except OutOfTime:
                    self.waiting.append(summary)
                    raise
        finally:
            if stretch.seen:
                kept = still_of_use(seen, self.floor) | stretch.seen
                self.discovery.seen.store(self.found.account_id, kept)

    def _list(self, stretch: "_Stretch", seen: dict[str, SeenCampaign], floor: datetime) -> None:
        """Read summaries down to the floor, and choose."""
        while stretch.campaigns.requests < STRETCH_REQUESTS:
            page = stretch.campaigns.summaries(link=self.link, before=stretch.before)
            self.summaries += page.summaries
            reached = bool(page.summaries) and page.summaries[-1].last_sent < floor
            if page.next_link is None or reached:
                chosen = {one.campaign_id: one for one in reversed(self.summaries)}
                self.waiting = worth_a_look(chosen.values(), seen, floor, self.discovery.names)
                return
            if page.next_link in self.links:
                raise PagingBroken("The next links of the summaries lead in a circle.")
            self.links.add(page.next_link)
            self.link = page.next_link


@dataclass(slots=True, kw_only=True)
class _Stretch:
    """What is done under one lease."""

    discovery: Discovery
    found: Found
    floor: datetime
    campaigns: Campaigns
    before: datetime
    seen: dict[str, SeenCampaign] = field(default_factory=dict)
    activities: dict[str, Activity] | None = None
    """Those that are tracked, by their ids, once somebody has asked."""

    def look(self, summary: Summary) -> None:
        """Look at a campaign; one that fails is looked at again by the next search."""
        try:
            self.seen[summary.campaign_id] = self._looked(summary)
        except (ActivityFailed, LostRace) as error:
            self._fail(summary, error)
        except EmailOpensError:
            raise
        except Exception as error:  # noqa: BLE001 - recorded, and none of the others' business
            self._fail(summary, error)
        self.found.campaigns += 1

    def _fail(self, summary: Summary, error: Exception) -> None:
        self.found.failures.append(CampaignFailure(summary.campaign_id, error))

    def _looked(self, summary: Summary) -> SeenCampaign:
        campaign = self.campaigns.campaign(summary.campaign_id, before=self.before)
        if campaign is None or campaign.removed:
            self.found.removed.append(summary.campaign_id)
        elif not self.discovery.names.take(campaign.name):
            self.found.left_out.append(summary.campaign_id)
            return SeenCampaign(summary.last_sent, campaign.name or "")
        else:
            self._track(campaign, self._sends(candidates(campaign), summary))
        return SeenCampaign(summary.last_sent)

    def _sends(
        self, activities: list[CampaignActivity], summary: Summary
    ) -> dict[str, datetime | None]:
        """Return when each activity was last sent, asking only where it is not plain."""
        ids = [one.campaign_activity_id for one in activities]
        if len(ids) == 1:
            return {ids[0]: summary.last_sent}
        return {one: self.campaigns.last_run(one, before=self.before) for one in ids}

    def _track(self, campaign: Campaign, sends: dict[str, datetime | None]) -> None:
        """Track each activity that was sent lately, or that waits for its send."""
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
            self.activities = {one.campaign_activity_id: one for one in activities}
        return self.activities

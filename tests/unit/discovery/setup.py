"""Discovery over its fakes, and short words for what its tests need."""

from dataclasses import dataclass, field
from datetime import datetime, timedelta

from email_opens.allowance.budget import Budget
from email_opens.allowance.lease import Leases
from email_opens.discovery.campaigns import Campaign, CampaignActivity
from email_opens.discovery.ports import Campaigns
from email_opens.discovery.report import Found
from email_opens.discovery.search import Search
from email_opens.discovery.selection import Names
from email_opens.model import Activity
from email_opens.turns.discovery import Discovery
from tests.fakes import FakeClock, MemoryTracking
from tests.memory_campaigns import MemoryCampaigns, MemorySeenCampaigns

LOOKBACK = timedelta(days=7)
MINUTE = timedelta(minutes=1)


@dataclass(slots=True)
class World:
    """An account, what it has sent, and a search of it."""

    clock: FakeClock = field(default_factory=FakeClock)
    tracking: MemoryTracking = field(default_factory=MemoryTracking)
    seen: MemorySeenCampaigns = field(default_factory=MemorySeenCampaigns)
    names: Names = field(default_factory=Names)
    requests_per_day: int = 10_000
    page_rows: int = 500
    campaigns: MemoryCampaigns = field(init=False)
    links: dict[str, str] = field(default_factory=dict)
    """What a next link of the summaries is instead."""
    leases: int = 0
    """How often a search has taken the lease."""

    def __post_init__(self) -> None:
        self.campaigns = MemoryCampaigns(self.clock, page_rows=self.page_rows)

    def send(self, name: str, *, ago: timedelta = MINUTE, roles: str = "primary_email") -> Campaign:
        """Send a campaign of this name, which is its id too; its activities are `name-role`."""
        activities = tuple(CampaignActivity(f"{name}-{role}", role) for role in roles.split())
        campaign = Campaign(name, name, activities=activities)
        self.campaigns.known[name] = campaign
        self.campaigns.sent[name] = self.clock.now() - ago
        return campaign

    def search(self, *, within: timedelta = MINUTE, wait: timedelta | None = None) -> Found:
        discovery = Discovery(
            leases=Leases(
                tracking=self.tracking, clock=self.clock, requests_per_day=self.requests_per_day
            ),
            clock=self.clock,
            begin=self._begin,
            campaigns=self._campaigns,
        )
        return discovery.search(
            "default", holder="search", before=self.clock.now() + within, wait=wait
        )

    def _begin(self, account_id: str) -> Search:
        return Search(
            tracking=self.tracking,
            seen=self.seen,
            clock=self.clock,
            lookback=LOOKBACK,
            names=self.names,
            found=Found(account_id),
        )

    def tracked(self) -> dict[str, Activity]:
        return {one.campaign_activity_id: one for one in self.tracking.activities("default")}

    def hold(self, *, until: datetime, holder: str = "poll") -> None:
        """Let another hold the account."""
        assert self.tracking.lease(
            "default", holder=holder, now=self.clock.now(), until=until, reserve=0, budget=1
        )

    def asked(self) -> list[str]:
        """Take what was asked for so far."""
        asked, self.campaigns.asked = self.campaigns.asked, []
        return asked

    def _campaigns(self, account_id: str, budget: Budget) -> Campaigns:
        assert account_id == "default"
        self.leases += 1
        fresh = MemoryCampaigns(self.clock, budget=budget, page_rows=self.page_rows)
        fresh.sent, fresh.known, fresh.runs = (
            self.campaigns.sent,
            self.campaigns.known,
            self.campaigns.runs,
        )
        fresh.subjects = self.campaigns.subjects
        fresh.links, fresh.seconds = self.links, self.campaigns.seconds
        fresh.troubles, fresh.asked = self.campaigns.troubles, self.campaigns.asked
        return fresh

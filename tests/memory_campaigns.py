"""In-memory fakes of the ports Campaigns and SeenCampaigns; they pass the contract suites."""

from datetime import datetime, timedelta

from email_opens.allowance.budget import Budget
from email_opens.discovery.campaigns import Campaign, SearchMemory, Summaries, Summary
from email_opens.errors import LinkExpired, OutOfTime
from tests.fakes import FakeClock


class MemoryCampaigns:
    """Campaigns that a test fills in; a link is `/v3/<offset>`."""

    def __init__(
        self, clock: FakeClock, *, budget: Budget | None = None, page_rows: int = 500
    ) -> None:
        self._clock = clock
        self._page_rows = page_rows
        self.budget = budget or Budget(1000)
        self.seconds = 0.0
        """The duration of each request."""
        self.sent: dict[str, datetime] = {}
        """The last send of each campaign, by campaign id."""
        self.known: dict[str, Campaign] = {}
        self.runs: dict[str, datetime] = {}
        """The last send of each activity, by activity id."""
        self.subjects: dict[str, str] = {}
        """The subject lines, by activity id."""
        self.schedules: dict[str, datetime] = {}
        """When each activity will be sent, by activity id."""
        self.resends: dict[str, datetime] = {}
        """When each activity will be resent, by activity id."""
        self.links: dict[str, str] = {}
        """Replacements for next links."""
        self.troubles: dict[str, Exception] = {}
        """Errors to raise, by what is requested."""
        self.requests = 0
        self.throttled = 0
        self.asked: list[str] = []
        """The requests: a campaign or activity id, `summaries`, `scheduled` or `names`."""

    def summaries(self, *, link: str | None, before: datetime) -> Summaries:
        self._request("summaries", before)
        try:
            offset = int((link or "/v3/0").removeprefix("/v3/"))
        except ValueError:
            raise LinkExpired("A next link no longer works.") from None
        latest = sorted(self.sent.items(), key=lambda item: item[1], reverse=True)
        end = offset + self._page_rows
        rows = tuple(Summary(campaign_id, at) for campaign_id, at in latest[offset:end])
        below = f"/v3/{end}"
        return Summaries(rows, self.links.get(below, below) if end < len(latest) else None)

    def campaign(self, campaign_id: str, *, before: datetime) -> Campaign | None:
        self._request(campaign_id, before)
        return self.known.get(campaign_id)

    def campaign_of(self, campaign_activity_id: str, *, before: datetime) -> str | None:
        self._request(campaign_activity_id, before)
        return next(
            (
                campaign.campaign_id
                for campaign in self.known.values()
                for activity in campaign.activities
                if activity.campaign_activity_id == campaign_activity_id
            ),
            None,
        )

    def subject(self, campaign_activity_id: str, *, before: datetime) -> str | None:
        self._request(f"subject of {campaign_activity_id}", before)
        return self.subjects.get(campaign_activity_id)

    def last_run(self, campaign_activity_id: str, *, before: datetime) -> datetime | None:
        self._request(campaign_activity_id, before)
        return self.runs.get(campaign_activity_id)

    def scheduled(self, *, before: datetime) -> list[str]:
        self._request("scheduled", before)
        return [
            campaign.campaign_id
            for campaign in self.known.values()
            if any(each.campaign_activity_id in self.schedules for each in campaign.activities)
        ]

    def scheduled_at(self, campaign_activity_id: str, *, before: datetime) -> datetime | None:
        self._request(f"schedule of {campaign_activity_id}", before)
        return self.schedules.get(campaign_activity_id)

    def resend_at(self, campaign_activity_id: str, *, before: datetime) -> datetime | None:
        self._request(f"resend of {campaign_activity_id}", before)
        return self.resends.get(campaign_activity_id)

    def names(self, *, before: datetime) -> dict[str, str]:
        self._request("names", before)
        return {
            campaign_id: campaign.name
            for campaign_id, campaign in self.known.items()
            if campaign.name
        }

    def _request(self, target: str, before: datetime) -> None:
        self.budget.ready()
        if self._clock.now() + timedelta(seconds=1) > before:
            raise OutOfTime("No time is left.")
        self.budget.take()
        self.requests += 1
        self.asked.append(target)
        self._clock.sleep(self.seconds)
        if target in self.troubles:
            raise self.troubles[target]


class MemorySeenCampaigns:
    def __init__(self, *, most: int = 10_000) -> None:
        self._most = most
        """Campaigns that are remembered."""
        self.seen: dict[str, SearchMemory] = {}

    def load(self, account_id: str) -> SearchMemory:
        return self.seen.get(account_id, SearchMemory())

    def store(self, account_id: str, memory: SearchMemory) -> None:
        self.seen[account_id] = memory.reduced(self._most)

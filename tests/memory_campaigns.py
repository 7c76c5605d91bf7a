"""In-memory fakes of the ports Campaigns and SeenCampaigns; the contract suites run over them."""

from collections.abc import Mapping
from datetime import datetime, timedelta

from email_opens.discovery.campaigns import Campaign, SeenCampaign, Summaries, Summary
from email_opens.errors import LinkExpired, OutOfTime
from email_opens.turns.budget import Budget
from tests.fakes import FakeClock


class MemoryCampaigns:
    """What a test fills in; a link is `/v3/<offset>`."""

    def __init__(
        self, clock: FakeClock, *, budget: Budget | None = None, page_rows: int = 500
    ) -> None:
        self._clock = clock
        self._page_rows = page_rows
        self.budget = budget or Budget(1000)
        self.seconds = 0.0
        """How long each answer takes."""
        self.sent: dict[str, datetime] = {}
        """When each campaign was last sent, by its id."""
        self.known: dict[str, Campaign] = {}
        self.runs: dict[str, datetime] = {}
        """When each activity was last sent, by its id."""
        self.links: dict[str, str] = {}
        """What a next link is instead."""
        self.troubles: dict[str, Exception] = {}
        """What is raised for a campaign."""
        self.requests = 0
        self.throttled = 0
        self.asked: list[str] = []
        """Which campaigns and activities were asked for; a page of summaries is `summaries`."""

    def summaries(self, *, link: str | None, before: datetime) -> Summaries:
        self._ask("summaries", before)
        try:
            offset = int((link or "/v3/0").removeprefix("/v3/"))
        except ValueError:
            raise LinkExpired("A next link no longer works.") from None
        latest = sorted(self.sent.items(), key=lambda one: one[1], reverse=True)
        end = offset + self._page_rows
        rows = tuple(Summary(campaign_id, at) for campaign_id, at in latest[offset:end])
        below = f"/v3/{end}"
        return Summaries(rows, self.links.get(below, below) if end < len(latest) else None)

    def campaign(self, campaign_id: str, *, before: datetime) -> Campaign | None:
        self._ask(campaign_id, before)
        return self.known.get(campaign_id)

    def last_run(self, campaign_activity_id: str, *, before: datetime) -> datetime | None:
        self._ask(campaign_activity_id, before)
        return self.runs.get(campaign_activity_id)

    def names(self, *, before: datetime) -> dict[str, str]:
        self._ask("names", before)
        return {key: one.name for key, one in self.known.items() if one.name}

    def _ask(self, what: str, before: datetime) -> None:
        self.budget.ready()
        if self._clock.now() + timedelta(seconds=1) > before:
            raise OutOfTime("No time is left.")
        self.budget.take()
        self.requests += 1
        self.asked.append(what)
        self._clock.sleep(self.seconds)
        if what in self.troubles:
            raise self.troubles[what]


class MemorySeenCampaigns:
    def __init__(self) -> None:
        self.seen: dict[str, dict[str, SeenCampaign]] = {}

    def load(self, account_id: str) -> dict[str, SeenCampaign]:
        return dict(self.seen.get(account_id, {}))

    def store(self, account_id: str, seen: Mapping[str, SeenCampaign]) -> None:
        self.seen[account_id] = dict(seen)

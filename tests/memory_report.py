"""An in-memory fake of the Report port; it passes the contract suite of the real adapter."""

from collections.abc import Sequence
from datetime import datetime, timedelta

from email_opens.allowance.budget import Budget
from email_opens.errors import ActivityGone, LinkExpired, NotCounted, OutOfTime
from email_opens.model import CounterReadings, Open, Page
from tests.fakes import FakeClock


class MemoryReport:
    """Reports by activity, newest row first; a link is `/v3/<rows>/<offset>`."""

    def __init__(self, clock: FakeClock, budget: Budget) -> None:
        self._clock = clock
        self._budget = budget
        self.campaigns: dict[str, list[str]] = {}
        """Activity ids by campaign id."""
        self.rows: dict[str, list[Open]] = {}
        self.requests = 0
        self.throttled = 0

    def read(
        self, campaign_activity_id: str, *, link: str | None, rows: int, before: datetime
    ) -> Page:
        self._request(before)
        if campaign_activity_id not in self.rows:
            raise ActivityGone("The vendor does not know this activity.")
        offset = 0
        if link is not None:
            try:
                rows, offset = (int(part) for part in link.removeprefix("/v3/").split("/"))
            except ValueError:
                raise LinkExpired("A next link no longer works.") from None
        shown = self.rows[campaign_activity_id]
        shown.sort(key=lambda row: row.created_time, reverse=True)
        end = offset + rows
        next_link = f"/v3/{rows}/{end}" if end < len(shown) else None
        return Page(link, tuple(shown[offset:end]), next_link=next_link)

    def count(self, campaign_ids: Sequence[str], *, before: datetime) -> CounterReadings:
        self._request(before)
        if not self.campaigns.keys() >= set(campaign_ids):
            raise NotCounted("The vendor does not know this campaign.")
        opens = {
            campaign_id: sum(len(self.rows[activity]) for activity in self.campaigns[campaign_id])
            for campaign_id in campaign_ids
        }
        return CounterReadings(opens, self._clock.now())

    def _request(self, before: datetime) -> None:
        self._budget.ready()
        if self._clock.now() + timedelta(seconds=1) > before:
            raise OutOfTime("No time is left.")
        self._budget.take()
        self.requests += 1

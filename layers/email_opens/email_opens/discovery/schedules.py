"""The sends that the vendor has scheduled, for each of which a search is due when it is sent.

Each reading reads them all again, so a send that was moved, unscheduled or deleted is corrected.
"""

from collections import deque
from collections.abc import Callable, Iterable
from contextlib import suppress
from datetime import datetime

from msgspec import Struct, field

from email_opens.account import ExpectedSend
from email_opens.discovery.ports import Campaigns
from email_opens.discovery.selection import trackable
from email_opens.errors import ActivityFailed
from email_opens.scheduling.searches import STRETCH_REQUESTS

MOST_CAMPAIGNS = 25
"""Scheduled campaigns that are read, at most."""

type _Read = Callable[[Campaigns, datetime], Iterable[ExpectedSend]]


class ScheduleReading(Struct, kw_only=True):
    """A reading of the schedules, over the stretches that it takes."""

    resends: Iterable[tuple[str, str]]
    """The campaigns and activities of which a resend may be scheduled."""
    requests: int = 0
    expected: list[ExpectedSend] = field(default_factory=list)
    _waiting: deque[_Read] | None = None

    @property
    def done(self) -> bool:
        return self._waiting is not None and not self._waiting

    def stop(self) -> None:
        """Read nothing more."""
        self._waiting = deque()

    def work(self, campaigns: Campaigns, before: datetime) -> None:
        """Work a stretch; raises as the methods of `Campaigns` raise."""
        sent = campaigns.requests
        try:
            if self._waiting is None:
                ids = campaigns.scheduled(before=before)[:MOST_CAMPAIGNS]
                self._waiting = deque(
                    [
                        *(_of_campaign(key) for key in ids),
                        *(_of_resend(*key) for key in self.resends),
                    ]
                )
            while self._waiting and campaigns.requests - sent < STRETCH_REQUESTS:
                # What cannot be read is found by an ordinary search.
                with suppress(ActivityFailed):
                    self.expected += self._waiting[0](campaigns, before)
                self._waiting.popleft()
        finally:
            self.requests += campaigns.requests - sent


def _of_campaign(campaign_id: str) -> _Read:
    def read(campaigns: Campaigns, before: datetime) -> list[ExpectedSend]:
        campaign = campaigns.campaign(campaign_id, before=before)
        activities = trackable(campaign) if campaign else []
        instants = [
            campaigns.scheduled_at(activity.campaign_activity_id, before=before)
            for activity in activities
        ]
        return [ExpectedSend(campaign_id, at) for at in instants if at]

    return read


def _of_resend(campaign_id: str, activity_id: str) -> _Read:
    def read(campaigns: Campaigns, before: datetime) -> list[ExpectedSend]:
        at = campaigns.resend_at(activity_id, before=before)
        return [ExpectedSend(campaign_id, at, activity_id)] if at else []

    return read

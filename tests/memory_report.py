"""The Report port in memory; it passes the same contract suite as the real adapter."""

from datetime import datetime, timedelta

from email_opens.errors import ActivityGone, LinkExpired, OutOfTime
from email_opens.model import Open, Page
from tests.fakes import FakeClock


class MemoryReport:
    """Reports by activity, newest row first; a link is `/v3/<rows>/<offset>`."""

    def __init__(self, clock: FakeClock, *, requests_left: int = 1000) -> None:
        self._clock = clock
        self._requests_left = requests_left
        self.rows: dict[str, list[Open]] = {}
        self.requests = 0
        self.throttled = 0

    def read(
        self, campaign_activity_id: str, *, link: str | None, rows: int, before: datetime
    ) -> Page:
        if self.requests >= self._requests_left:
            raise OutOfTime("No request is left.")
        if self._clock.now() + timedelta(seconds=1) > before:
            raise OutOfTime("No time is left.")
        self.requests += 1
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

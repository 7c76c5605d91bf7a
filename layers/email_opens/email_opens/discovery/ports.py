"""What discovery needs from the outside, as Protocols."""

from collections.abc import Mapping
from datetime import datetime
from typing import Protocol

from email_opens.discovery.campaigns import Campaign, SeenCampaign, Summaries


class Campaigns(Protocol):
    """What an account has sent, as the vendor knows it; pace and retries are inside.

    Whatever is asked begins nothing after `before`, and besides what is said raises:
        OutOfTime: `before` or the budget leaves no request.
        ReportUnavailable: no usable answer came.
        AccountStopped: no other question would fare better.
    """

    def summaries(self, *, link: str | None, before: datetime) -> Summaries:
        """Return the latest sends, or those at a link: the latest first.

        Raises:
            LinkExpired: `link` no longer works.
            PagingBroken: the next link leads astray.
        """

    def campaign(self, campaign_id: str, *, before: datetime) -> Campaign | None:
        """Return a campaign with its activities; None: the vendor does not know it."""

    def last_run(self, campaign_activity_id: str, *, before: datetime) -> datetime | None:
        """Return when an activity was last sent; None: it was not, or nobody knows it."""

    def names(self, *, before: datetime) -> dict[str, str]:
        """Return the names of campaigns by their ids, those of one request."""

    @property
    def requests(self) -> int:
        """How many requests were sent so far, retries and refused ones included."""

    @property
    def throttled(self) -> int:
        """How many of them were refused for their pace."""


class SeenCampaigns(Protocol):
    """Which campaigns discovery has looked at, by their ids.

    It keeps discovery from asking for the same campaigns again and again, and from tracking what
    a person has untracked. What is lost of it costs requests, and no opens.
    """

    def load(self, account_id: str) -> dict[str, SeenCampaign]: ...

    def store(self, account_id: str, seen: Mapping[str, SeenCampaign]) -> None:
        """Replace what was stored."""

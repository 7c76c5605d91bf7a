"""What discovery needs from the outside, as Protocols."""

from datetime import datetime
from typing import Protocol

from email_opens.discovery.campaigns import Campaign, SearchMemory, Summaries


class Campaigns(Protocol):
    """What an account has sent, according to the vendor; pace and retries are inside.

    No method begins a request after `before`, and each may raise, besides what it names:
        OutOfTime: `before` or the budget leaves no request.
        ReportUnavailable: no usable reply came.
        AccountStopped: no other request of the account would succeed.
    """

    def summaries(self, *, link: str | None, before: datetime) -> Summaries:
        """Return the page of sent campaigns at a link; None: the latest sends.

        Raises:
            LinkExpired: `link` no longer works.
            PagingBroken: the next link leads astray.
        """

    def campaign(self, campaign_id: str, *, before: datetime) -> Campaign | None:
        """Return a campaign with its activities; None: the vendor does not know it."""

    def campaign_of(self, campaign_activity_id: str, *, before: datetime) -> str | None:
        """Return the id of an activity's campaign; None: the vendor does not know the activity."""

    def subject(self, campaign_activity_id: str, *, before: datetime) -> str | None:
        """Return an activity's subject line; None: it has none, or the vendor does not know it."""

    def last_run(self, campaign_activity_id: str, *, before: datetime) -> datetime | None:
        """Return when an activity was last sent; None: never, or the vendor does not know it."""

    def scheduled(self, *, before: datetime) -> list[str]:
        """Return the ids of campaigns that are scheduled, as many as one request returns."""

    def scheduled_at(self, campaign_activity_id: str, *, before: datetime) -> datetime | None:
        """Return when an activity will be sent; None: it is not scheduled, or that is not known."""

    def resend_at(self, campaign_activity_id: str, *, before: datetime) -> datetime | None:
        """Return when an activity is resent to contacts who did not open it; None: it is not."""

    def names(self, *, before: datetime) -> dict[str, str]:
        """Return names by campaign id, as many as one request returns."""

    @property
    def requests(self) -> int:
        """The requests that were sent so far, retries and refused ones included."""

    @property
    def throttled(self) -> int:
        """The requests among them that were refused for their pace."""


class SeenCampaigns(Protocol):
    """The memory of the searches of each account.

    It keeps a search from reading the same campaigns again, and from tracking what a person has
    untracked. If it is lost, that costs requests, but no opens.
    """

    def load(self, account_id: str) -> SearchMemory:
        """Return what is stored; an entry that is malformed is left out.

        Raises:
            NewerItem: only a newer version understands what is stored.
        """

    def store(self, account_id: str, memory: SearchMemory) -> None:
        """Replace what is stored; campaigns that do not fit are forgotten (`reduced`)."""

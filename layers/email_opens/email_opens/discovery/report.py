"""What a search did for an account."""

from msgspec import Struct, field

from email_opens.errors import EmailOpensError
from email_opens.model import Activity


class CampaignFailure(Struct, frozen=True):
    """A campaign that failed alone."""

    campaign_id: str
    error: Exception


class Found(Struct):
    """What a search did for an account."""

    account_id: str
    leased: bool = False
    campaigns: int = 0
    """The campaigns that were read."""
    tracked: list[Activity] = field(default_factory=list)
    woken: list[Activity] = field(default_factory=list)
    """Finished activities that were sent again."""
    renewed: list[Activity] = field(default_factory=list)
    """Tracked activities whose campaigns were read again, those woken included."""
    left_out: list[str] = field(default_factory=list)
    """Campaigns that are left out by their names."""
    removed: list[str] = field(default_factory=list)
    """Campaigns that the vendor has removed, or does not know."""
    failures: list[CampaignFailure] = field(default_factory=list)
    unread: int = 0
    """Campaigns that are left for the next search."""
    forgotten: int = 0
    """Sends within the lookback for which the memory has no room; they count as seen."""
    requests: int = 0
    throttled: int = 0
    stopped: EmailOpensError | None = None
    """Why the search ended early."""

"""Campaigns as the vendor describes them, and what discovery keeps of them."""

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True)
class Summary:
    """A campaign that was sent, and when that was last."""

    campaign_id: str
    last_sent: datetime


@dataclass(frozen=True, slots=True)
class Summaries:
    """One reply of the vendor's list of sent campaigns, the latest send first."""

    summaries: tuple[Summary, ...]
    next_link: str | None = None


@dataclass(frozen=True, slots=True)
class CampaignActivity:
    """One of the e-mails of a campaign, sent or not."""

    campaign_activity_id: str
    role: str


@dataclass(frozen=True, slots=True)
class Campaign:
    """A campaign as the vendor describes it."""

    campaign_id: str
    name: str | None
    removed: bool = False
    activities: tuple[CampaignActivity, ...] = ()


@dataclass(frozen=True, slots=True)
class SeenCampaign:
    """What discovery keeps of a campaign that it has looked at."""

    last_sent: datetime
    """When it was last sent then: a later send is worth another look."""
    left_out: str | None = None
    """The name for which it was left out."""

"""Campaigns as the vendor describes them, and what discovery keeps of them."""

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True)
class Summary:
    """A campaign that was sent, and when it was last sent."""

    campaign_id: str
    last_sent: datetime


@dataclass(frozen=True, slots=True)
class Summaries:
    """A page of the vendor's list of sent campaigns, latest send first."""

    summaries: tuple[Summary, ...]
    next_link: str | None = None


@dataclass(frozen=True, slots=True)
class CampaignActivity:
    """An e-mail of a campaign, sent or not."""

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
    """A campaign that a search has read."""

    last_sent: datetime
    """When it had last been sent: after a later send it is read again."""
    left_out: str | None = None
    """The name for which it was left out."""

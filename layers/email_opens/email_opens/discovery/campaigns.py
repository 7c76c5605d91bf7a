"""Campaigns as the vendor describes them, and what discovery keeps of them."""

from collections.abc import Mapping
from datetime import datetime
from typing import Self

from msgspec import Struct, field

from email_opens.unknown import NOTHING, Stored, Unknown

type Place = tuple[datetime, str]
"""A send's place in the order of a search: its instant, and the campaign's id among ties."""


class Summary(Struct, frozen=True):
    """A campaign that was sent, and when it was last sent."""

    campaign_id: str
    last_sent: datetime

    @property
    def place(self) -> Place:
        return self.last_sent, self.campaign_id


class Summaries(Struct, frozen=True):
    """A page of the vendor's list of sent campaigns, latest send first."""

    summaries: tuple[Summary, ...]
    next_link: str | None = None


class CampaignActivity(Struct, frozen=True):
    """An e-mail of a campaign, sent or not."""

    campaign_activity_id: str
    role: str


class Campaign(Struct, frozen=True):
    """A campaign as the vendor describes it."""

    campaign_id: str
    name: str | None
    removed: bool = False
    activities: tuple[CampaignActivity, ...] = ()


class SeenCampaign(Stored, frozen=True):
    """A campaign that a search has read, or has failed to read."""

    last_sent: datetime
    """When it had last been sent; after a later send it is read again."""
    left_out: str | None = None
    """The name for which it was left out."""
    failures: int = 0
    """Attempts in a row that failed; 0: it was read."""
    retry_at: datetime | None = None
    """When a failed campaign may be read again; None: at once."""
    unknown: Unknown = NOTHING


class Forgotten(Struct, frozen=True):
    """A range of sends, both ends included, that were seen and are no longer remembered."""

    oldest: Place
    newest: Place

    def covers(self, place: Place) -> bool:
        return self.oldest <= place <= self.newest


class SearchMemory(Struct, frozen=True):
    """What searches have seen.

    Searches read the latest sends first, so no send above the oldest remembered one is unread.
    Forgotten sends therefore form one range, and the sends within it count as seen.
    """

    campaigns: Mapping[str, SeenCampaign] = field(default_factory=dict)
    """By campaign id."""
    forgotten: Forgotten | None = None

    def ranked(self) -> list[tuple[str, SeenCampaign]]:
        """Return the campaigns, first those to remember longest.

        Campaigns that failed come first, because they are still to be read.
        """

        def rank(item: tuple[str, SeenCampaign]) -> tuple[bool, Place]:
            campaign_id, seen = item
            return seen.failures > 0, (seen.last_sent, campaign_id)

        return sorted(self.campaigns.items(), key=rank, reverse=True)

    def reduced(self, number: int) -> Self:
        """Return a memory of that many campaigns; the others extend the forgotten range."""
        ranked = self.ranked()
        places = [(seen.last_sent, campaign_id) for campaign_id, seen in ranked[number:]]
        if not places:
            return self
        if self.forgotten is not None:
            places += [self.forgotten.oldest, self.forgotten.newest]
        return type(self)(dict(ranked[:number]), Forgotten(min(places), max(places)))

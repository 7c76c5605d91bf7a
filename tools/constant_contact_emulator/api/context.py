"""A request and what its account may see of the world."""

from dataclasses import dataclass

from constant_contact_emulator.access.tokens import Grant
from constant_contact_emulator.api.paging import MAX_LIMIT, Pages
from constant_contact_emulator.messages import Request
from constant_contact_emulator.world.campaigns import Activity, Campaign
from constant_contact_emulator.world.world import World


@dataclass(frozen=True, slots=True)
class RequestContext:
    """An authorized request, with the world that it reads."""

    world: World
    pages: Pages
    grant: Grant
    request: Request

    def campaigns(self) -> list[Campaign]:
        """Return the account's campaigns."""
        account_id = self.grant.account_id
        return [
            campaign
            for campaign in self.world.campaigns.values()
            if campaign.account_id == account_id
        ]

    def campaign(self, campaign_id: str) -> Campaign | None:
        """Return a campaign if it belongs to the account."""
        campaign = self.world.campaigns.get(campaign_id)
        return campaign if campaign and campaign.account_id == self.grant.account_id else None

    def activity(self, activity_id: str) -> Activity | None:
        """Return an activity if it belongs to the account."""
        activity = self.world.activities.get(activity_id)
        return activity if activity and self.campaign(activity.campaign_id) else None

    def limit(self, default: int) -> int | None:
        """Return the requested page size, or None if the vendor would refuse it."""
        text = self.request.query.get("limit")
        if text is None:
            return default
        return int(text) if text.isdecimal() and 1 <= int(text) <= MAX_LIMIT else None

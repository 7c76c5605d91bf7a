"""A request with what its answer needs: the world as the asker's account may see it."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlencode

from constant_contact_emulator import replies
from constant_contact_emulator.access.tokens import Grant
from constant_contact_emulator.api.paging import MOST_ROWS, BadLink, Pages, decoded, encoded
from constant_contact_emulator.messages import Reply, Request
from constant_contact_emulator.world.behaviour import TimeFormat, written
from constant_contact_emulator.world.world import Activity, Campaign, World

_KEPT = ("after_date", "before_date")
"""What a list's next link repeats."""


@dataclass(frozen=True, slots=True)
class Asked:
    world: World
    pages: Pages
    grant: Grant
    request: Request

    def campaigns(self) -> list[Campaign]:
        every = self.world.campaigns.values()
        return [one for one in every if one.account_id == self.grant.account_id]

    def campaign(self, campaign_id: str) -> Campaign | None:
        campaign = self.world.campaigns.get(campaign_id)
        return campaign if campaign and campaign.account_id == self.grant.account_id else None

    def activity(self, activity_id: str) -> Activity | None:
        activity = self.world.activities.get(activity_id)
        return activity if activity and self.campaign(activity.campaign_id) else None


def listed(
    asked: Asked,
    found: list[Campaign],
    describe: Callable[[Campaign], dict[str, Any]],
    name: str,
    cursor: str,
    usual: int,
) -> Reply:
    """Answer with a page of a list of campaigns; `cursor` names the next link's parameter."""
    limit, offset = limit_of(asked.request, usual), 0
    if cursor in asked.request.query:
        try:
            at = decoded(asked.request.query[cursor])
            limit, offset = int(at["limit"]), int(at["o"])
        except (BadLink, KeyError, ValueError):
            return replies.invalid(f"{cursor} is not valid")
    if limit is None:
        return replies.invalid("limit must be between 1 and 500")
    page = found[offset : offset + limit]
    reply: dict[str, Any] = {name: [describe(one) for one in page]}
    href = None
    if offset + limit < len(found):
        following = {cursor: encoded({"limit": limit, "o": offset + limit})}
        kept = {key: asked.request.query[key] for key in _KEPT if key in asked.request.query}
        href = f"{asked.request.path}?{urlencode(following | kept)}"
    asked.pages.add_links(reply, href)
    return Reply(payload=reply)


def limit_of(request: Request, usual: int) -> int | None:
    """Return how many are asked for; None: it is no number that the vendor takes."""
    text = request.query.get("limit")
    if text is None:
        return usual
    return int(text) if text.isdecimal() and 1 <= int(text) <= MOST_ROWS else None


def time_of(instant: datetime) -> str:
    return written(instant.astimezone(UTC), TimeFormat.MILLISECONDS)

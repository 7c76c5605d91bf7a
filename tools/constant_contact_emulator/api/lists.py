"""Pages of campaigns, for every path that lists them."""

from collections.abc import Callable
from typing import Any
from urllib.parse import urlencode

from constant_contact_emulator import replies
from constant_contact_emulator.api.context import RequestContext
from constant_contact_emulator.api.paging import BadLink, decode_link, encode_link
from constant_contact_emulator.messages import Reply
from constant_contact_emulator.world.campaigns import Campaign

_REPEATED = ("after_date", "before_date")
"""The parameters that a next link repeats."""


def list_campaigns(
    context: RequestContext,
    campaigns: list[Campaign],
    describe: Callable[[Campaign], dict[str, Any]],
    *,
    field: str,
    cursor: str,
    default_limit: int,
) -> Reply:
    """Return a page of campaigns in `field`; `cursor` is the parameter of its next link."""
    query = context.request.query
    limit, offset = context.limit(default_limit), 0
    if cursor in query:
        try:
            position = decode_link(query[cursor])
            limit, offset = int(position["limit"]), int(position["o"])
        except (BadLink, KeyError, ValueError):
            return replies.invalid(f"{cursor} is not valid")
    if limit is None:
        return replies.invalid("limit must be between 1 and 500")
    page = campaigns[offset : offset + limit]
    payload: dict[str, Any] = {field: [describe(campaign) for campaign in page]}
    href = None
    if offset + limit < len(campaigns):
        following = {cursor: encode_link({"limit": limit, "o": offset + limit})}
        repeated = {name: query[name] for name in _REPEATED if name in query}
        href = f"{context.request.path}?{urlencode(following | repeated)}"
    context.pages.add_links(payload, href)
    return Reply(payload=payload)

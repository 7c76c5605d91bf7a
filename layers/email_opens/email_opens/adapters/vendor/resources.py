"""What is read from the API, and the error of a reply that refuses it. Pure."""

from http import HTTPStatus
from urllib.parse import quote

from msgspec import Struct

from email_opens.adapters.vendor.replies.refusals import Access, Privileges, reason
from email_opens.adapters.vendor.replies.reply import Reply
from email_opens.errors import (
    AccountDisconnected,
    ActivityForbidden,
    ActivityGone,
    EmailOpensError,
    LinkExpired,
    ReportUnavailable,
)

_EXPIRED = frozenset({*range(300, 400), 400, 404, 410, 422})
"""The statuses that mean that a next link has expired; redirects are among them."""


class Resource(Struct, frozen=True, kw_only=True):
    """What to read from the API, and the words for it in error messages."""

    target: str
    """Path and query, beginning with `/v3/`."""
    content: str
    """What a good reply contains: `page of the report`."""
    data: str
    """What a 403 forbids reading: `the report`."""
    privilege: str
    """The privilege that the account's user needs for it."""
    most_bytes: int
    """The size of the longest reply that is accepted."""
    subject: str = "resource"
    """What a 404 says does not exist: `activity`."""
    linked: bool = False
    """Whether the target is a next link, which may have expired."""
    campaign_activity_id: str | None = None
    """The activity that fails if the resource does; None: no activity does."""

    @property
    def key(self) -> str:
        """What fails when the resource fails."""
        return self.campaign_activity_id or self.target.partition("?")[0]


def segment(identifier: str) -> str:
    """Return an id as one segment of a path."""
    return quote(identifier, safe="")


def definite_failure(reply: Reply, resource: Resource) -> EmailOpensError | None:
    """Return the error of a reply that no retry would change; None if a retry may help."""
    status, key = reply.status, reply.error_key("error_key")
    if resource.linked and status in _EXPIRED:
        return LinkExpired(f"A next link no longer works: the vendor answered {reason(reply)}.")
    if status == HTTPStatus.NOT_FOUND and key is not None:
        return ActivityGone(f"The vendor does not know this {resource.subject}{reply.traces()}.")
    # A 404 without an error key comes from a gateway in front of the API.
    passing = status in (HTTPStatus.NOT_FOUND, HTTPStatus.REQUEST_TIMEOUT)
    if HTTPStatus.MULTIPLE_CHOICES <= status < HTTPStatus.INTERNAL_SERVER_ERROR and not passing:
        return ReportUnavailable(f"The vendor answered {reason(reply)}.")
    return None


def account_refusal(
    access: Access, reply: Reply, resource: Resource, reconnect: str
) -> AccountDisconnected | None:
    """Return the error of a 401 or 403 that is about the account; None if it may not be.

    `reconnect` is the command that connects the account again.
    """
    match access:
        case Access.UNAUTHORIZED:
            return AccountDisconnected(
                f"The vendor also refused a new access token: run {reconnect}{reply.traces()}."
            )
        case Access.FORBIDDEN:
            return AccountDisconnected(
                f"The vendor forbids reading {resource.data}: give the account's user the "
                f"privilege {resource.privilege} and the application the scope campaign_data, "
                f"then run {reconnect}{reply.traces()}."
            )
    return None


def resource_refusal(found: Privileges, reply: Reply, resource: Resource) -> ActivityForbidden:
    """Return the error of a 401 or 403 that is about the resource alone, as far as is known."""
    lacks = f"; the account's user lacks the privilege {resource.privilege}"
    hint = lacks if found.names and resource.privilege not in found.names else ""
    return ActivityForbidden(
        f"The vendor refuses to return {resource.data}: it answered {reason(reply)}{hint}."
    )

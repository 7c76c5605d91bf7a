"""What a refusal is about: the reason in a reply, and what the account's user may do. Pure."""

from enum import StrEnum
from http import HTTPStatus

from msgspec import Struct

from email_opens.adapters.vendor.replies.reply import Reply, Unanswered

PRIVILEGES = "/v3/account/user/privileges"
"""Needs no scope, so it distinguishes a refused account from a refused resource."""
METRICS = "ui:campaign:metrics"
"""The privilege without which no report can be read."""

_MESSAGES = {
    message.casefold(): message
    for message in (
        "Forbidden",
        "Internal server error",
        "Limit Exceeded",
        "Missing Authentication Token",
        "Service Unavailable",
        "Too Many Requests",
        "Unauthorized",
    )
}
"""What the gateway in front of the API says; any other message may hold an address."""


class Access(StrEnum):
    """What the vendor answers about the account as a whole."""

    ALLOWED = "allowed"
    FORBIDDEN = "forbidden"
    """The account's user may not read reports."""
    UNAUTHORIZED = "unauthorized"
    """The access token is refused everywhere."""
    UNKNOWN = "unknown"
    """The vendor did not answer the question."""


class Privileges(Struct, frozen=True):
    """The answer about the account's user."""

    access: Access
    names: frozenset[str] = frozenset()

    @property
    def denies(self) -> bool:
        """Whether no report of the account can be read."""
        return self.access in (Access.FORBIDDEN, Access.UNAUTHORIZED)


def privileges(reply: Reply | Unanswered) -> Privileges:
    """Return what a reply of `PRIVILEGES` says about the account."""
    if isinstance(reply, Unanswered):
        return Privileges(Access.UNKNOWN)
    if reply.status == HTTPStatus.UNAUTHORIZED:
        return Privileges(Access.UNAUTHORIZED)
    listed = reply.json() if reply.status == HTTPStatus.OK else None
    if not isinstance(listed, list) or not all(isinstance(entry, dict) for entry in listed):
        return Privileges(Access.UNKNOWN)
    names = frozenset(
        name for entry in listed if isinstance(name := entry.get("privilege_name"), str)
    )
    if listed and not names:
        return Privileges(Access.UNKNOWN)
    return Privileges(Access.ALLOWED if METRICS in names else Access.FORBIDDEN, names)


def reason(reply: Reply) -> str:
    """Return the status of a reply and the reason in it, as the end of a sentence.

    A reason is an error key, a message of the gateway or the kind of the body: no other content.
    """
    key, message = reply.error_key("error_key"), gateway_message(reply)
    if key is not None:
        why = f" {key}"
    elif message is not None:
        why = f" “{message}”"
    elif reply.body.lstrip()[:1] == b"<":
        why = " with an HTML page"
    else:
        why = ""
    return f"{reply.status}{why}{reply.traces()}"


def gateway_message(reply: Reply) -> str | None:
    """Return the message of a gateway's reply, None if it is not one of those known."""
    content = reply.json()
    message = content.get("message") if isinstance(content, dict) else None
    return _MESSAGES.get(message.casefold()) if isinstance(message, str) else None


def spends_quota(reply: Reply) -> bool:
    """Return whether a 429 is about the day's quota, not about the pace."""
    key = reply.error_key("error_key")
    return key == "quota_exceeded" or (key is None and gateway_message(reply) == "Limit Exceeded")

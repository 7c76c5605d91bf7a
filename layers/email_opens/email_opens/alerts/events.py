"""Reading an open from a message of the queue. Pure."""

import json
import re
from datetime import datetime
from typing import Any

from email_opens.confidential import Confidential
from email_opens.events import EVENT_TYPE
from email_opens.instants import utc

_SCHEMA = re.compile(r"urn:email-opens:schema:email-opened\.v1(\.\d+)?")
"""The schemas of this major version, whose later versions only add optional fields."""
_EVENT_ID = re.compile(r"[0-9a-f]{32}")
_ID = re.compile(r"[!-~]{1,200}")
_SOURCE = re.compile(r"/constant-contact/([A-Za-z0-9._-]{1,64})/activities/.+")


class NotAnOpen(Exception):
    """A message is not an open that this version can show; the message is the reason."""


class Opened(Confidential, frozen=True, kw_only=True):
    """An open as its event describes it; what the event leaves out is None."""

    event_id: str
    account_id: str
    contact_id: str
    campaign_activity_id: str
    opened_at: datetime
    campaign_id: str | None = None
    campaign_name: str | None = None
    subject: str | None = None
    email_address: str | None = None
    first_name: str | None = None
    last_name: str | None = None
    device_type: str | None = None
    seconds_since_send: int | None = None


def read_open(body: str) -> Opened:
    """Read the event in a message's body, also if SNS has wrapped it in a notification.

    Fields that are not known are ignored, and so are optional fields of another type.

    Raises:
        NotAnOpen: the message is no event, or one of another type or major version.
    """
    event = _object(body, "The message")
    if event.get("Type") == "Notification" and isinstance(event.get("Message"), str):
        event = _object(event["Message"], "The notification's message")
    if event.get("type") != EVENT_TYPE:
        raise NotAnOpen(f"The event's type is not {EVENT_TYPE}.")
    if not _SCHEMA.fullmatch(_text(event, "dataschema") or ""):
        raise NotAnOpen(
            "The event's dataschema is not version 1, the only one that this version shows: "
            "upgrade email-opens, and send the message again."
        )
    data = event.get("data")
    source = _SOURCE.fullmatch(_text(event, "source") or "")
    if not isinstance(data, dict) or not source:
        raise NotAnOpen("The event has no valid data or source.")
    return Opened(
        event_id=_matching(event, "id", _EVENT_ID),
        account_id=source[1],
        contact_id=_matching(data, "contact_id", _ID),
        campaign_activity_id=_matching(data, "campaign_activity_id", _ID),
        opened_at=_instant(data),
        campaign_id=_text(data, "campaign_id"),
        campaign_name=_text(data, "campaign_name"),
        subject=_text(data, "subject"),
        email_address=_text(data, "email_address"),
        first_name=_text(data, "first_name"),
        last_name=_text(data, "last_name"),
        device_type=_text(data, "device_type"),
        seconds_since_send=_seconds(data),
    )


def _object(text: str, subject: str) -> dict[str, Any]:
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        value = None
    if not isinstance(value, dict):
        raise NotAnOpen(f"{subject} is not a JSON object.")
    return value


def _text(values: dict[str, Any], name: str) -> str | None:
    value = values.get(name)
    return value if isinstance(value, str) and value.strip() else None


def _matching(values: dict[str, Any], name: str, pattern: re.Pattern[str]) -> str:
    value = _text(values, name) or ""
    if not pattern.fullmatch(value):
        raise NotAnOpen(f"The event has no valid {name}.")
    return value


def _instant(data: dict[str, Any]) -> datetime:
    try:
        return utc(_text(data, "created_time") or "")
    except ValueError:
        raise NotAnOpen("The event has no valid created_time.") from None


def _seconds(data: dict[str, Any]) -> int | None:
    value = data.get("seconds_since_send")
    return value if type(value) is int and 0 <= value < 10**10 else None

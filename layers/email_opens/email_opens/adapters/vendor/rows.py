"""Decoding a page of the report, from bytes to opens. Pure.

The standard library's JSON decoder is fast enough and adds nothing to a cold start
(docs/decisions/0001-rows-by-the-standard-library.md). Each row is checked separately: a row that
is not an open is rejected, and the other rows of its page are kept.
"""

import json
from dataclasses import dataclass
from datetime import UTC, datetime

from email_opens.adapters.vendor.links import next_href
from email_opens.instants import utc
from email_opens.model import Open, RejectedRow

MOST_ROW_CHARACTERS = 8192
"""Kept of a rejected row; its JSON is ASCII, so these are bytes too."""

_KIND = "em_opens"
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Rows:
    """The content of a page; `next_href` is unchanged, and None on the last page."""

    opens: tuple[Open, ...]
    rejected: tuple[RejectedRow, ...]
    next_href: str | None


class _Malformed(ValueError):
    """What is wrong with a reply, as the end of a sentence without its content."""


class _NotAnOpen(ValueError):
    """What is wrong with a row, as a sentence without its content."""


def decode(body: bytes, campaign_activity_id: str) -> Rows:
    """Decode one page of an activity's report.

    Raises:
        ValueError: the body is not a page of a report; the message holds nothing of its content.
    """
    try:
        reply = json.loads(body)
        return _rows(reply, campaign_activity_id)
    except _Malformed:
        raise
    except (ValueError, RecursionError):
        fault = "the reply is not JSON"
    # Raised outside the handler, so that no chained cause carries the body into a log.
    raise _Malformed(fault)


def _rows(reply: object, campaign_activity_id: str) -> Rows:
    if not isinstance(reply, dict):
        raise _Malformed("the reply is not an object")
    rows = reply.get("tracking_activities")
    if not isinstance(rows, list):
        raise _Malformed("the reply has no list of tracking_activities")
    opens: list[Open] = []
    rejected: list[RejectedRow] = []
    for row in rows:
        try:
            opens.append(_open(row, campaign_activity_id))
        except _NotAnOpen as fault:
            # Sorted, so that a row has the same text whatever the order of its fields.
            text = json.dumps(row, separators=(",", ":"), sort_keys=True)
            rejected.append(RejectedRow(text[:MOST_ROW_CHARACTERS], str(fault)))
    try:
        href = next_href(reply)
    except ValueError as fault:
        # Taking such a page for the last one would lose the rows below it.
        raise _Malformed(str(fault)) from None
    return Rows(tuple(opens), tuple(rejected), href)


def _open(row: object, campaign_activity_id: str) -> Open:
    if not isinstance(row, dict):
        raise _NotAnOpen("The row is not an object.")
    contact_id = row.get("contact_id")
    email_address = row.get("email_address")
    created_time = row.get("created_time")
    device_type = row.get("device_type")
    if not (isinstance(contact_id, str) and contact_id):
        raise _NotAnOpen("The row's contact_id is missing or not text.")
    if not (isinstance(email_address, str) and email_address):
        raise _NotAnOpen("The row's email_address is missing or not text.")
    if not isinstance(created_time, str):
        raise _NotAnOpen("The row's created_time is missing or not text.")
    if not isinstance(device_type, str):
        device_type = None
    activity_id = row.get("campaign_activity_id") or campaign_activity_id
    # Never convert it to text: for a deeply nested list that takes the square of its depth.
    if not isinstance(activity_id, str) or activity_id.lower() != campaign_activity_id:
        raise _NotAnOpen("The row belongs to another activity.")
    if (row.get("tracking_activity_type") or _KIND) != _KIND:
        raise _NotAnOpen("The row's tracking_activity_type is not em_opens.")
    instant = _instant(created_time)
    if not (contact_id.isascii() and email_address.isascii()) or (
        device_type and not device_type.isascii()
    ):
        _reject_lone_surrogates(f"{contact_id}{email_address}{device_type}")
    return Open(campaign_activity_id, contact_id, instant, device_type or None, email_address)


def _instant(created_time: str) -> datetime:
    try:
        instant = utc(created_time)
    except ValueError:
        raise _NotAnOpen(
            "The row's created_time is not an instant with an offset from UTC."
        ) from None
    if instant < _EPOCH:
        raise _NotAnOpen("The row's created_time is before 1970.")
    return instant


def _reject_lone_surrogates(text: str) -> None:
    r"""Reject what JSON may contain (`"\ud800"`) and UTF-8, the form of every message, may not."""
    try:
        text.encode()
    except UnicodeEncodeError:
        raise _NotAnOpen("The row contains a lone surrogate, which UTF-8 cannot encode.") from None

"""One reply of the report, from bytes to opens. Pure.

The standard library's JSON reader is fast enough and adds nothing to a cold start
(docs/decisions/0001-rows-by-the-standard-library.md). Rows are judged one by one: a row that is
no open is set aside, and the others of its page go on.
"""

import json
from dataclasses import dataclass
from datetime import UTC, datetime

from email_opens.adapters.vendor.links import next_href
from email_opens.instants import utc
from email_opens.model import Open, RejectedRow

MOST_ROW_CHARACTERS = 8192
"""Of a rejected row; it is kept as ASCII, so these are bytes too."""

_KIND = "em_opens"
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Rows:
    """What a reply says; `next_href` is as it came, None on the last page."""

    opens: tuple[Open, ...]
    rejected: tuple[RejectedRow, ...]
    next_href: str | None


class _Malformed(ValueError):
    """A reply's fault, as the end of a sentence without its content."""


class _NoOpen(ValueError):
    """A row's fault, as a sentence without its content."""


def decode(body: bytes, campaign_activity_id: str) -> Rows:
    """Read one reply of an activity's report.

    Raises:
        ValueError: it is no page of a report; the message has nothing of its content.
    """
    try:
        reply = json.loads(body)
        return _rows(reply, campaign_activity_id)
    except _Malformed:
        raise
    except (ValueError, RecursionError):
        fault = "it is no JSON"
    # Outside of the handler, so that no cause carries the body into a log.
    raise _Malformed(fault)


def _rows(reply: object, campaign_activity_id: str) -> Rows:
    if not isinstance(reply, dict):
        raise _Malformed("it is no object")
    found = reply.get("tracking_activities")
    if not isinstance(found, list):
        raise _Malformed("it has no list of tracking_activities")
    opens: list[Open] = []
    rejected: list[RejectedRow] = []
    for row in found:
        try:
            opens.append(_open(row, campaign_activity_id))
        except _NoOpen as fault:
            # Sorted, so that the same row is known again whatever the order of its fields.
            text = json.dumps(row, separators=(",", ":"), sort_keys=True)
            rejected.append(RejectedRow(text[:MOST_ROW_CHARACTERS], str(fault)))
    try:
        href = next_href(reply)
    except ValueError as fault:
        # A link in an unknown form is no last page: below it rows would be lost.
        raise _Malformed(str(fault)) from None
    return Rows(tuple(opens), tuple(rejected), href)


def _open(row: object, campaign_activity_id: str) -> Open:
    if not isinstance(row, dict):
        raise _NoOpen("The row is no object.")
    contact_id = row.get("contact_id")
    email_address = row.get("email_address")
    created_time = row.get("created_time")
    device_type = row.get("device_type")
    if not (isinstance(contact_id, str) and contact_id):
        raise _NoOpen("The row's contact_id is missing or no text.")
    if not (isinstance(email_address, str) and email_address):
        raise _NoOpen("The row's email_address is missing or no text.")
    if not isinstance(created_time, str):
        raise _NoOpen("The row's created_time is missing or no text.")
    if not isinstance(device_type, str):
        device_type = None
    of = row.get("campaign_activity_id") or campaign_activity_id
    # Of what is no text, no text is made: that of a deep list takes the square of its depth.
    if not isinstance(of, str) or of.lower() != campaign_activity_id:
        raise _NoOpen("The row belongs to another activity.")
    if (row.get("tracking_activity_type") or _KIND) != _KIND:
        raise _NoOpen("The row's tracking_activity_type is not em_opens.")
    instant = _instant(created_time)
    if not (contact_id.isascii() and email_address.isascii()) or (
        device_type and not device_type.isascii()
    ):
        _refuse_half_characters(f"{contact_id}{email_address}{device_type}")
    return Open(campaign_activity_id, contact_id, instant, device_type or None, email_address)


def _instant(created_time: str) -> datetime:
    try:
        instant = utc(created_time)
    except ValueError:
        raise _NoOpen("The row's created_time is no instant with an offset from UTC.") from None
    if instant < _EPOCH:
        raise _NoOpen("The row's created_time is before 1970.")
    return instant


def _refuse_half_characters(text: str) -> None:
    r"""Refuse what JSON may hold (`"\ud800"`) and UTF-8, the form of every message, may not."""
    try:
        text.encode()
    except UnicodeEncodeError:
        raise _NoOpen("The row has half a character.") from None

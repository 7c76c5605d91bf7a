"""Decoding a page of the report, from bytes to opens. Pure.

The standard library's JSON decoder is fast enough and adds nothing to a cold start
(docs/decisions/0001-rows-by-the-standard-library.md). Each row is checked separately: a row that
is not an open is rejected, and the other rows of its page are kept.
"""

import json
from datetime import datetime

from msgspec import Struct

from email_opens.adapters.vendor.replies.contacts import Contacts
from email_opens.adapters.vendor.replies.decoding import canonical, decoded
from email_opens.adapters.vendor.replies.links import next_href
from email_opens.adapters.vendor.replies.values import EARLIEST, LATEST, instant
from email_opens.instants import iso, utc
from email_opens.model import Open, RejectedRow

MOST_ROW_CHARACTERS = 8192
"""Kept of a rejected row; its JSON is ASCII, so these are bytes too."""

_KIND = "em_opens"

FULL_DETAILS = Contacts()


class Rows(Struct, frozen=True):
    """The content of a page; `next_href` is unchanged, and None on the last page."""

    opens: tuple[Open, ...]
    rejected: tuple[RejectedRow, ...]
    next_href: str | None
    astray: str | None = None
    """Why there is no next link although this may not be the last page."""


class _Malformed(ValueError):
    """What is wrong with a reply, as the end of a sentence without its content."""


class _NotAnOpen(ValueError):
    """What is wrong with a row, as a sentence without its content."""


def decode(body: bytes, campaign_activity_id: str, contacts: Contacts = FULL_DETAILS) -> Rows:
    """Decode one page of an activity's report, keeping of contacts what is allowed.

    Raises:
        ValueError: the body is not a page of a report; the message holds nothing of its content.
    """
    reply = decoded(body)
    if not isinstance(reply, dict):
        raise _Malformed("the reply is not an object")
    rows = reply.get("tracking_activities", "missing")
    if not isinstance(rows, list | None):
        raise _Malformed("the reply has no list of tracking_activities")
    opens: list[Open] = []
    instants: dict[str, datetime] = {}
    rejected: list[RejectedRow] = []
    for row in rows or ():
        try:
            opens.append(_open(row, campaign_activity_id, contacts, instants))
        except _NotAnOpen as fault:
            text = canonical(row)
            kept = contacts.row(row, text)[:MOST_ROW_CHARACTERS]
            rejected.append(RejectedRow(kept, str(fault), _identity(row, text)))
    href, astray = None, None
    try:
        href = next_href(reply)
    except ValueError:
        # Taking such a page for the last one would lose the rows below it.
        astray = "A next link of the report has an unknown form."
    return Rows(tuple(opens), tuple(rejected), href, astray)


def _identity(row: object, text: str) -> str:
    """Return what identifies a rejected row, whatever its other fields contain.

    Without a contact or a created_time, that is its whole text.
    """
    if not isinstance(row, dict):
        return text
    contact_id, created_time = row.get("contact_id"), row.get("created_time")
    if not all(isinstance(value, str) and value for value in (contact_id, created_time)):
        return text
    names = ("device_type", "campaign_activity_id", "tracking_activity_type")
    others = [value if isinstance(value, str) else None for value in map(row.get, names)]
    created = instant(created_time)
    return json.dumps([contact_id, iso(created) if created else created_time, *others])


def _open(
    row: object, campaign_activity_id: str, contacts: Contacts, instants: dict[str, datetime]
) -> Open:
    """Return a row as an open; `instants` keeps the page's instants, since many rows share one."""
    if not isinstance(row, dict):
        raise _NotAnOpen("The row is not an object.")
    contact_id = row.get("contact_id")
    email_address = row.get("email_address")
    created_time = row.get("created_time")
    device_type = row.get("device_type")
    if not (isinstance(contact_id, str) and contact_id):
        raise _NotAnOpen("The row's contact_id is missing or not text.")
    if not isinstance(email_address, str) and email_address is not None:
        raise _NotAnOpen("The row's email_address is not text.")
    if not isinstance(created_time, str):
        raise _NotAnOpen("The row's created_time is missing or not text.")
    if not isinstance(device_type, str):
        device_type = None
    activity_id = row.get("campaign_activity_id") or campaign_activity_id
    # Never convert it to text: for a deeply nested list that takes the square of its depth.
    if activity_id != campaign_activity_id and not (
        isinstance(activity_id, str) and activity_id.lower() == campaign_activity_id
    ):
        raise _NotAnOpen("The row belongs to another activity.")
    if (row.get("tracking_activity_type") or _KIND) != _KIND:
        raise _NotAnOpen("The row's tracking_activity_type is not em_opens.")
    created = instants.get(created_time)
    if created is None:
        created = instants[created_time] = _created(created_time)
    email_address, device_type = email_address or None, device_type or None
    if not (
        contact_id.isascii()
        and (email_address is None or email_address.isascii())
        and (device_type is None or device_type.isascii())
    ):
        _reject_what_utf_8_cannot_encode(f"{contact_id}{email_address}{device_type}")
    person = contacts.person(row, email_address)
    return Open(campaign_activity_id, contact_id, created, device_type, *person)


def _created(created_time: str) -> datetime:
    try:
        created = utc(created_time)
    except ValueError:
        raise _NotAnOpen(
            "The row's created_time is not an instant with an offset from UTC."
        ) from None
    if not EARLIEST <= created <= LATEST:
        raise _NotAnOpen(
            f"The row's created_time is not between {EARLIEST.year} and {LATEST.year}."
        )
    return created


def _reject_what_utf_8_cannot_encode(text: str) -> None:
    r"""Reject a byte that was not UTF-8, and an escape such as `"\ud800"`."""
    try:
        text.encode()
    except UnicodeEncodeError:
        raise _NotAnOpen(
            "The row contains a lone surrogate, or a byte that is not UTF-8."
        ) from None

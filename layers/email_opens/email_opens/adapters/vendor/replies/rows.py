"""Decoding a page of the report, from bytes to opens. Pure.

Each row is checked separately: a row that is not an open is rejected, and the other rows of its
page are kept. A page is decoded as a whole, and again row by row if it has a fault
(docs/decisions/0001-pages-decoded-as-a-whole.md).
"""

import json
from collections.abc import Callable
from datetime import datetime
from typing import Any

import msgspec
from msgspec import MsgspecError, Struct, field

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


class _Row(Struct, gc=False):
    """The fields of a row that are read, of any type."""

    contact_id: Any = None
    created_time: Any = None
    device_type: Any = None
    email_address: Any = None
    first_name: Any = None
    last_name: Any = None
    campaign_activity_id: Any = None
    tracking_activity_type: Any = None


class _Reply(Struct):
    tracking_activities: list[_Row] | None
    links: Any = field(name="_links", default=None)


_DECODER = msgspec.json.Decoder(_Reply)


def decode(body: bytes, campaign_activity_id: str, contacts: Contacts = FULL_DETAILS) -> Rows:
    """Decode one page of an activity's report, keeping of contacts what is allowed.

    Raises:
        ValueError: the body is not a page of a report; the message holds nothing of its content.
    """
    read = _Reader(campaign_activity_id, contacts).open
    try:
        reply = _DECODER.decode(body)
        opens = tuple(map(read, reply.tracking_activities or ()))
        return Rows(opens, (), next_href(reply.links))
    except (MsgspecError, ValueError, RecursionError):
        # Most pages have no fault. One that has a fault is decoded again, row by row.
        pass
    return _decode_by_row(body, read, contacts)


def _decode_by_row(body: bytes, read: Callable[[_Row], Open], contacts: Contacts) -> Rows:
    """Decode a page that has a fault: a row that is not an open is rejected alone."""
    reply = decoded(body)
    if not isinstance(reply, dict):
        raise _Malformed("the reply is not an object")
    rows = reply.get("tracking_activities", "missing")
    if not isinstance(rows, list | None):
        raise _Malformed("the reply has no list of tracking_activities")
    opens: list[Open] = []
    rejected: list[RejectedRow] = []
    for row in rows or ():
        try:
            opens.append(read(_row(row)))
        except _NotAnOpen as fault:
            text = canonical(row)
            kept = contacts.row(row, text)[:MOST_ROW_CHARACTERS]
            rejected.append(RejectedRow(kept, str(fault), _identity(row, text)))
    href, astray = None, None
    try:
        href = next_href(reply.get("_links"))
    except ValueError:
        # Taking such a page for the last one would lose the rows below it.
        astray = "A next link of the report has an unknown form."
    return Rows(tuple(opens), tuple(rejected), href, astray)


def _row(row: object) -> _Row:
    if not isinstance(row, dict):
        raise _NotAnOpen("The row is not an object.")
    found = _Row(*map(row.get, _Row.__struct_fields__))
    for value in (found.contact_id, found.email_address, found.device_type):
        if isinstance(value, str):
            _reject_what_utf_8_cannot_encode(value)
    return found


def _reject_what_utf_8_cannot_encode(text: str) -> None:
    r"""Reject a byte that was not UTF-8, and an escape such as `"\ud800"`."""
    try:
        text.encode()
    except UnicodeEncodeError:
        raise _NotAnOpen(
            "The row contains a lone surrogate, or a byte that is not UTF-8."
        ) from None


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


class _Reader:
    """Reads the rows of one page."""

    def __init__(self, campaign_activity_id: str, contacts: Contacts) -> None:
        self._activity_id = campaign_activity_id
        self._contacts = contacts
        self._instants: dict[str, datetime] = {}
        """Those of the page, since many rows share one."""

    def open(self, row: _Row) -> Open:
        """Return a row as an open; raise `_NotAnOpen` if it is none."""
        contact_id, created_time = row.contact_id, row.created_time
        email_address, device_type = row.email_address, row.device_type
        if not (isinstance(contact_id, str) and contact_id):
            raise _NotAnOpen("The row's contact_id is missing or not text.")
        if not isinstance(email_address, str) and email_address is not None:
            raise _NotAnOpen("The row's email_address is not text.")
        if not isinstance(created_time, str):
            raise _NotAnOpen("The row's created_time is missing or not text.")
        if not isinstance(device_type, str):
            device_type = None
        activity_id = row.campaign_activity_id or self._activity_id
        # Never convert it to text: for a deeply nested list that takes the square of its depth.
        if activity_id != self._activity_id and not (
            isinstance(activity_id, str) and activity_id.lower() == self._activity_id
        ):
            raise _NotAnOpen("The row belongs to another activity.")
        if (row.tracking_activity_type or _KIND) != _KIND:
            raise _NotAnOpen("The row's tracking_activity_type is not em_opens.")
        created = self._instants.get(created_time)
        if created is None:
            created = self._instants[created_time] = _created(created_time)
        email_address, device_type = email_address or None, device_type or None
        person = self._contacts.person(email_address, row.first_name, row.last_name)
        return Open(self._activity_id, contact_id, created, device_type, *person)


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

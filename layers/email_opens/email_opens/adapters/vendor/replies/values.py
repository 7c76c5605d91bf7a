"""Values of the vendor's replies, checked against bounds when they are decoded. Pure.

A value within its bounds can be calculated with, stored, and read again.
"""

import re
from datetime import UTC, datetime, timedelta
from typing import Any

from email_opens.errors import InvalidInput
from email_opens.instants import utc
from email_opens.model import activity_id

EARLIEST = datetime(2000, 1, 1, tzinfo=UTC)
LATEST = datetime(2100, 1, 1, tzinfo=UTC)
NEVER = datetime.max.replace(tzinfo=UTC)
"""The latest instant that a text can state."""
DAY = timedelta(days=1)
"""How far ahead the vendor's clock and offsets from UTC may be."""
MOST_COUNTED = 10**12
MOST_NAME_CHARACTERS = 80
"""The vendor's own limit."""

_COUNT = re.compile(r"[0-9]{1,13}")
_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,99}")


def instant(value: object, latest: datetime = LATEST) -> datetime | None:
    """Return an instant from 2000 to `latest`, or None."""
    try:
        found = utc(value) if isinstance(value, str) else None
    except ValueError:
        return None
    return found if found is not None and EARLIEST <= found <= latest else None


def count(value: Any) -> int | None:
    """Return a whole number that is not negative, also from `"9"` or `9.0`, or None."""
    if isinstance(value, str) and _COUNT.fullmatch(value):
        value = int(value)
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    if not isinstance(value, int) or isinstance(value, bool):
        return None
    return value if 0 <= value <= MOST_COUNTED else None


def name(value: object, most_characters: int = MOST_NAME_CHARACTERS) -> str | None:
    r"""Return a name that UTF-8 can encode, unlike some that JSON allows (`"\ud800"`), or None."""
    if not isinstance(value, str):
        return None
    if not value.isascii():
        value = value.encode(errors="replace").decode()
    return value[:most_characters].strip() or None


def activity(value: object) -> str | None:
    """Return an activity's id in its canonical form, or None."""
    try:
        return activity_id(value) if isinstance(value, str) else None
    except InvalidInput:
        return None


def campaign(value: object) -> str | None:
    """Return a campaign's id, or None; a UUID in its canonical form, other text unchanged."""
    if isinstance(value, str) and _ID.fullmatch(value):
        return activity(value) or value
    return None

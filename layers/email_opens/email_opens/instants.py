"""Instants: parsing, formatting, the vendor's day, elapsed time. Every instant is aware UTC."""

from datetime import UTC, datetime, timedelta
from math import inf


def utc(text: str) -> datetime:
    """Read an ISO 8601 instant with `Z` or an offset.

    Raises:
        ValueError: the text is not an instant, or has no offset.
    """
    instant = datetime.fromisoformat(text)
    if instant.tzinfo is None:
        raise ValueError("an instant without an offset from UTC")
    try:
        return instant.astimezone(UTC)
    except OverflowError as error:
        raise ValueError("an instant outside the calendar") from error


def iso(instant: datetime) -> str:
    """Format an instant as `2026-03-02T14:07:00Z`, with fractions of a second only if any."""
    return instant.astimezone(UTC).isoformat().removesuffix("+00:00") + "Z"


def next_day(instant: datetime) -> datetime:
    """Return the next 00:00 UTC after an instant, when the vendor's quota resets."""
    midnight = instant.astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    return midnight + timedelta(days=1)


def seconds_since(instant: datetime | None, now: datetime) -> float:
    """Return the seconds since an instant; infinite for None, and if the clock has jumped back."""
    if instant is None or instant > now:
        return inf
    return (now - instant).total_seconds()

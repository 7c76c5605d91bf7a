"""Instants as text: ISO 8601, in the vendor's formats."""

from datetime import UTC, datetime, timedelta, timezone

from constant_contact_emulator.world.behaviour import TimeFormat

_EASTERN = timezone(timedelta(hours=-5))


def parse_instant(text: str) -> datetime:
    """Read an instant; without an offset it is UTC."""
    instant = datetime.fromisoformat(text)
    return instant if instant.tzinfo else instant.replace(tzinfo=UTC)


def format_instant(instant: datetime, form: TimeFormat = TimeFormat.MILLISECONDS) -> str:
    """Write an instant in one of the vendor's formats."""
    instant = instant.astimezone(UTC)
    if form is TimeFormat.MILLISECONDS:
        return instant.isoformat(timespec="milliseconds")[:-6] + "Z"
    timespec = "milliseconds" if instant.microsecond else "seconds"
    if form is TimeFormat.SECONDS:
        return instant.isoformat(timespec=timespec)[:-6] + "Z"
    return instant.astimezone(_EASTERN).isoformat(timespec=timespec)

"""Instants and durations as a person types them."""

from datetime import UTC, date, datetime, time, timedelta
from enum import StrEnum

from email_opens.errors import InvalidInput
from email_opens.instants import iso, utc


class From(StrEnum):
    """Words for the instant from which opens are published."""

    BEGINNING = "beginning"
    NOW = "now"


_UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days", "w": "weeks"}
_MOST = 100_000
_DAYS_AGO = {"today": 0, "yesterday": 1}
_DATE_LENGTH = len("2026-03-02")


def parse_duration(text: str, least: int = 1) -> timedelta:
    """Parse a duration such as `90s`, `15m`, `2h` or `1d`.

    Raises:
        InvalidInput: it is not a duration.
    """
    duration = _duration(text)
    if duration is None or duration < timedelta(seconds=least):
        raise InvalidInput(f"“{text[:20]}” is not a duration: expected one such as 90s, 15m or 2h.")
    return duration


def parse_wait(text: str) -> timedelta:
    """Parse the value of --wait; `0s` does not wait."""
    return parse_duration(text, least=0)


def parse_since(text: str, now: datetime) -> datetime | None:
    """Return the instant from which opens are published; None: from the beginning.

    Besides `beginning` and `now`, it may be a duration before now (`2h`), a day, which begins at
    00:00 UTC (`yesterday`, `2026-03-02`), or an instant with its offset from UTC.

    Raises:
        InvalidInput: it is none of these, or lies in the future.
    """
    if text == From.BEGINNING:
        return None
    if text == From.NOW:
        return now
    instant = _instant(text.strip(), now)
    if instant is None:
        raise InvalidInput(
            f"“{text[:40]}” is not an instant: expected beginning, now, yesterday, 2h, a date such "
            "as 2026-03-02, or an instant with its offset from UTC such as 2026-03-02T14:07:00Z."
        )
    if instant > now:
        it_is = iso(now.replace(microsecond=0))
        raise InvalidInput(f"{iso(instant)} lies in the future; it is {it_is}.")
    return instant


def check_since(text: str) -> None:
    """Make sure that a text is an instant, as far as this can be said without a clock.

    Raises:
        InvalidInput: it is none.
    """
    parse_since(text, datetime.max.replace(tzinfo=UTC))


def _instant(text: str, now: datetime) -> datetime | None:
    word = text.lower()
    try:
        if word in _DAYS_AGO:
            return _begin(now.astimezone(UTC).date() - timedelta(days=_DAYS_AGO[word]))
        ago = _duration(word)
        if ago is not None:
            return now - ago
        if len(text) == _DATE_LENGTH:
            return _begin(date.fromisoformat(text))
        return utc(text)
    except (ValueError, OverflowError):
        return None


def _begin(day: date) -> datetime:
    return datetime.combine(day, time(), tzinfo=UTC)


def _duration(text: str) -> timedelta | None:
    count, unit = text[:-1], text[-1:]
    whole = count.isascii() and count.isdigit() and unit in _UNITS
    if not (whole and len(count) <= len(str(_MOST)) and int(count) <= _MOST):
        return None
    return timedelta(**{_UNITS[unit]: int(count)})

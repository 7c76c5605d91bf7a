"""Attributes of records: single values under their types, read and written.

Each reader returns None if the attribute is missing, and raises `Malformed` if it cannot be read.
"""

from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, TypedDict, cast

from email_opens.instants import iso, utc


class Attribute(TypedDict, total=False):
    """A value under its type; exactly one key is set."""

    S: str
    N: str
    BOOL: bool
    L: Sequence[Any]
    M: Mapping[str, Any]


type Record = dict[str, Attribute]
type StoredRecord = Mapping[str, Attribute]

EARLIEST = datetime(1970, 1, 1, tzinfo=UTC)
_LATEST = datetime(9000, 1, 1, tzinfo=UTC)
_LEAST, _MOST = 1e-9, 1e12
"""The range of numbers that the scheduler calculates with; a rate of opens lies well within."""


class Malformed(ValueError):
    """A malformed attribute; the message ends a sentence and omits the attribute's content."""


def texts(**values: str | datetime | None) -> Record:
    """Write texts and instants; those that are None are left out."""
    return {
        name: {"S": iso(value) if isinstance(value, datetime) else value}
        for name, value in values.items()
        if value is not None
    }


def six_digits(number: float) -> str:
    """Write a number, rounded to six digits."""
    return f"{number:.6g}"


def required[T](
    record: StoredRecord, name: str, read: Callable[[StoredRecord, str], T | None]
) -> T:
    """Read an attribute that must not be missing."""
    value = read(record, name)
    if value is None:
        raise Malformed(f"its {name} is missing")
    return value


def hint[T](
    record: StoredRecord, name: str, read: Callable[[StoredRecord, str], T | None]
) -> T | None:
    """Read a hint; return None also if it is malformed."""
    try:
        return read(record, name)
    except Malformed:
        return None


def boolean(record: StoredRecord, name: str) -> bool | None:
    value: bool | None = typed_value(record, name, "BOOL", "a boolean")
    return value


def text(record: StoredRecord, name: str) -> str | None:
    value: str | None = typed_value(record, name, "S", "text")
    return value


def whole_number(record: StoredRecord, name: str) -> int | None:
    value = typed_value(record, name, "N", "a number")
    try:
        return None if value is None else int(value)
    except ValueError:
        raise Malformed(f"its {name} is not a whole number") from None


def real_number(record: StoredRecord, name: str) -> float | None:
    value = typed_value(record, name, "N", "a number")
    try:
        number = None if value is None else float(value)
    except ValueError:
        raise Malformed(f"its {name} is not a number") from None
    if number is not None and not 0 <= number < _MOST:
        raise Malformed(f"its {name} is out of range")
    return number


def positive_number(record: StoredRecord, name: str) -> float | None:
    number = real_number(record, name)
    if number is not None and number < _LEAST:
        raise Malformed(f"its {name} is out of range")
    return number


def instant(record: StoredRecord, name: str) -> datetime | None:
    value = text(record, name)
    try:
        return None if value is None else utc(value)
    except ValueError:
        raise Malformed(f"its {name} is not an instant") from None


def bounded_instant(record: StoredRecord, name: str) -> datetime | None:
    """Read an instant that durations are added to and subtracted from."""
    value = instant(record, name)
    if value is not None and not EARLIEST <= value < _LATEST:
        raise Malformed(f"its {name} is not between {EARLIEST.year} and {_LATEST.year}")
    return value


def typed_value(record: StoredRecord, name: str, kind: str, expected: str) -> Any:
    """Return the value of an attribute, None if it is missing.

    Raises:
        Malformed: the value has another type than `kind`.
    """
    value = record.get(name)
    if value is None:
        return None
    if kind not in value:
        raise Malformed(f"its {name} is not {expected}")
    return cast("Mapping[str, Any]", value)[kind]

"""Instants as text, and the time since them."""

import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta, timezone
from math import inf

import pytest
from hypothesis import given
from hypothesis import strategies as st

from email_opens.instants import iso, next_day, seconds_since, utc

THERE = timezone(timedelta(hours=-5))


@pytest.mark.parametrize(
    "text", ["2026-03-02T14:07:00Z", "2026-03-02T14:07:00.000Z", "2026-03-02T09:07:00-05:00"]
)
def test_an_instant_is_read_in_any_of_the_vendors_forms(text: str) -> None:
    assert utc(text) == datetime(2026, 3, 2, 14, 7, tzinfo=UTC)


def test_an_instant_is_read_as_utc() -> None:
    assert utc("2026-03-02T09:07:00-05:00").tzinfo is UTC


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("2026-03-02T14:07:00", "^an instant without an offset from UTC$"),
        ("0001-01-01T00:00:00+14:00", "^an instant outside the calendar$"),
        ("yesterday", "Invalid isoformat"),
    ],
)
def test_other_text_is_refused(text: str, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        utc(text)


@given(st.datetimes(timezones=st.just(UTC)))
def test_a_written_instant_is_read_unchanged(instant: datetime) -> None:
    assert utc(iso(instant)) == instant


@pytest.fixture
def local_time_zone() -> Iterator[None]:
    """Set the local time zone to one other than UTC."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("TZ", "EST5")
        time.tzset()
        yield
    time.tzset()


@pytest.mark.usefixtures("local_time_zone")
@pytest.mark.parametrize(
    ("instant", "text"),
    [
        (datetime(2026, 3, 2, 14, 7, tzinfo=UTC), "2026-03-02T14:07:00Z"),
        (datetime(2026, 3, 2, 14, 7, 0, 5000, tzinfo=UTC), "2026-03-02T14:07:00.005000Z"),
        (datetime(2026, 3, 2, 9, 7, tzinfo=THERE), "2026-03-02T14:07:00Z"),
    ],
)
def test_an_instant_is_written_in_utc(instant: datetime, text: str) -> None:
    assert iso(instant) == text


@pytest.mark.usefixtures("local_time_zone")
@pytest.mark.parametrize(
    "instant",
    [
        datetime(2026, 3, 2, tzinfo=UTC),
        datetime(2026, 3, 2, 23, 59, 59, 999_999, tzinfo=UTC),
        datetime(2026, 3, 1, 19, 0, tzinfo=THERE),
    ],
)
def test_the_next_day_begins_at_midnight_utc(instant: datetime) -> None:
    assert next_day(instant) == datetime(2026, 3, 3, tzinfo=UTC)


def test_the_time_since_an_instant_that_is_unknown_or_to_come_is_infinite() -> None:
    now = utc("2026-03-02T12:00:00Z")
    assert seconds_since(now - timedelta(minutes=1), now) == 60.0
    assert seconds_since(None, now) == inf
    assert seconds_since(now + timedelta(seconds=1), now) == inf

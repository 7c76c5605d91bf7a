"""Instants, ids and tokens as text."""

import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from email_opens.errors import InvalidInput
from email_opens.instants import iso, next_day, utc
from email_opens.model import Tokens, account_id, activity_id

THERE = timezone(timedelta(hours=-5))


@pytest.mark.parametrize(
    "text", ["2026-03-02T14:07:00Z", "2026-03-02T14:07:00.000Z", "2026-03-02T09:07:00-05:00"]
)
def test_an_instant_is_read_in_any_of_the_vendors_forms(text: str) -> None:
    assert utc(text) == datetime(2026, 3, 2, 14, 7, tzinfo=UTC)


def test_an_instant_is_kept_in_utc() -> None:
    assert utc("2026-03-02T09:07:00-05:00").tzinfo is UTC


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("2026-03-02T14:07:00", "^an instant without an offset from UTC$"),
        ("0001-01-01T00:00:00+14:00", "^an instant outside the calendar$"),
        ("yesterday", "Invalid isoformat"),
    ],
)
def test_what_is_no_instant_is_refused(text: str, why: str) -> None:
    with pytest.raises(ValueError, match=why):
        utc(text)


@given(st.datetimes(timezones=st.just(UTC)))
def test_an_instant_that_is_written_is_read_again(instant: datetime) -> None:
    assert utc(iso(instant)) == instant


@pytest.fixture
def elsewhere() -> Iterator[None]:
    """Let this machine's zone be another than UTC."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("TZ", "EST5")
        time.tzset()
        yield
    time.tzset()


@pytest.mark.usefixtures("elsewhere")
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


@pytest.mark.usefixtures("elsewhere")
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


def test_an_activity_id_gets_its_canonical_form() -> None:
    typed = "5B1E0A52-0000-4000-8000-0000000000AA"
    assert activity_id(typed) == "5b1e0a52-0000-4000-8000-0000000000aa"


@pytest.mark.parametrize(
    "typed", ["x", "5b1e0a520000400080000000000000aa", "{5b1e0a52-0000-4000-8000-0000000000aa}"]
)
def test_what_is_no_activity_id_is_refused(typed: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        activity_id(typed)
    assert str(refused.value) == (
        f"“{typed}” is no campaign activity id: expected a UUID such as "
        "5b1e0a52-0000-4000-8000-0000000000aa, as in the vendor's campaign_activities."
    )


def test_a_long_wrong_id_is_told_in_part() -> None:
    with pytest.raises(InvalidInput, match=f"^“{'x' * 60}” is no"):
        activity_id("x" * 61)


@pytest.mark.parametrize("named", ["default", "Shop-2.eu_west", "a" * 64])
def test_an_account_has_any_short_plain_name(named: str) -> None:
    assert account_id(named) == named


@pytest.mark.parametrize("typed", ["", " ", "a b", "a/b", "a#b", "ä", "a\n", "a" * 65])
def test_what_is_no_account_is_refused(typed: str) -> None:
    with pytest.raises(InvalidInput, match=r"^That is no account's name: expected 1 to 64 "):
        account_id(typed)


def test_tokens_say_nothing_of_themselves() -> None:
    tokens = Tokens(client_id="id", refresh_token="secret", access_token="secret")
    assert repr(tokens) == "Tokens(…)"


@pytest.mark.parametrize("typed", ["", "  "])
def test_blanks_are_no_activity_id(typed: str) -> None:
    with pytest.raises(InvalidInput):
        activity_id(typed)


def test_blanks_around_an_activity_id_are_passed_over() -> None:
    canonical = "5b1e0a52-0000-4000-8000-0000000000aa"
    assert activity_id(f" {canonical}\n") == canonical

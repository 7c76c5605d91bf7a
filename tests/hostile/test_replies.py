"""Error replies of the vendor: their error keys, tracking ids and requested waits."""

import json
from datetime import UTC, datetime
from email.utils import format_datetime

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from email_opens.adapters.vendor.replies.reply import Reply
from tests.contract.samples import NOON
from tests.hostile.operations import growth
from tests.hostile.values import (
    ADDRESS,
    MEGABYTE,
    SECRET,
    bodies,
    instants_as_text,
    json_values,
    texts,
)

errors = st.fixed_dictionaries({}, optional={"error_key": texts | json_values, "error": texts})
replies = bodies(errors | st.lists(errors | json_values) | json_values)
headers = st.text(st.characters(codec="latin-1"))  # The encoding of HTTP headers.
dates = st.datetimes(datetime(1900, 1, 1), timezones=st.just(UTC)).map(  # noqa: DTZ001 - Hypothesis adds the zone
    lambda instant: instant.replace(microsecond=0)
)


def reply(body: bytes = b"", **headers: str) -> Reply:
    return Reply(400, {name.replace("_", "-"): text for name, text in headers.items()}, body)


@given(replies)
def test_an_error_key_is_one_short_name_or_none(body: bytes) -> None:
    error_key = reply(body).error_key("error_key", "error")
    assert error_key is None or (error_key.isascii() and len(error_key) <= 80)


@pytest.mark.parametrize("secret", [ADDRESS, SECRET, f"not_found\n{ADDRESS}", "x" * 81])
def test_a_secret_is_not_taken_for_an_error_key(secret: str) -> None:
    assert reply(json.dumps([{"error_key": secret}]).encode()).error_key("error_key") is None


@given(replies, headers)
def test_the_repr_of_a_reply_contains_neither_its_body_nor_its_headers(
    body: bytes, header: str
) -> None:
    assert repr(reply(body, retry_after=header)) == "Reply(…)"


@given(headers | instants_as_text | dates.map(format_datetime))
@example("Fri, 31 Dec 9999 23:59:59 -2359")
@example("Mon, 01 Jan 0001 00:00:00 +2359")
@example("Mon, 01 Jan 2026 00:00:00 +9999999999")
@example("9" * MEGABYTE)
@example("١٢")
@example("-5")
def test_a_wait_is_a_number_of_seconds_and_never_negative(header: str) -> None:
    seconds = reply(retry_after=header).retry_after_seconds(NOON)
    assert seconds is None or 0 <= seconds < float("inf")


@given(dates)
def test_a_wait_until_a_date_ends_at_that_date(until: datetime) -> None:
    header = format_datetime(until, usegmt=True)
    assert reply(retry_after=header).retry_after_seconds(NOON) == max(
        0, (until - NOON).total_seconds()
    )


@given(headers)
def test_the_vendors_tracking_ids_are_shown_only_if_they_look_like_ids(header: str) -> None:
    shown = reply(x_eig_tracking_id=header).traces()
    assert "@" not in shown
    assert len(shown) <= 120
    assert "\n" not in shown


def test_an_address_is_not_taken_for_a_tracking_id() -> None:
    assert reply(x_eig_tracking_id=ADDRESS).traces() == ""


def test_the_work_grows_with_the_errors_of_a_reply() -> None:
    smaller, larger = (
        reply(json.dumps([{"message": "x"}] * count).encode()) for count in (50, 200)
    )
    assert growth(lambda read: read.error_key("error_key", "error"), smaller, larger) <= 4


@pytest.mark.parametrize("filler", ["9", " ", ",", ":", "Mon ", "-", "(", "\\"])
def test_the_work_of_reading_a_wait_does_not_grow_faster_than_its_header(filler: str) -> None:
    smaller, larger = (reply(retry_after="Mon, " + filler * count) for count in (1_000, 4_000))
    assert growth(lambda read: read.retry_after_seconds(NOON), smaller, larger) <= 4

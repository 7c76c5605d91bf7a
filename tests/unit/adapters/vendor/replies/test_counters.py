"""Decoding the vendor's counters: each is judged alone."""

import json
from datetime import UTC, datetime
from typing import Any

import pytest

from email_opens.adapters.vendor.replies.counters import decode_activity_counter, decode_counters
from email_opens.model import CounterReadings

RESULT = {
    "campaign_id": "first",
    "stats": {"em_opens_all": 3, "em_opens": 2},
    "last_refresh_time": "2026-03-02T14:00:00.000Z",
}
UNTIL = datetime(2026, 3, 3, 14, 0, tzinfo=UTC)
UNUSABLE_COUNTS: tuple[Any, ...] = (
    None,
    "",
    "many",
    "-1",
    3.5,
    -1,
    True,
    [],
    10**12 + 1,
    1e300,
    "9" * 5000,
)


def reply(*results: Any, errors: Any = ()) -> bytes:
    return json.dumps({"results": list(results), "errors": list(errors)}).encode()


def read(body: bytes) -> CounterReadings:
    return decode_counters(body, UNTIL)


def with_count(count: object) -> dict[str, Any]:
    return RESULT | {"stats": {"em_opens_all": count}}


OTHER = with_count(0) | {"campaign_id": "second"}


def test_every_open_of_each_campaign_is_counted() -> None:
    assert read(reply(RESULT, OTHER)).opens == {"first": 3, "second": 0}


@pytest.mark.parametrize("count", ["3", 3.0])
def test_a_count_may_be_text_or_have_a_fraction_of_zero(count: object) -> None:
    assert read(reply(with_count(count))).opens == {"first": 3}


@pytest.mark.parametrize("count", UNUSABLE_COUNTS)
def test_a_campaign_with_an_unusable_count_has_no_counter_and_the_others_have_theirs(
    count: object,
) -> None:
    readings = read(reply(with_count(count), OTHER))
    assert (readings.opens, readings.missing) == ({"second": 0}, frozenset({"first"}))


@pytest.mark.parametrize("count", [b"9" * 4301, b"NaN", b"1e999", b"[" * 20_000 + b"]" * 20_000])
def test_a_count_that_cannot_be_decoded_costs_that_campaigns_counter(count: bytes) -> None:
    body = reply(with_count("HERE"), OTHER).replace(b'"HERE"', count)
    readings = read(body)
    assert (readings.opens, readings.missing) == ({"second": 0}, frozenset({"first"}))


@pytest.mark.parametrize("result", [{}, {"stats": None}, {"stats": []}, {"stats": {}}])
def test_a_campaign_without_a_count_has_no_counter(result: dict[str, Any]) -> None:
    readings = read(reply({"campaign_id": "first"} | result, OTHER))
    assert (readings.opens, readings.missing) == ({"second": 0}, frozenset({"first"}))


@pytest.mark.parametrize("result", ["ann@example.org", None, {"campaign_id": 1}, {}])
def test_a_result_that_names_no_campaign_is_left_out(result: Any) -> None:
    assert read(reply(result, OTHER)).opens == {"second": 0}


def test_campaigns_that_the_errors_name_have_no_counter() -> None:
    errors = [{"campaign_id": name, "error_key": "not_found"} for name in ("first", "third")]
    readings = read(reply(OTHER, errors=errors))
    assert (readings.opens, readings.missing) == ({"second": 0}, frozenset({"first", "third"}))


@pytest.mark.parametrize("results", [[], None])
def test_a_reply_of_nothing_but_errors_counts_no_campaign(results: Any) -> None:
    body = json.dumps({"results": results, "errors": [{"campaign_id": "first"}, None, {}]})
    assert read(body.encode()) == CounterReadings(missing=frozenset({"first"}))


def test_readings_are_as_old_as_the_oldest_refresh() -> None:
    older = OTHER | {"last_refresh_time": "2026-03-02T08:30:00-05:00"}
    expected = datetime(2026, 3, 2, 13, 30, tzinfo=UTC)
    assert read(reply(RESULT, older)).refreshed_at == expected
    assert read(reply(older, RESULT)).refreshed_at == expected


@pytest.mark.parametrize(
    "text",
    [
        None,
        "",
        "soon",
        5,
        "2026-03-02T14:00:00",
        "0001-01-01T00:00:00Z",
        "2026-03-03T14:00:01Z",
        "9999-12-31T23:59:59Z",
    ],
)
def test_a_refresh_that_cannot_be_is_unknown_and_costs_no_counter(text: Any) -> None:
    odd = OTHER | {"last_refresh_time": text}
    assert read(reply(odd)).refreshed_at is None
    readings = read(reply(odd, RESULT))
    assert readings.opens == {"first": 3, "second": 0}
    assert readings.refreshed_at == datetime(2026, 3, 2, 14, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("body", "fault"),
    [
        (b"", "the reply is not JSON"),
        (b"[" * 99_999, "the reply is not JSON"),
        (b"[]", "the reply names no campaign"),
        (b"{}", "the reply names no campaign"),
        (b'{"results": {}}', "the reply names no campaign"),
        (b'{"results": [], "errors": []}', "the reply names no campaign"),
        (reply("ann@example.org"), "the reply names no campaign"),
    ],
)
def test_a_reply_that_names_no_campaign_is_refused_with_its_fault(body: bytes, fault: str) -> None:
    with pytest.raises(ValueError, match=f"^{fault}$"):
        read(body)


def test_every_open_of_an_activity_is_counted() -> None:
    assert decode_activity_counter(reply(RESULT)) == 3


@pytest.mark.parametrize("unusable", [None, {}, {"stats": []}, *map(with_count, UNUSABLE_COUNTS)])
def test_an_unusable_result_is_skipped_for_the_next_one(unusable: Any) -> None:
    assert decode_activity_counter(reply(unusable, RESULT)) == 3


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"<html>",
        b"[]",
        b"[" * 99_999,
        b"{}",
        b'{"results": {}}',
        reply(),
        reply(with_count("many")),
    ],
)
def test_a_reply_without_a_usable_count_counts_nothing(body: bytes) -> None:
    assert decode_activity_counter(body) is None

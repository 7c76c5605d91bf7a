"""Decoding the vendor's counters: a reply is used whole, or refused without its content."""

import json
from datetime import UTC, datetime
from typing import Any

import pytest

from email_opens.adapters.vendor.counters import decode_activity_counter, decode_counters

RESULT = {
    "campaign_id": "first",
    "stats": {"em_opens_all": 3, "em_opens": 2},
    "last_refresh_time": "2026-03-02T14:00:00.000Z",
}
UNUSABLE_COUNTS = (None, "3", 3.5, -1, True)


def reply(*results: Any) -> bytes:
    return json.dumps({"results": list(results), "errors": []}).encode()


def with_count(count: object) -> dict[str, Any]:
    return RESULT | {"stats": {"em_opens_all": count}}


def test_every_open_of_each_campaign_is_counted() -> None:
    other = RESULT | {"campaign_id": "second", "stats": {"em_opens_all": 0}}
    assert decode_counters(reply(RESULT, other)).opens == {"first": 3, "second": 0}


def test_readings_are_as_old_as_the_oldest_refresh() -> None:
    older = RESULT | {"last_refresh_time": "2026-03-02T08:30:00-05:00"}
    expected = datetime(2026, 3, 2, 13, 30, tzinfo=UTC)
    assert decode_counters(reply(RESULT, older)).refreshed_at == expected


@pytest.mark.parametrize(
    ("body", "fault"),
    [
        (b"", "the reply is not a JSON object"),
        (b"[]", "the reply is not a JSON object"),
        (b"[" * 99_999, "the reply is not a JSON object"),
        (b'{"results": {}}', "the reply has no results"),
        (b'{"results": []}', "the reply has no results"),
        (reply("ann@example.org"), "a result is not an object"),
        (reply(RESULT | {"campaign_id": 1}), "a result has no campaign_id"),
        (reply(RESULT | {"stats": []}), "a result has no em_opens_all"),
        (reply(RESULT | {"stats": {}}), "a result has no em_opens_all"),
        *((reply(with_count(count)), "a result has no em_opens_all") for count in UNUSABLE_COUNTS),
        *(
            (reply(RESULT | {"last_refresh_time": text}), "a result has no last_refresh_time")
            for text in (None, "", "soon", 5, "2026-03-02T14:00:00")
        ),
    ],
)
def test_a_reply_without_usable_counters_is_refused_with_its_fault(body: bytes, fault: str) -> None:
    with pytest.raises(ValueError, match=f"^{fault}$"):
        decode_counters(body)


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
        reply(with_count("3")),
    ],
)
def test_a_reply_without_a_usable_count_counts_nothing(body: bytes) -> None:
    assert decode_activity_counter(body) is None

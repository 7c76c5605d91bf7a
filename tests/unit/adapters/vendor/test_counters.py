"""A reply of the vendor's counters is taken whole, or refused without its content."""

import json
from datetime import UTC, datetime
from typing import Any

import pytest

from email_opens.adapters.vendor.counters import decode_counters

RESULT = {
    "campaign_id": "one",
    "stats": {"em_opens_all": 3, "em_opens": 2},
    "last_refresh_time": "2026-03-02T14:00:00.000Z",
}


def reply(*results: Any) -> bytes:
    return json.dumps({"results": list(results), "errors": []}).encode()


def test_every_open_of_each_campaign_is_counted() -> None:
    other = RESULT | {"campaign_id": "two", "stats": {"em_opens_all": 0}}
    assert decode_counters(reply(RESULT, other)).opens == {"one": 3, "two": 0}


def test_they_count_up_to_the_oldest_refresh() -> None:
    older = RESULT | {"last_refresh_time": "2026-03-02T08:30:00-05:00"}
    expected = datetime(2026, 3, 2, 13, 30, tzinfo=UTC)
    assert decode_counters(reply(RESULT, older)).refreshed_at == expected


@pytest.mark.parametrize(
    ("body", "fault"),
    [
        (b"", "it is no JSON object"),
        (b"[]", "it is no JSON object"),
        (b"[" * 99_999, "it is no JSON object"),
        (b'{"results": {}}', "it has no results"),
        (b'{"results": []}', "it has no results"),
        (reply("ann@example.org"), "a result is no object"),
        (reply(RESULT | {"campaign_id": 1}), "a result has no campaign_id"),
        (reply(RESULT | {"stats": []}), "a result has no em_opens_all"),
        (reply(RESULT | {"stats": {}}), "a result has no em_opens_all"),
        *(
            (reply(RESULT | {"stats": {"em_opens_all": count}}), "a result has no em_opens_all")
            for count in (None, "3", 3.5, -1, True)
        ),
        *(
            (reply(RESULT | {"last_refresh_time": text}), "a result has no last_refresh_time")
            for text in (None, "", "soon", 5, "2026-03-02T14:00:00")
        ),
    ],
)
def test_what_counts_nothing_is_refused_with_its_fault(body: bytes, fault: str) -> None:
    with pytest.raises(ValueError, match=f"^{fault}$"):
        decode_counters(body)

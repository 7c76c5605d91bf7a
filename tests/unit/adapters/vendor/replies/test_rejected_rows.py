"""What a rejected row is known by: the same whenever the vendor shows the row again."""

import json
from itertools import permutations
from typing import Any

import pytest

from email_opens.adapters.vendor.replies.rows import decode
from email_opens.model import RejectedRow

ACTIVITY = "5b1e0a52-0000-4000-8000-0000000000aa"
FIELDS = {
    "contact_id": "0f6b2c1e-0000-4000-8000-000000000002",
    "campaign_activity_id": ACTIVITY,
    "created_time": None,
}


def rejected(row: Any) -> RejectedRow:
    body = json.dumps({"tracking_activities": [row]}).encode()
    (found,) = decode(body, ACTIVITY).rejected
    return found


@pytest.mark.parametrize("order", list(permutations(FIELDS)), ids=" ".join)
def test_a_row_is_known_whatever_the_order_of_its_fields(order: tuple[str, ...]) -> None:
    assert rejected({name: FIELDS[name] for name in order}) == rejected(FIELDS)


def test_a_nested_row_is_known_whatever_the_order_of_its_fields() -> None:
    one, other = {"a": 1, "b": {"c": 2, "d": 3}}, {"b": {"d": 3, "c": 2}, "a": 1}
    assert rejected(FIELDS | {"more": one}) == rejected(FIELDS | {"more": other})


def test_the_reason_of_a_row_that_utf_8_cannot_encode_is_a_sentence() -> None:
    row = FIELDS | {"created_time": "2026-03-02T14:07:00Z", "email_address": "\ud800"}
    reason = "The row contains a lone surrogate, or a byte that is not UTF-8."
    assert rejected(row).reason == reason


def test_rows_of_two_contacts_are_distinguished() -> None:
    assert rejected(FIELDS | {"contact_id": "another"}) != rejected(FIELDS)

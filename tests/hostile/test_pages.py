"""Malformed pages of the report."""

import json
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from email_opens.adapters.vendor.replies.rows import MOST_ROW_CHARACTERS, Rows, decode
from email_opens.events import bucket, event_id, row_fingerprint
from email_opens.instants import iso, utc
from email_opens.model import Page
from email_opens.walk import new_opens
from tests.contract.samples import ACTIVITY_ID
from tests.hostile.operations import calls, growth
from tests.hostile.values import (
    ADDRESS,
    DEEPEST,
    MEGABYTE,
    SECRET,
    bodies,
    instants_as_text,
    json_values,
    leaked,
    nested,
    refusal,
    texts,
)

ROW = {
    "contact_id": "ann",
    "campaign_activity_id": ACTIVITY_ID,
    "tracking_activity_type": "em_opens",
    "email_address": ADDRESS,
    "device_type": "mobile",
    "created_time": "2026-03-02T14:07:00.000Z",
}
NAMES = st.sampled_from(sorted(ROW))
rows = st.builds(
    lambda changed, dated: ROW | changed | dated,
    st.dictionaries(NAMES, texts | json_values, max_size=2),
    st.fixed_dictionaries({}, optional={"created_time": instants_as_text}),
)
pages = st.fixed_dictionaries(
    {"tracking_activities": st.lists(rows | json_values) | json_values},
    optional={"_links": json_values},
)


def page(*rows: object) -> Rows:
    return decode(json.dumps({"tracking_activities": rows}).encode(), ACTIVITY_ID)


def many(row: dict[str, Any]) -> list[bytes]:
    """Return the bodies of two pages of this row, one four times as long; no two rows are alike."""
    return [
        json.dumps(
            {"tracking_activities": [{**row, "number": number} for number in range(count)]}
        ).encode()
        for count in (100, 400)
    ]


def with_nested(name: str) -> Rows:
    """Read a page of a valid row and a row with one field that is a deeply nested list."""
    rows = [json.dumps(ROW | changed) for changed in ({}, {name: "HERE"})]
    text = '{"tracking_activities":[' + ",".join(rows).replace('"HERE"', nested(DEEPEST)) + "]}"
    return decode(text.encode(), ACTIVITY_ID)


@given(bodies(pages))
def test_a_body_is_read_as_a_page_or_refused_without_leaking_its_content(body: bytes) -> None:
    assert leaked(refusal(ValueError, lambda: decode(body, ACTIVITY_ID))) == []


@pytest.mark.parametrize("filler", [b"[", b'{"a":', b"9", b" ", b'"', b"\x00", b"\xff"])
def test_a_megabyte_of_noise_is_refused(filler: bytes) -> None:
    with pytest.raises(ValueError, match="the reply is not JSON"):
        decode(filler * MEGABYTE, ACTIVITY_ID)


@given(st.lists(rows))
@example([ROW | {"contact_id": "\ud800"}])
@example([ROW | {"device_type": "\udfff"}])
def test_every_row_that_is_read_as_an_open_can_be_published_and_recorded(
    sent: list[object],
) -> None:
    found = page(*sent)
    for row in found.opens:
        assert len(event_id(row, 1)) == 32
        assert bucket(row.created_time) >= "2000-01-01T00"
        assert f"{row.contact_id}{row.email_address}{row.device_type}".encode()


@given(st.lists(rows | json_values))
def test_a_rejected_row_is_small_and_its_reason_contains_nothing_of_it(
    sent: list[object],
) -> None:
    found = page(*sent)
    for rejected in found.rejected:
        assert len(rejected.row) <= MOST_ROW_CHARACTERS
        assert rejected.row.isascii()
        assert len(row_fingerprint(rejected.row)) == 8
        assert ADDRESS not in rejected.reason
        assert SECRET not in rejected.reason


@given(instants_as_text)
def test_the_instant_of_an_open_survives_being_written_and_read_again(created_time: str) -> None:
    for row in page(ROW | {"created_time": created_time}).opens:
        assert utc(iso(row.created_time)) == row.created_time


@pytest.mark.parametrize("name", sorted(ROW))
def test_a_deeply_nested_field_costs_no_other_row(name: str) -> None:
    found = with_nested(name)
    assert [row.contact_id for row in found.opens][:1] == ["ann"]
    assert len(found.opens) + len(found.rejected) == 2


@pytest.mark.parametrize("name", [*sorted(ROW), "first_name"])
def test_the_work_grows_with_the_depth_of_a_field_that_cannot_be_decoded(name: str) -> None:
    smaller, larger = (
        json.dumps({"tracking_activities": [ROW, ROW | {name: "HERE"}]})
        .replace('"HERE"', '{"a":' * levels + "1" + "}" * levels)
        .encode()
        for levels in (12_000, 48_000)
    )
    assert growth(lambda body: decode(body, ACTIVITY_ID), smaller, larger) <= 4


@pytest.mark.parametrize("row", ['"\\x"', "undefined", '{"a":\\x}', '{"a":[1,2,[\\x]]}'])
def test_the_work_grows_with_the_rows_that_cannot_be_decoded(row: str) -> None:
    smaller, larger = (
        f'{{"tracking_activities":[{",".join([row] * count)}]}}'.encode() for count in (100, 400)
    )
    assert len(decode(smaller, ACTIVITY_ID).rejected) == 100
    assert growth(lambda body: decode(body, ACTIVITY_ID), smaller, larger) <= 4


@pytest.mark.parametrize("noise", ['"', '\\"', '",', "[]", "{},", '{"a":', "\\", "[", "}"])
def test_the_work_grows_with_the_noise_in_a_page(noise: str) -> None:
    def attempt(body: bytes) -> None:
        refusal(ValueError, lambda: decode(body, ACTIVITY_ID))

    smaller, larger = (
        f'{{"tracking_activities":["{noise * size}]}}'.encode() for size in (10_000, 40_000)
    )
    assert growth(attempt, smaller, larger) <= 4.1


def test_a_field_at_the_limit_of_depth_is_rejected_with_its_row() -> None:
    for levels in range(DEEPEST + 950, DEEPEST + 1050):
        row = json.dumps(ROW | {"contact_id": "HERE"}).replace('"HERE"', nested(levels))
        found = decode(f'{{"tracking_activities":[{row}]}}'.encode(), ACTIVITY_ID)
        assert len(found.rejected) == 1


def test_an_activity_id_that_is_a_deeply_nested_list_is_never_converted_to_text() -> None:
    # Such a conversion takes the square of the depth, within one call.
    made = calls(lambda: with_nested("campaign_activity_id"))
    assert [first for function, first in made if function is str and isinstance(first, list)] == []


@pytest.mark.parametrize("name", ["contact_id", "email_address", "device_type"])
def test_a_megabyte_of_text_is_kept_whole(name: str) -> None:
    (row,) = page(ROW | {name: "é" * MEGABYTE}).opens
    assert len(getattr(row, name)) == MEGABYTE


@pytest.mark.parametrize(
    "changed", [{}, {"contact_id": None}, {"created_time": "soon"}, {"email_address": "\ud800"}]
)
def test_the_work_grows_with_the_rows(changed: dict[str, Any]) -> None:
    assert growth(lambda body: decode(body, ACTIVITY_ID), *many(ROW | changed)) <= 4


@pytest.mark.parametrize("length", [1_000, MEGABYTE])
@pytest.mark.parametrize("name", ["contact_id", "email_address", "device_type", "created_time"])
def test_the_work_does_not_grow_with_the_length_of_a_field(name: str, length: int) -> None:
    short, long = (
        json.dumps({"tracking_activities": [ROW | {name: "x" * size}]}).encode()
        for size in (10, length)
    )
    assert growth(lambda body: decode(body, ACTIVITY_ID), short, long) == 1


@pytest.mark.parametrize("contact", ["ann", "ann{}"], ids=["identical", "ties"])
def test_the_work_of_finding_new_opens_grows_with_the_rows(contact: str) -> None:
    smaller, larger = (
        Page(None, page(*(ROW | {"contact_id": contact.format(n)} for n in range(count))).opens)
        for count in (100, 400)
    )
    assert growth(lambda read: new_opens(read, None, {}), smaller, larger) <= 4

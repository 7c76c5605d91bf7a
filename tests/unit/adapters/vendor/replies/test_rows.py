import json
from contextlib import suppress
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from email_opens.adapters.vendor.replies.rows import MOST_ROW_CHARACTERS, Rows, decode

ACTIVITY = "5b1e0a52-0000-4000-8000-0000000000aa"
ROW = {
    "contact_id": "0f6b2c1e-0000-4000-8000-000000000002",
    "campaign_activity_id": ACTIVITY,
    "tracking_activity_type": "em_opens",
    "email_address": "bo@example.com",
    "device_type": "mobile",
    "created_time": "2026-03-02T14:07:00.000Z",
}
json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=20,
)


def page(*rows: Any, **more: Any) -> Rows:
    return decode(json.dumps({"tracking_activities": rows} | more).encode(), ACTIVITY)


def reason(**changed: Any) -> str:
    found = page(ROW | changed)
    assert not found.opens
    return found.rejected[0].reason


def test_a_row_becomes_an_open_in_utc() -> None:
    (found,) = page(ROW | {"created_time": "2026-03-02T09:07:00-05:00"}).opens
    assert found.created_time == datetime(2026, 3, 2, 14, 7, tzinfo=UTC)
    assert found.created_time.tzinfo is UTC
    assert (found.contact_id, found.email_address) == (ROW["contact_id"], "bo@example.com")


@pytest.mark.parametrize("device", [None, "", 7])
def test_a_missing_device_is_none(device: object) -> None:
    assert page(ROW | {"device_type": device}).opens[0].device_type is None


def test_an_unknown_device_is_kept() -> None:
    assert page(ROW | {"device_type": "fridge"}).opens[0].device_type == "fridge"


def test_undocumented_fields_are_ignored() -> None:
    assert len(page(ROW | {"proxy": {"deep": [1]}}, version=3).opens) == 1


@pytest.mark.parametrize("value", [None, ""])
def test_a_row_without_an_address_is_an_open_without_one(value: object) -> None:
    assert page(ROW | {"email_address": value}).opens[0].email_address is None


def test_a_row_that_lacks_the_address_is_an_open_without_one() -> None:
    row = {name: value for name, value in ROW.items() if name != "email_address"}
    assert page(row | {"deleted_at": "2026-03-02"}).opens[0].email_address is None


@pytest.mark.parametrize("value", [5, [], {}])
def test_a_row_whose_address_is_not_text_is_rejected(value: object) -> None:
    assert "email_address" in reason(email_address=value)


@pytest.mark.parametrize("name", ["contact_id", "created_time"])
@pytest.mark.parametrize("value", [None, "", 5, [], {}])
def test_a_row_that_lacks_a_required_field_is_rejected(name: str, value: object) -> None:
    assert name in reason(**{name: value})


@pytest.mark.parametrize(
    "time", ["yesterday", "2026-03-02", "2026-03-02T14:07:00", "0001-01-01T00:00:00+14:00"]
)
def test_a_row_whose_time_is_not_an_instant_is_rejected(time: str) -> None:
    assert "created_time" in reason(created_time=time)


@pytest.mark.parametrize(
    "time", ["0001-01-01T00:00:00Z", "1999-12-31T23:59:59Z", "2100-01-01T00:00:01Z", "9999-12-31Z"]
)
def test_a_row_from_an_impossible_year_is_rejected(time: str) -> None:
    assert "created_time" in reason(created_time=time)


def test_a_row_of_another_activity_is_rejected() -> None:
    assert "another activity" in reason(campaign_activity_id="another")


def test_a_row_that_names_no_activity_belongs_to_the_requested_activity() -> None:
    assert page(ROW | {"campaign_activity_id": None}).opens[0].campaign_activity_id == ACTIVITY


def test_the_case_of_an_activity_id_does_not_matter() -> None:
    found = page(ROW | {"campaign_activity_id": ACTIVITY.upper()})
    assert found.opens[0].campaign_activity_id == ACTIVITY


def test_a_row_of_another_tracking_type_is_rejected() -> None:
    assert "em_opens" in reason(tracking_activity_type="em_clicks")


@pytest.mark.parametrize("name", ["contact_id", "email_address", "device_type"])
def test_a_row_with_a_lone_surrogate_in_a_field_that_is_published_is_rejected(name: str) -> None:
    assert "lone surrogate" in reason(**{name: "bo\ud800@example.com"})


@pytest.mark.parametrize("name", ["contact_id", "email_address", "device_type", "created_time"])
def test_a_row_with_a_byte_that_is_not_utf_8_in_a_field_that_is_published_is_rejected(
    name: str,
) -> None:
    body = json.dumps({"tracking_activities": [ROW | {name: "x?"}, ROW]}).encode()
    found = decode(body.replace(b"x?", b"x\xe9"), ACTIVITY)
    assert (len(found.opens), len(found.rejected)) == (1, 1)


@pytest.mark.parametrize(
    "written",
    [
        b'"Re\tn"',
        b'"Re\nn"',
        b'"Re\x01n"',
        b'"Ren\xe9e"',
        b'"Ren\xc3"',
        b'"Re\\x"',
        b"9" * 4301,
        b"1e999",
        b"NaN",
        b"-Infinity",
        b"undefined",
        b"007",
        b"[" * 20_000 + b"]" * 20_000,
        b'{"a":' * 20_000 + b"1" + b"}" * 20_000,
    ],
    ids=lambda written: str(written[:12]),
)
def test_a_malformed_value_in_a_field_that_is_not_used_costs_nothing(written: bytes) -> None:
    body = json.dumps({"tracking_activities": [ROW, ROW | {"first_name": "HERE"}, ROW]}).encode()
    found = decode(body.replace(b'"HERE"', written), ACTIVITY)
    assert (len(found.opens), found.rejected) == (3, ())


@pytest.mark.parametrize(
    "row", ["undefined", '{"contact_id" "x"}', '{"a":1]', "{x:1}", '{"\\x":1}']
)
def test_a_row_that_is_not_json_is_rejected_alone(row: str) -> None:
    good = json.dumps(ROW)
    body = f'{{"tracking_activities":[{good},{row},{good}],"_links":{{"next":{{"href":"/v3/x"}}}}}}'
    found = decode(body.encode(), ACTIVITY)
    assert (len(found.opens), [rejected.row for rejected in found.rejected]) == (
        2,
        [json.dumps(row)],
    )
    assert found.next_href == "/v3/x"


def test_a_null_list_is_an_empty_page() -> None:
    assert decode(b'{"tracking_activities":null,"_links":null}', ACTIVITY) == Rows((), (), None)


def test_a_rejected_row_stops_none_of_the_others() -> None:
    found = page(ROW, "nonsense", None, ROW)
    assert len(found.opens) == 2
    assert [rejected.row for rejected in found.rejected] == ['"nonsense"', "null"]


def test_a_rejected_row_is_truncated_and_its_reason_holds_nothing_of_it() -> None:
    (rejected,) = page(ROW | {"contact_id": None, "note": "x" * 10_000}).rejected
    assert len(rejected.row) == MOST_ROW_CHARACTERS
    assert "bo@example.com" in rejected.row
    assert "bo@" not in rejected.reason


def identity(**changed: Any) -> str:
    (rejected,) = page(ROW | {"tracking_activity_type": "em_clicks"} | changed).rejected
    return rejected.identity


@pytest.mark.parametrize(
    "changed",
    [
        {"first_name": "Bo"},
        {"email_address": None},
        {"deleted_at": "2026-03-02"},
        {"created_time": "2026-03-02T09:07:00-05:00"},
    ],
)
def test_a_rejected_row_stays_the_same_when_another_field_changes(changed: dict[str, Any]) -> None:
    assert identity(**changed) == identity()


@pytest.mark.parametrize(
    "changed",
    [
        {"contact_id": "another"},
        {"created_time": "2026-03-02T14:08:00Z"},
        {"device_type": "tablet"},
        {"device_type": None},
        {"campaign_activity_id": "another"},
        {"tracking_activity_type": "em_bounces"},
    ],
)
def test_a_rejected_row_is_another_when_what_identifies_it_changes(changed: dict[str, Any]) -> None:
    assert identity(**changed) != identity()


@pytest.mark.parametrize("lacking", [{"contact_id": None}, {"created_time": None}])
def test_rejected_rows_without_a_contact_or_an_instant_are_distinguished_by_all_their_fields(
    lacking: dict[str, Any],
) -> None:
    assert identity(**lacking) != identity(**lacking, first_name="Bo")


def test_a_rejected_row_is_known_by_the_text_of_an_instant_that_cannot_be_read() -> None:
    assert identity(created_time="soon") == identity(created_time="soon", first_name="Bo")
    assert identity(created_time="soon") != identity(created_time="later")


def test_rejected_rows_that_differ_beyond_what_is_kept_of_them_are_distinguished() -> None:
    long = {"contact_id": None, "note": "x" * MOST_ROW_CHARACTERS}
    assert identity(**long, z=1) != identity(**long, z=2)


def test_the_order_of_its_fields_does_not_distinguish_a_rejected_row() -> None:
    row = ROW | {"contact_id": None}
    first, second = page(row, dict(reversed(row.items()))).rejected
    assert first == second


@pytest.mark.parametrize(
    "links",
    [
        {},
        {"_links": None},
        {"_links": {}},
        {"_links": []},
        {"_links": {"next": None}},
        {"_links": {"next": {}}},
        {"_links": {"next": {"href": None}}},
        {"_links": {"next": {"href": ""}}},
    ],
)
def test_a_missing_or_empty_next_link_marks_the_last_page(links: dict[str, Any]) -> None:
    assert page(**links).next_href is None


def test_the_next_link_is_returned_unchanged() -> None:
    assert page(_links={"next": {"href": "/v3/x?next=a"}}).next_href == "/v3/x?next=a"


@pytest.mark.parametrize("links", [True, [1], {"next": 5}, {"next": {"href": ["/v3/x"]}}])
def test_a_link_in_an_unknown_form_does_not_pass_for_the_last_page(links: object) -> None:
    found = page(ROW, _links=links)
    assert (len(found.opens), found.next_href) == (1, None)
    assert "unknown form" in (found.astray or "")


def test_a_link_that_cannot_be_decoded_does_not_pass_for_the_last_page() -> None:
    body = json.dumps({"tracking_activities": [ROW], "_links": {"next": {"href": "HERE"}}})
    found = decode(body.replace("HERE", "/v3/\\x").encode(), ACTIVITY)
    assert (len(found.opens), found.next_href) == (1, None)
    assert "unknown form" in (found.astray or "")


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"<html>bo@example.com</html>",
        b'{"tracking_activities":[{"email_address":"bo@exa',
        b"\xff\xfe\xff",
        b"[" * 100_000,
        b"[]",
        b"{}",
        b'{"tracking_activities":{}}',
        b'{"tracking_activities":[], _links:{"next":{"href":"/v3/x"}}}',
        b'{"tracking_activities":[]}{}',
        b'{"tracking_activities":[{]}',
        b"1" * 5000,
    ],
)
def test_a_body_that_is_not_a_page_is_refused_without_its_content(body: bytes) -> None:
    with pytest.raises(ValueError, match=r"^the reply") as caught:
        decode(body, ACTIVITY)
    assert "bo@" not in str(caught.value)
    assert caught.value.__context__ is None


@given(json_values)
def test_no_json_raises_an_undeclared_error(reply: object) -> None:
    with suppress(ValueError):
        decode(json.dumps(reply).encode(), ACTIVITY)


@given(st.lists(json_values), json_values)
def test_every_row_is_an_open_or_rejected(rows: list[object], links: object) -> None:
    body = json.dumps({"tracking_activities": rows, "_links": links}).encode()
    try:
        found = decode(body, ACTIVITY)
    except ValueError:
        return
    assert len(found.opens) + len(found.rejected) == len(rows)


@given(st.dictionaries(st.sampled_from(sorted(ROW)), json_values))
def test_a_row_with_any_fields_is_an_open_or_rejected(changed: dict[str, object]) -> None:
    found = page(ROW | changed)
    assert len(found.opens) + len(found.rejected) == 1


@given(st.emails() | st.text(st.characters(exclude_categories=["Cs"]), min_size=1))
def test_an_address_in_any_script_is_kept(address: str) -> None:
    for escaped in (True, False):
        text = json.dumps(
            {"tracking_activities": [ROW | {"email_address": address}]}, ensure_ascii=escaped
        )
        assert decode(text.encode(), ACTIVITY).opens[0].email_address == address


written_values = st.sampled_from(
    [
        *('""', '"x"', '"ä😀"', r'"\u00e4\ud83d\ude00\/"', r'"\ud800"', r'"\q"', '"a\tb\x7f\x00"'),
        *('"em_opens"', '"mobile"', f'"{ACTIVITY}"', f'"{ACTIVITY.upper()}"', '"bo@example.com"'),
        *('"2026-03-02T14:07:00Z"', '"2026-03-02T14:07:00.1234567+02:00"', '"1850-01-01T00:00Z"'),
        *("null", "true", "0", "-0", "0.0", "1e-999", "1e999", "NaN", "-Infinity", "9" * 400, "01"),
        *("[]", "{}", "[0]", '{"a":1}', "[" * 3000 + "]" * 3000, "", "x"),
    ]
) | json_values.map(json.dumps)
written_rows = st.lists(
    st.tuples(
        st.sampled_from([*ROW, "first_name", "last_name", "other", "a\\u0062"]), written_values
    ),
    max_size=4,
)


@given(st.lists(written_rows, min_size=1, max_size=3))
def test_opens_are_the_same_with_and_without_a_fault_on_their_page(
    changes: list[list[tuple[str, str]]],
) -> None:
    """A page is decoded as a whole; one with a fault is decoded again, row by row."""
    usual = [f'"{name}":{json.dumps(value)}' for name, value in ROW.items()]
    rows = [
        ",".join([*usual, *(f'"{name}":{value}' for name, value in row)]).join("{}")
        for row in changes
    ]
    alone = decode(f'{{"tracking_activities":[{",".join(rows)}]}}'.encode(), ACTIVITY)
    beside = decode(f'{{"tracking_activities":[{",".join([*rows, "5"])}]}}'.encode(), ACTIVITY)
    assert alone.opens == beside.opens
    assert alone.rejected == beside.rejected[:-1]

"""The published message, and the ids and marks that must never change."""

import json
from copy import replace
from datetime import datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from email_opens.events import (
    attributes,
    bucket,
    event_id,
    fingerprint,
    message,
    row_fingerprint,
)
from email_opens.model import Activity, NewOpen, Open
from tests.contract.samples import ACTIVITY, ACTIVITY_ID, NOON, new_open

ROW = new_open().open


def test_an_open_has_the_id_that_it_had_in_every_release() -> None:
    assert event_id(ROW, 1) == "fd6b151067681749bb6ccf187bd6eb7c"


def test_an_open_without_a_device_has_the_id_that_it_had_in_every_release() -> None:
    assert event_id(replace(ROW, device_type=None), 2) == "eff37d9de49427578992f67be5573759"


@pytest.mark.parametrize(
    "other",
    [
        replace(ROW, campaign_activity_id="another"),
        replace(ROW, contact_id="another"),
        replace(ROW, device_type="tablet"),
        replace(ROW, device_type=None),
        replace(ROW, created_time=NOON + timedelta(microseconds=1)),
    ],
)
def test_opens_that_differ_have_ids_that_differ(other: Open) -> None:
    assert event_id(other, 1) != event_id(ROW, 1)


def test_occurrences_have_ids_that_differ() -> None:
    assert event_id(ROW, 1) != event_id(ROW, 2)


def test_a_new_address_of_a_contact_changes_no_id() -> None:
    assert event_id(replace(ROW, email_address="ann@example.net"), 1) == event_id(ROW, 1)


def test_an_instant_has_one_id_in_every_zone() -> None:
    there = ROW.created_time.astimezone(timezone(timedelta(hours=-5)))
    assert event_id(replace(ROW, created_time=there), 1) == event_id(ROW, 1)


@given(st.text(st.characters(categories=["L", "Cs"]), min_size=1))
def test_an_id_is_128_bits_in_hex_whatever_the_contact(contact_id: str) -> None:
    assert len(bytes.fromhex(event_id(replace(ROW, contact_id=contact_id), 1))) == 16


def test_the_ledger_knows_an_event_by_the_first_8_bytes_of_its_id() -> None:
    assert fingerprint("0123456789abcdef" + "f" * 16) == b"\x01\x23\x45\x67\x89\xab\xcd\xef"


def test_a_row_that_is_no_open_has_the_mark_that_it_had_in_every_release() -> None:
    assert row_fingerprint('{"contact_id":5}').hex() == "7136b44f203907bc"


def test_a_row_of_half_characters_has_a_mark() -> None:
    assert len(row_fingerprint("\ud800")) == 8


def test_a_bucket_is_an_hour() -> None:
    assert bucket(NOON + timedelta(minutes=59, seconds=59)) == "2026-03-02T12"


def test_a_message_is_a_cloud_event() -> None:
    assert json.loads(message(ACTIVITY, new_open())) == {
        "specversion": "1.0",
        "id": event_id(ROW, 1),
        "type": "email.opened",
        "source": f"/constant-contact/default/activities/{ACTIVITY_ID}",
        "subject": "contact-0",
        "time": "2026-03-02T12:00:00Z",
        "datacontenttype": "application/json",
        "dataschema": "urn:email-opens:schema:email-opened.v1",
        "data": {
            "contact_id": "contact-0",
            "campaign_activity_id": ACTIVITY_ID,
            "campaign_id": "5b1e0a52-0000-4000-8000-0000000000bb",
            "campaign_name": "March news",
            "email_address": "ann@example.org",
            "device_type": "mobile",
            "created_time": "2026-03-02T12:00:00Z",
            "occurrence": 1,
        },
    }


TEXT = st.text(st.characters(categories=["L", "N", "P", "S", "Z", "Cc", "Cs"]), max_size=8)
MAYBE = st.none() | TEXT


@given(
    st.builds(
        replace,
        st.just(ROW),
        contact_id=TEXT,
        device_type=MAYBE,
        email_address=MAYBE,
        first_name=MAYBE,
        last_name=MAYBE,
        email_address_hash=MAYBE,
    ),
    st.builds(
        replace,
        st.just(ACTIVITY),
        campaign_id=MAYBE,
        campaign_name=MAYBE,
        subject=MAYBE,
        account_id=TEXT,
        sent_at=st.none() | st.just(NOON),
    ),
)
def test_a_message_is_what_a_json_encoder_writes(row: Open, activity: Activity) -> None:
    data = {
        "contact_id": row.contact_id,
        "campaign_activity_id": ACTIVITY_ID,
        "campaign_id": activity.campaign_id,
        "campaign_name": activity.campaign_name,
        "subject": activity.subject,
        "email_address": row.email_address,
        "email_address_hash": row.email_address_hash,
        "first_name": row.first_name,
        "last_name": row.last_name,
        "device_type": row.device_type,
        "created_time": "2026-03-02T12:00:00Z",
        "occurrence": 3,
        "sent_at": activity.sent_at and "2026-03-02T12:00:00Z",
        "seconds_since_send": activity.sent_at and 0,
    }
    event = {
        "specversion": "1.0",
        "id": "5",
        "type": "email.opened",
        "source": f"/constant-contact/{activity.account_id}/activities/{ACTIVITY_ID}",
        "subject": row.contact_id,
        "time": "2026-03-02T12:00:00Z",
        "datacontenttype": "application/json",
        "dataschema": "urn:email-opens:schema:email-opened.v1",
        "data": {name: value for name, value in data.items() if value is not None},
    }
    written = json.dumps(event, ensure_ascii=False, separators=(",", ":"))
    assert message(activity, NewOpen("5", 3, row)) == written


def test_what_is_not_known_is_left_out_of_a_message() -> None:
    nameless = replace(ACTIVITY, campaign_id=None, campaign_name=None)
    data = json.loads(message(nameless, new_open(device_type=None)))["data"]
    assert data.keys().isdisjoint({"campaign_id", "campaign_name", "device_type"})


def test_a_message_says_when_the_e_mail_was_sent_and_how_long_before_the_open() -> None:
    sent = replace(ACTIVITY, sent_at=NOON - timedelta(minutes=7, seconds=0.5))
    data = json.loads(message(sent, new_open()))["data"]
    assert (data["sent_at"], data["seconds_since_send"]) == ("2026-03-02T11:52:59.500000Z", 420)


@pytest.mark.parametrize(
    ("sent_at", "created"),
    [
        (None, NOON),
        (NOON + timedelta(minutes=1), NOON),
        (NOON, NOON - timedelta(seconds=1)),
        (NOON + timedelta(seconds=59), NOON - timedelta(microseconds=1)),
    ],
)
def test_a_send_that_is_not_known_or_came_in_a_later_minute_is_left_out(
    sent_at: datetime | None, created: datetime
) -> None:
    new = new_open()
    new = replace(new, open=replace(new.open, created_time=created))
    data = json.loads(message(replace(ACTIVITY, sent_at=sent_at), new))["data"]
    assert data.keys().isdisjoint({"sent_at", "seconds_since_send"})


@pytest.mark.parametrize("seconds", [0, 1, 59])
def test_an_open_in_the_minute_of_the_send_came_after_no_second(seconds: int) -> None:
    """Its instant in the report is the beginning of that minute."""
    sent = replace(ACTIVITY, sent_at=NOON + timedelta(seconds=seconds))
    assert json.loads(message(sent, new_open()))["data"]["seconds_since_send"] == 0


def test_a_message_holds_each_script_as_it_is_and_no_blank_that_says_nothing() -> None:
    body = message(replace(ACTIVITY, campaign_name="März"), new_open())
    assert '"campaign_name":"März","email_address"' in body


def test_the_attributes_for_filter_policies() -> None:
    assert attributes(ACTIVITY, new_open(), 42) == {
        "type": "email.opened",
        "account_id": "default",
        "campaign_activity_id": ACTIVITY_ID,
        "delay_seconds": 42,
        "campaign_id": "5b1e0a52-0000-4000-8000-0000000000bb",
        "campaign_name": "March news",
        "device_type": "mobile",
    }


@pytest.mark.parametrize(("first", "value"), [(True, "true"), (False, "false")])
def test_whether_an_open_is_first_is_an_attribute(first: bool, value: str) -> None:
    assert attributes(ACTIVITY, replace(new_open(), first_open=first), 0)["first_open"] == value


def test_what_is_not_known_is_no_attribute() -> None:
    unknown = replace(ACTIVITY, campaign_id=None, campaign_name=None)
    assert attributes(unknown, new_open(device_type=None), 0).keys() == {
        "type",
        "account_id",
        "campaign_activity_id",
        "delay_seconds",
    }


def test_an_unknown_device_is_no_attribute() -> None:
    assert "device_type" not in attributes(ACTIVITY, new_open(device_type=None), 0)


def test_a_dead_letter_has_room_for_the_reason_beside_all_attributes() -> None:
    """SQS accepts ten, and SNS drops what has more when it delivers to a queue without envelope."""
    whole = attributes(ACTIVITY, replace(new_open(), first_open=True), 0)
    assert whole.keys() >= {"campaign_id", "campaign_name", "device_type", "first_open"}
    assert len(whole) + len({"reason"}) <= 10

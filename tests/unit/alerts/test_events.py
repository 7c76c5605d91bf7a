"""An open is read from what a queue delivers, and anything else is refused with a reason."""

import json
from datetime import UTC, datetime
from typing import Any

import pytest

from email_opens.alerts.events import NotAnOpen, read_open
from tests.alerting import EMAIL, body, event, event_id
from tests.integration.deployment import ROOT


def test_an_open_has_the_values_of_its_event() -> None:
    opened = read_open(body(7, first_name="Bo", last_name="Lund", subject="Spring is here"))
    assert opened.event_id == event_id(7)
    assert opened.account_id == "default"
    assert opened.campaign_activity_id == EMAIL
    assert (opened.first_name, opened.last_name) == ("Bo", "Lund")
    assert opened.subject == "Spring is here"
    assert opened.opened_at == datetime(2026, 3, 2, 13, 58, tzinfo=UTC)
    assert opened.seconds_since_send == 420


def test_an_open_without_optional_fields_has_none_of_them() -> None:
    opened = read_open(
        body(campaign_name=None, email_address=None, device_type=None, seconds_since_send=None)
    )
    assert opened.campaign_name is opened.email_address is opened.device_type is None
    assert opened.seconds_since_send is None


@pytest.mark.parametrize("name", ["sqs-opens.json", "sqs-opens-wrapped.json"])
def test_an_open_is_read_with_and_without_raw_delivery(name: str) -> None:
    batch = json.loads((ROOT / "events" / name).read_text())
    opened = read_open(batch["Records"][0]["body"])
    assert opened.campaign_name == "March news"


def test_fields_that_are_not_known_are_ignored() -> None:
    assert read_open(json.dumps(event(future=1) | {"extension": {"a": 1}})).event_id == event_id(1)


def test_a_later_minor_version_is_read() -> None:
    later = event() | {"dataschema": "urn:email-opens:schema:email-opened.v1.4"}
    assert read_open(json.dumps(later)).event_id == event_id(1)


@pytest.mark.parametrize(
    ("name", "value"), [("campaign_name", 5), ("seconds_since_send", "7"), ("email_address", {})]
)
def test_an_optional_field_of_another_type_counts_as_missing(name: str, value: Any) -> None:
    assert getattr(read_open(body(**{name: value})), name) is None


@pytest.mark.parametrize("seconds", [-1, 10**400, True, 1.5])
def test_an_impossible_time_since_the_send_counts_as_missing(seconds: Any) -> None:
    assert read_open(body(seconds_since_send=seconds)).seconds_since_send is None


def without(name: str) -> str:
    return json.dumps({key: value for key, value in event().items() if key != name})


REFUSED = {
    "": "not a JSON object",
    "hello": "not a JSON object",
    "[1]": "not a JSON object",
    "[" * 100_000: "not a JSON object",
    json.dumps({"Type": "Notification", "Message": "no JSON"}): "notification's message",
    json.dumps({"Records": []}): "type is not email.opened",
    json.dumps(event() | {"type": "email.clicked"}): "type is not email.opened",
    json.dumps(event() | {"dataschema": "urn:email-opens:schema:email-opened.v2"}): "upgrade",
    json.dumps(event() | {"dataschema": "urn:email-opens:schema:email-opened.v10"}): "upgrade",
    without("dataschema"): "dataschema",
    without("data"): "data or source",
    json.dumps(event() | {"source": "/elsewhere"}): "data or source",
    without("id"): "no valid id",
    json.dumps(event() | {"id": "short"}): "no valid id",
    body(contact_id=None): "no valid contact_id",
    body(campaign_activity_id="a\nb"): "no valid campaign_activity_id",
    body(created_time="yesterday"): "no valid created_time",
    body(created_time="2026-03-02T13:58:00"): "no valid created_time",
}


@pytest.mark.parametrize(("text", "reason"), REFUSED.items(), ids=range(len(REFUSED)))
def test_what_is_no_open_of_version_1_is_refused_with_the_reason(text: str, reason: str) -> None:
    with pytest.raises(NotAnOpen, match=reason):
        read_open(text)


def test_a_reason_holds_nothing_of_the_message() -> None:
    with pytest.raises(NotAnOpen) as refused:
        read_open(json.dumps(event() | {"id": "ann@example.org"}))
    assert "@" not in str(refused.value)

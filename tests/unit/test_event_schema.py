"""The contract of the published events: the schema, the AsyncAPI document, and CloudEvents."""

import json
from copy import replace
from datetime import timedelta
from typing import Any

import pytest
import yaml
from cloudevents.core.formats.json import JSONFormat
from cloudevents.core.v1.event import CloudEvent
from hypothesis import given
from hypothesis import strategies as st
from jsonschema_rs import Draft202012Validator, ValidationError

from email_opens.events import DATA_SCHEMA, attributes, message
from tests.contract.samples import ACTIVITY, NOON, new_open, varied
from tests.event_schema import SCHEMA, checked
from tests.unit.cli.world import run

SENT = varied(ACTIVITY, sent_at=NOON - timedelta(hours=1), subject="Spring is here")
FULL = replace(
    new_open(),
    open=replace(new_open().open, first_name="Ann", last_name="Lee", email_address_hash="0" * 64),
    first_open=True,
)
"""An open with every field, those included that exclude each other."""
EVENT: dict[str, Any] = json.loads(message(SENT, FULL))


def asyncapi() -> Any:
    return yaml.safe_load(run("schema", "--asyncapi").stdout)


def test_the_schema_is_one() -> None:
    meta_schema = {"$ref": "https://json-schema.org/draft/2020-12/schema"}
    Draft202012Validator(meta_schema).validate(SCHEMA)
    assert SCHEMA["$defs"]["data"]["$id"] == DATA_SCHEMA


def test_an_event_with_every_field_follows_it() -> None:
    checked(json.dumps(EVENT))
    assert EVENT.keys() == SCHEMA["properties"].keys()
    assert EVENT["data"].keys() == SCHEMA["$defs"]["data"]["properties"].keys()


@pytest.mark.parametrize("name", SCHEMA["required"])
def test_an_event_without_a_required_field_breaks_it(name: str) -> None:
    with pytest.raises(ValidationError):
        checked(json.dumps({key: value for key, value in EVENT.items() if key != name}))


@pytest.mark.parametrize(
    "data",
    [
        {"created_time": "2026-03-02 14:07:00Z"},
        {"created_time": "2026-03-02T14:07:00+00:00"},
        {"occurrence": 0},
        {"device_type": None},
        {"seconds_since_send": 0.5},
        {"unknown": "field"},
    ],
)
def test_data_of_another_shape_breaks_it(data: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        checked(json.dumps(EVENT | {"data": EVENT["data"] | data}))


def test_a_field_of_a_later_version_does_not_break_what_a_subscriber_checks() -> None:
    later = EVENT | {"later": 1, "data": EVENT["data"] | {"later": 1}}
    Draft202012Validator(SCHEMA, validate_formats=True).validate(later)


@given(
    device=st.none() | st.text(min_size=1, alphabet=st.characters(exclude_categories=["Cs"])),
    seconds=st.floats(0, 1e9),
    occurrence=st.integers(1, 10**6),
)
def test_every_open_follows_it(device: str | None, seconds: float, occurrence: int) -> None:
    opened = new_open(device_type=device)
    row = replace(opened.open, created_time=NOON + timedelta(seconds=seconds))
    checked(message(SENT, replace(opened, open=row, occurrence=occurrence)))


def test_the_sdk_of_cloudevents_reads_an_event() -> None:
    event = JSONFormat().read(CloudEvent, message(SENT, FULL).encode())
    assert (event.get_id(), event.get_type()) == (EVENT["id"], "email.opened")
    assert event.get_time() == NOON
    assert event.get_dataschema() == DATA_SCHEMA
    assert event.get_data() == EVENT["data"]


def test_the_command_prints_it() -> None:
    assert json.loads(run("schema").stdout) == SCHEMA


def test_the_asyncapi_document_has_it_without_references() -> None:
    document = asyncapi()
    assert document["asyncapi"] == "3.0.0"
    payload = document["components"]["messages"]["emailOpened"]["payload"]["schema"]
    assert list(references(payload)) == []
    data = payload["properties"]["data"]
    assert payload["properties"].keys() == SCHEMA["properties"].keys()
    assert data["properties"].keys() == SCHEMA["$defs"]["data"]["properties"].keys()
    assert data["properties"]["occurrence"] == SCHEMA["$defs"]["data"]["properties"]["occurrence"]


@pytest.mark.parametrize(
    ("changed", "follows"),
    [
        ({}, True),
        ({"id": "short"}, False),
        ({"time": "2026-03-02 14:07:00Z"}, False),
        ({"data": {**EVENT["data"], "created_time": "noon"}}, False),
        ({"data": {**EVENT["data"], "later": 1}}, True),
    ],
)
def test_the_schema_of_the_asyncapi_document_accepts_the_same_events(
    changed: dict[str, Any], follows: bool
) -> None:
    payload = asyncapi()["components"]["messages"]["emailOpened"]["payload"]["schema"]
    event = EVENT | changed
    for schema in (payload, SCHEMA):
        validator = Draft202012Validator(schema, validate_formats=True)
        assert validator.is_valid(event) == follows


def test_the_attributes_of_an_event_are_the_headers_of_the_asyncapi_document() -> None:
    headers = asyncapi()["components"]["messages"]["emailOpened"]["headers"]
    sent = attributes(SENT, FULL, 42)
    assert sent.keys() == headers["properties"].keys()
    Draft202012Validator(headers | {"additionalProperties": False}).validate(sent)
    unnamed = replace(SENT, campaign_id=None, campaign_name=None)
    fewest = attributes(unnamed, new_open(device_type=None), 42)
    assert fewest.keys() == set(headers["required"])


def test_each_reference_of_the_asyncapi_document_leads_somewhere() -> None:
    document = asyncapi()
    found = list(references(document))
    assert found
    for reference in found:
        target = document
        for name in reference.removeprefix("#/").split("/"):
            target = target[name]


def references(value: Any) -> Any:
    if isinstance(value, dict):
        for name, each in value.items():
            if name == "$ref":
                yield each
            else:
                yield from references(each)
    elif isinstance(value, list):
        for each in value:
            yield from references(each)

"""The sample events in `events/` are what the product sends."""

import json
from datetime import timedelta
from hashlib import md5
from typing import Any

import pytest
from aws_lambda_powertools.utilities.data_classes import (
    KinesisFirehoseEvent,
    SNSEvent,
    SQSEvent,
)

from constant_contact_emulator import Contact
from email_opens.model import Activity
from tests.integration.deployment import ACCOUNT, ROOT, Deployment


def sample(name: str) -> Any:
    return json.loads((ROOT / "events" / name).read_text())


PUBLISHED_OPEN: dict[str, Any] = sample("published-open.json")
SQS_OPENS: dict[str, Any] = sample("sqs-opens.json")

ACTIVITY_ID = "5b1e0a52-0000-4000-8000-0000000000aa"
BO = Contact("0f6b2c1e-0000-4000-8000-000000000002", "bo@example.com", "Bo", "Lund")
ZOE = Contact("0f6b2c1e-0000-4000-8000-000000000003", "zoë@例え.jp")


@pytest.fixture
def messages(deployment: Deployment) -> list[dict[str, Any]]:
    """Two opens as a subscriber receives them: one with every field, one with the fewest."""
    sent_at = deployment.clock.now()
    deployment.clock.sleep(timedelta(minutes=7).total_seconds())
    world = deployment.vendor.world
    campaign = world.add_campaign(activity_id=ACTIVITY_ID)
    deployment.tracking.add(
        Activity(
            account_id=ACCOUNT,
            campaign_activity_id=ACTIVITY_ID,
            campaign_id="5b1e0a52-0000-4000-8000-0000000000bb",
            campaign_name="March news",
            subject="Spring is here",
            sent_at=sent_at,
            tracked_at=deployment.clock.now(),
        )
    )
    world.send(campaign.activity_id)
    world.add_open(ACTIVITY_ID, BO, device_type="mobile")
    world.add_open(ACTIVITY_ID, ZOE, device_type=None)
    deployment.clock.sleep(42)
    deployment.invoke()
    return sorted(deployment.messages(), key=lambda message: str(message["body"]["subject"]))


def test_the_published_open_is_what_a_subscriber_receives(messages: list[dict[str, Any]]) -> None:
    assert messages[0]["body"] == PUBLISHED_OPEN


def test_the_batch_has_the_bodies_and_attributes_that_a_queue_receives(
    messages: list[dict[str, Any]],
) -> None:
    sample = [
        {
            "body": record.json_body,
            "attributes": {
                name: value["stringValue"] for name, value in record["messageAttributes"].items()
            },
        }
        for record in SQSEvent(SQS_OPENS).records
    ]
    assert sample == messages


@pytest.mark.parametrize(
    "record", [*SQS_OPENS["Records"], *sample("sqs-opens-wrapped.json")["Records"]]
)
def test_each_record_of_the_batch_has_the_digest_of_its_body(record: dict[str, Any]) -> None:
    digest = md5(record["body"].encode(), usedforsecurity=False).hexdigest()
    assert record["md5OfBody"] == digest


@pytest.mark.parametrize("record", SQS_OPENS["Records"])
def test_the_delay_is_the_only_number_among_the_attributes_of_the_batch(
    record: dict[str, Any],
) -> None:
    kinds = {name: value["dataType"] for name, value in record["messageAttributes"].items()}
    assert kinds == {**dict.fromkeys(kinds, "String"), "delay_seconds": "Number"}


def values(attributes: dict[str, dict[str, str]]) -> dict[str, str]:
    return {name: attribute["Value"] for name, attribute in attributes.items()}


def test_each_envelope_of_sns_holds_the_published_open_and_its_attributes(
    messages: list[dict[str, Any]],
) -> None:
    bare = sample("sns-notification.json")
    wrapped = next(SQSEvent(sample("sqs-opens-wrapped.json")).records).decoded_nested_sns_event
    to_function = next(SNSEvent(sample("sns-lambda.json")).records).sns
    assert json.loads(bare["Message"]) == messages[0]["body"]
    assert values(bare["MessageAttributes"]) == messages[0]["attributes"]
    assert wrapped.message == to_function.message == bare["Message"]
    sent = {name: each.value for name, each in to_function.message_attributes.items()}
    assert sent == messages[0]["attributes"]


def test_a_record_of_firehose_is_the_published_open(messages: list[dict[str, Any]]) -> None:
    (record,) = KinesisFirehoseEvent(sample("firehose-opens.json")).records
    assert record.data_as_json == messages[0]["body"]

"""The sample events are what the product really sends."""

import json
from datetime import timedelta
from hashlib import md5
from typing import Any

import pytest
from aws_lambda_powertools.utilities.data_classes import SQSEvent

from constant_contact_emulator import Contact
from email_opens.model import Activity
from tests.integration.deployed import ACCOUNT, ROOT, Deployed

PUBLISHED_OPEN: dict[str, Any] = json.loads((ROOT / "events" / "published-open.json").read_text())
SQS_OPENS: dict[str, Any] = json.loads((ROOT / "events" / "sqs-opens.json").read_text())

ACTIVITY_ID = "5b1e0a52-0000-4000-8000-0000000000aa"
BO = Contact("0f6b2c1e-0000-4000-8000-000000000002", "bo@example.com")
ZOE = Contact("0f6b2c1e-0000-4000-8000-000000000003", "zoë@例え.jp")


@pytest.fixture
def letters(deployed: Deployed) -> list[dict[str, Any]]:
    """Two opens as a subscriber gets them: one with all there is, one with the least."""
    deployed.clock.sleep(timedelta(minutes=7).total_seconds())
    world = deployed.vendor.world
    campaign = world.add_campaign(activity_id=ACTIVITY_ID)
    deployed.tracking.add(
        Activity(
            account_id=ACCOUNT,
            campaign_activity_id=ACTIVITY_ID,
            campaign_id="5b1e0a52-0000-4000-8000-0000000000bb",
            campaign_name="March news",
            tracked_at=deployed.clock.now(),
        )
    )
    world.send(campaign.activity_id)
    world.add_open(ACTIVITY_ID, BO, device_type="mobile")
    world.add_open(ACTIVITY_ID, ZOE, device_type=None)
    deployed.clock.sleep(42)
    deployed.invoke()
    return sorted(deployed.letters(), key=lambda letter: str(letter["body"]["subject"]))


def test_of_a_published_open_is_what_a_subscriber_gets(letters: list[dict[str, Any]]) -> None:
    assert letters[0]["body"] == PUBLISHED_OPEN


def test_of_a_batch_has_the_bodies_and_attributes_that_a_queue_gets(
    letters: list[dict[str, Any]],
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
    assert sample == letters


@pytest.mark.parametrize("record", SQS_OPENS["Records"])
def test_of_a_batch_has_the_bodies_digests(record: dict[str, Any]) -> None:
    digest = md5(record["body"].encode(), usedforsecurity=False).hexdigest()
    assert record["md5OfBody"] == digest


@pytest.mark.parametrize("record", SQS_OPENS["Records"])
def test_of_a_batch_has_its_delay_alone_as_a_number(record: dict[str, Any]) -> None:
    kinds = {name: value["dataType"] for name, value in record["messageAttributes"].items()}
    assert kinds == {**dict.fromkeys(kinds, "String"), "delay_seconds": "Number"}

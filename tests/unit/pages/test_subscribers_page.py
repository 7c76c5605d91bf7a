"""What the page for subscribers says about the event, and its recipe for a queue."""

import json
import re
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import boto3
import pytest

from email_opens.events import attributes, message
from email_opens.model import NewOpen, Open
from email_opens_cli.commands.opens.samples import MEANINGS
from tests.conftest import Aws
from tests.contract.samples import ACTIVITY
from tests.integration.deployment import ROOT
from tests.integration.template import parse_template
from tests.unit.pages.shown import blocks

PAGE = (ROOT / "docs" / "subscribers.md").read_text()
OPENED_AT = datetime(2026, 3, 2, 14, 7, tzinfo=UTC)
SENT_ACTIVITY = replace(
    ACTIVITY,
    campaign_id="c",
    campaign_name="March news",
    subject="Spring is here",
    sent_at=OPENED_AT - timedelta(hours=1),
)
OPEN = Open(
    contact_id="a",
    campaign_activity_id=ACTIVITY.campaign_activity_id,
    created_time=OPENED_AT,
    email_address="bo@example.com",
    device_type="mobile",
    first_name="Bo",
    last_name="Lund",
    email_address_hash="0" * 64,
)
NEW = NewOpen(open=OPEN, occurrence=1, event_id="e", first_open=True)
BARE_OPEN = Open("a", ACTIVITY.campaign_activity_id, OPENED_AT, None, None)
BARE = NewOpen(open=BARE_OPEN, occurrence=1, event_id="e")


def table(heading: str) -> dict[str, str]:
    """Return the second column of a table by its first."""
    section = PAGE.partition(f"## {heading}\n")[2].partition("\n## ")[0]
    return dict(re.findall(r"^\| `([\w.]+)` \| ([^|]+) \|", section, re.MULTILINE))


def fields(event: dict[str, Any]) -> set[str]:
    data = {f"data.{name}" for name in event["data"]}
    return {name for name in event if name != "data"} | data


class TestTheFields:
    def test_are_all_in_the_table(self) -> None:
        event = json.loads(message(SENT_ACTIVITY, NEW))
        assert fields(event) == set(table("The event"))

    def test_that_are_always_there_are_marked(self) -> None:
        activity = replace(ACTIVITY, campaign_id=None, campaign_name=None)
        always = {name for name, mark in table("The event").items() if mark == "yes"}
        assert fields(json.loads(message(activity, BARE))) == always


def test_the_attributes_are_all_in_the_table() -> None:
    values = attributes(SENT_ACTIVITY, NEW, delay_seconds=1)
    kinds = {name: "Number" if isinstance(v, int) else "String" for name, v in values.items()}
    assert kinds == table("Attributes for filters")


def test_the_kinds_of_samples_are_in_the_table_in_their_order() -> None:
    assert list(table("Test a consumer without a send")) == list(MEANINGS)


def subscribe(aws: Aws, queue_url: str, properties: dict[str, Any]) -> None:
    """Subscribe a queue with the properties that a template states."""
    queue = aws.sqs.get_queue_attributes(QueueUrl=queue_url, AttributeNames=["QueueArn"])
    attributes = {"RawMessageDelivery": json.dumps(properties["RawMessageDelivery"])}
    if "FilterPolicy" in properties:
        attributes["FilterPolicy"] = json.dumps(properties["FilterPolicy"])
    aws.sns.subscribe(
        TopicArn=aws.topic_arn,
        Protocol=properties["Protocol"],
        Endpoint=queue["Attributes"]["QueueArn"],
        Attributes=attributes,
    )


@pytest.mark.filterwarnings("ignore:Tried to parse AWS..S.S..(QueuePolicy|Subscription)")
class TestTheQueue:
    """Moto's CloudFormation has no subscriptions: they are created with their properties."""

    @staticmethod
    def deploy(aws: Aws, template: str) -> str:
        """Create the page's stack; return the URL of its queue."""
        cloudformation = boto3.client("cloudformation")
        cloudformation.create_stack(
            StackName="opens-subscriber",
            TemplateBody=template,
            Parameters=[{"ParameterKey": "OpensTopicArn", "ParameterValue": aws.topic_arn}],
        )
        (stack,) = cloudformation.describe_stacks(StackName="opens-subscriber")["Stacks"]
        (output,) = stack["Outputs"]
        url: str = output["OutputValue"]
        subscribe(aws, url, parse_template(template)["Resources"]["Subscription"]["Properties"])
        return url

    @staticmethod
    def publish(aws: Aws, *, delay_seconds: int) -> str:
        event = message(ACTIVITY, NEW)
        aws.sns.publish(
            TopicArn=aws.topic_arn,
            Message=event,
            MessageAttributes={
                "delay_seconds": {"DataType": "Number", "StringValue": str(delay_seconds)}
            },
        )
        return event

    @staticmethod
    def received(aws: Aws, url: str) -> list[str]:
        reply = aws.sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10)
        return [found["Body"] for found in reply.get("Messages", [])]

    def test_receives_the_event_itself(self, aws: Aws) -> None:
        url = self.deploy(aws, blocks(PAGE, "yaml")[0])
        event = self.publish(aws, delay_seconds=10_000)
        assert self.received(aws, url) == [event]

    def test_receives_only_fresh_opens_with_the_filter(self, aws: Aws) -> None:
        template, policy = blocks(PAGE, "yaml")
        delivery = "      RawMessageDelivery: true\n"
        added = "".join(f"      {line}\n" for line in policy.splitlines())
        url = self.deploy(aws, template.replace(delivery, delivery + added))
        self.publish(aws, delay_seconds=10_000)
        fresh = self.publish(aws, delay_seconds=10)
        assert self.received(aws, url) == [fresh]

    def test_accepts_messages_of_this_topic_only(self) -> None:
        resources = parse_template(blocks(PAGE, "yaml")[0])["Resources"]
        (statement,) = resources["TopicMaySend"]["Properties"]["PolicyDocument"]["Statement"]
        assert statement["Condition"] == {"ArnEquals": {"aws:SourceArn": {"Ref": "OpensTopicArn"}}}

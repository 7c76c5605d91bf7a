"""The alert as deployed: an open at the vendor becomes a message at a webhook, once."""

import json
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from constant_contact_emulator import Emulator
from email_opens.adapters.aws.tracking import DynamoDBTracking
from email_opens_cli.emails.activities import track_each
from embedded_aws import EmbeddedAws, Stack
from tests.e2e.trial import ACCOUNT, parameters
from tests.webhook_server import SECRET, Answer, WebhookServer, webhook_server

PARAMETER = "/alerted-webhook/url"
WAIT_SECONDS = 20
"""For the queue's batching window, the start of the function, and a second delivery."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Alerted:
    """A stack with an alert, after three contacts have opened an e-mail."""

    aws: EmbeddedAws
    stack: Stack
    vendor: Emulator
    webhook: WebhookServer
    activity_id: str

    def poll(self) -> int:
        """Invoke the polling function; return how many opens it has published."""
        reply = self.aws.client("lambda").invoke(
            FunctionName=self.stack.outputs["PollOpensFunction"],
            Payload=json.dumps({"account_id": ACCOUNT}),
        )
        return int(json.loads(reply["Payload"].read())["published"])

    def in_queue(self, output: str = "AlertQueueUrl") -> int:
        names = ["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"]
        found = self.aws.client("sqs").get_queue_attributes(
            QueueUrl=self.stack.outputs[output], AttributeNames=names
        )
        return sum(int(found["Attributes"][name]) for name in names)

    def drained(self) -> bool:
        return bool(self.webhook.posts) and not self.in_queue()


def wait_until(true: Callable[[], bool]) -> None:
    deadline = time.monotonic() + WAIT_SECONDS
    while not true():
        assert time.monotonic() < deadline, "The alert takes too long."
        time.sleep(0.2)  # Lambda invokes the function without notice.


@pytest.fixture(scope="module")
def alerted(built: Path, embedded_aws: EmbeddedAws) -> Iterator[Alerted]:
    aws = embedded_aws
    with Emulator() as vendor, webhook_server() as webhook:
        for name, value in (
            (PARAMETER, webhook.url),
            ("/alerted/default", json.dumps(vendor.credentials(ACCOUNT))),
        ):
            aws.client("ssm").put_parameter(Name=name, Type="SecureString", Value=value)
        stack = aws.deploy(
            built,
            "alerted",
            parameters(
                "alerted",
                vendor,
                AlertWebhook=PARAMETER,
                ScheduleState="DISABLED",
                Discovery="DISABLED",
                # The function stays for what is worth a request, which here is nothing.
                RoundsSeconds="0",
            ),
        )
        activity_id = vendor.world.add_campaign("March news").activity_id
        vendor.world.send(activity_id)
        now = datetime.now(UTC)
        tracking = DynamoDBTracking(aws.client("dynamodb"), stack.environment["TRACKING_TABLE"])
        track_each(tracking, ACCOUNT, [activity_id], since=None, now=now - timedelta(days=1))
        vendor.world.add_open(activity_id, 9, at=now - timedelta(hours=2))
        for contact in range(3):
            vendor.world.add_open(activity_id, contact)
        yield Alerted(aws=aws, stack=stack, vendor=vendor, webhook=webhook, activity_id=activity_id)
        aws.delete(stack.name)


@pytest.fixture(scope="module")
def shown(alerted: Alerted) -> list[Any]:
    """What the webhook has received after a failure, a repeat and a second open of a contact."""
    alerted.webhook.answers = [Answer(429, b"", (("Retry-After", "1"),))]
    assert alerted.poll() == 4
    wait_until(lambda: bool(alerted.webhook.posts))
    sqs, queue = alerted.aws.client("sqs"), alerted.stack.outputs["AlertQueueUrl"]
    body = {"Message": "not an open"}
    sqs.send_message(QueueUrl=queue, MessageBody=json.dumps(body))
    wait_until(lambda: alerted.in_queue("AlertDeadLetterQueueUrl") == 1)
    alerted.vendor.world.add_open(alerted.activity_id, 1, device_type="mobile")
    alerted.poll()
    return alerted.webhook.posts


def test_fresh_first_opens_are_one_message(alerted: Alerted, shown: list[Any]) -> None:
    assert shown[0]["count"] == 3
    assert len({opened["contact_id"] for opened in shown[0]["opens"]}) == 3
    assert alerted.activity_id == shown[0]["campaign"]["activity_id"]


def test_what_the_webhook_refuses_stays_in_the_queue(alerted: Alerted, shown: list[Any]) -> None:
    assert len(shown) == 1
    assert alerted.in_queue() == 3


def test_a_message_that_is_no_open_is_in_the_dead_letter_queue(
    alerted: Alerted, shown: list[Any]
) -> None:
    assert shown
    (letter,) = alerted.aws.client("sqs").receive_message(
        QueueUrl=alerted.stack.outputs["AlertDeadLetterQueueUrl"],
        MessageAttributeNames=["All"],
        VisibilityTimeout=0,
    )["Messages"]
    assert letter["MessageAttributes"]["reason"]["StringValue"] == (
        "The event's type is not email.opened."
    )


def test_the_log_does_not_hold_the_url(alerted: Alerted, shown: list[Any]) -> None:
    assert shown
    logs = alerted.aws.client("logs")
    printed = json.dumps(
        [
            logs.filter_log_events(logGroupName=group["logGroupName"])["events"]
            for group in logs.describe_log_groups()["logGroups"]
            if "AlertOnOpens" in group["logGroupName"]
        ]
    )
    assert "answered 429" in printed
    assert SECRET not in printed

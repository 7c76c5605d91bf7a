"""The alert as deployed: an open at the vendor becomes a message at a webhook, once."""

import json
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from constant_contact_emulator import Emulator
from email_opens.adapters.aws.tracking import DynamoDBTracking
from email_opens.model import Activity
from embedded_aws import EmbeddedAws, Stack
from tests.e2e.trial import ACCOUNT, parameters
from tests.webhook_server import SECRET, Answer, WebhookServer, webhook_server

PARAMETER = "/alerted-webhook/url"
WAIT_SECONDS = 20
"""For the queue's batching window, the start of the function, and a second delivery."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Alerted:
    """A stack with an alert, and an e-mail that contacts have opened."""

    aws: EmbeddedAws
    stack: Stack
    vendor: Emulator
    webhook: WebhookServer

    def track(self, name: str) -> str:
        """Send and track an e-mail, which the next turn reads for the first time."""
        activity_id = self.vendor.world.add_campaign(name).activity_id
        self.vendor.world.send(activity_id)
        table = self.stack.environment["TRACKING_TABLE"]
        DynamoDBTracking(self.aws.client("dynamodb"), table).add(
            Activity(
                account_id=ACCOUNT,
                campaign_activity_id=activity_id,
                campaign_name=name,
                tracked_at=datetime.now(UTC) - timedelta(days=1),
            )
        )
        return activity_id

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


def wait_until(true: Callable[[], bool]) -> None:
    deadline = time.monotonic() + WAIT_SECONDS
    while not true():
        assert time.monotonic() < deadline, "The alert takes too long."
        time.sleep(0.2)  # Lambda invokes the function without notice.


def end_wake_ups(aws: EmbeddedAws, stack: Stack) -> None:
    """Let only the tests start the polling function."""
    name, lambdas = stack.outputs["PollOpensFunction"], aws.client("lambda")
    (mapping,) = lambdas.list_event_source_mappings(FunctionName=name)["EventSourceMappings"]
    lambdas.delete_event_source_mapping(UUID=mapping["UUID"])


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
                vendor,
                AlertWebhook=PARAMETER,
                ScheduleState="DISABLED",
                Discovery="DISABLED",
            ),
        )
        end_wake_ups(aws, stack)
        yield Alerted(aws=aws, stack=stack, vendor=vendor, webhook=webhook)


@pytest.fixture(scope="module")
def life(alerted: Alerted) -> Alerted:
    """Opens that are shown, one that the webhook refuses, and a message that is no open."""
    webhook, world = alerted.webhook, alerted.vendor.world
    march = alerted.track("March news")
    world.add_open(march, 9, at=datetime.now(UTC) - timedelta(hours=2))
    for contact, device in ((0, "mobile"), (1, "mobile"), (1, "computer"), (2, None)):
        world.add_open(march, contact, device_type=device)
    assert alerted.poll() == 5
    wait_until(lambda: len(webhook.shown) == 3 and not alerted.in_queue())
    webhook.answers = [Answer(410, b"channel_is_archived")]
    world.add_open(alerted.track("April news"), 5)
    assert alerted.poll() == 1
    wait_until(lambda: not webhook.answers)
    alerted.aws.client("sqs").send_message(
        QueueUrl=alerted.stack.outputs["AlertQueueUrl"], MessageBody='{"type": "hello"}'
    )
    wait_until(lambda: alerted.in_queue("AlertDeadLetterQueueUrl") == 1)
    return alerted


def test_fresh_first_opens_are_shown_once(life: Alerted) -> None:
    opens = [opened for post in life.webhook.accepted for opened in post["opens"]]
    assert sorted(opened["name"] for opened in opens) == [
        f"Contact{number} Example" for number in range(3)
    ]


def test_a_message_names_the_e_mail(life: Alerted) -> None:
    names = {post["campaign"]["name"] for post in life.webhook.posts}
    assert names == {"March news", "April news"}


def test_what_the_webhook_refuses_stays_in_the_queue(life: Alerted) -> None:
    refused = life.webhook.posts[-1]
    assert [opened["name"] for opened in refused["opens"]] == ["Contact5 Example"]
    assert life.in_queue() == 1


def test_a_message_that_is_no_open_is_in_the_dead_letter_queue(life: Alerted) -> None:
    (letter,) = life.aws.client("sqs").receive_message(
        QueueUrl=life.stack.outputs["AlertDeadLetterQueueUrl"],
        MessageAttributeNames=["All"],
        VisibilityTimeout=0,
    )["Messages"]
    assert letter["Body"] == '{"type": "hello"}'
    assert letter["MessageAttributes"]["reason"]["StringValue"] == (
        "The event's type is not email.opened."
    )


def test_the_log_explains_the_refusal_without_the_url_or_an_address(life: Alerted) -> None:
    logs = life.aws.client("logs")
    printed = json.dumps(
        [
            logs.filter_log_events(logGroupName=group["logGroupName"])["events"]
            for group in logs.describe_log_groups()["logGroups"]
            if "AlertOnOpens" in group["logGroupName"]
        ]
    )
    assert "answered 410 channel_is_archived: unarchive the channel" in printed
    assert SECRET not in printed
    assert "example.com" not in printed

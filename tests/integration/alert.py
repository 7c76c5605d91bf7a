"""The alert as deployed: its handler as Lambda loads it, its queue on the topic, and a webhook."""

import json
import traceback
from dataclasses import dataclass
from functools import partial
from types import ModuleType
from typing import Any

import pytest

from tests.conftest import Aws
from tests.integration.deployment import ROOT, Context, Deployment, load
from tests.integration.rendering import rendered
from tests.integration.template import read_template
from tests.webhook_server import WebhookServer
from tests.webhook_server import webhook_server as serving

ALERT_ON_OPENS = ROOT / "functions" / "alert_on_opens" / "app.py"
PARAMETER = "/email-opens-alert/webhook"
FILTER: dict[str, Any] = read_template()["Resources"]["AlertSubscription"]["Properties"][
    "FilterPolicy"
]


@dataclass(slots=True, kw_only=True)
class Alerting:
    """The alert beside the poll whose opens it shows."""

    polls: Deployment
    app: ModuleType
    webhook: WebhookServer
    queue_url: str
    dead_letter_url: str

    @property
    def aws(self) -> Aws:
        return self.polls.aws

    def store(self, url: str) -> None:
        self.aws.ssm.put_parameter(Name=PARAMETER, Type="SecureString", Value=url, Overwrite=True)

    def opens(self, count: int, **campaign: Any) -> str:
        """Let contacts open a new e-mail, and let a poll publish that."""
        activity_id = self.polls.send(opens=count, **campaign)
        self.polls.invoke()
        return activity_id

    def send(self, body: str, **attributes: str) -> None:
        """Put a message into the queue that did not come from the topic."""
        self.aws.sqs.send_message(
            QueueUrl=self.queue_url,
            MessageBody=body,
            MessageAttributes={
                name: {"DataType": "String", "StringValue": value}
                for name, value in attributes.items()
            },
        )

    def batch(self) -> dict[str, Any]:
        """Receive a batch, in the form in which Lambda passes it to the function."""
        messages: list[Any] = []
        while received := self.aws.sqs.receive_message(
            QueueUrl=self.queue_url,
            MaxNumberOfMessages=10,
            MessageAttributeNames=["All"],
            MessageSystemAttributeNames=["All"],
        ).get("Messages"):
            messages += received
        return {"Records": [record_of(message) for message in messages]}

    def handle(self, batch: dict[str, Any], *, seconds: float = 60) -> list[str]:
        """Invoke the function, delete what it has settled, and return what stays in the queue."""
        output = self.polls.output
        output.follow(self.app)
        try:
            reply = json.dumps(self.app.handler(batch, Context(seconds=seconds)))
        except Exception as error:
            output.others += "".join(traceback.format_exception(error))
            raise
        kept = [failure["itemIdentifier"] for failure in json.loads(reply)["batchItemFailures"]]
        for record in batch["Records"]:
            if record["messageId"] not in kept:
                self.aws.sqs.delete_message(
                    QueueUrl=self.queue_url, ReceiptHandle=record["receiptHandle"]
                )
        return kept

    def invoke(self) -> list[str]:
        return self.handle(self.batch())

    def in_queue(self) -> int:
        """Return the number of messages in the queue, the hidden ones included."""
        names: Any = ["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"]
        found = self.aws.sqs.get_queue_attributes(QueueUrl=self.queue_url, AttributeNames=names)
        return sum(int(found["Attributes"][name]) for name in names)

    def show_again(self) -> None:
        """Make hidden messages visible, as if their time had passed."""
        self.aws.sqs.set_queue_attributes(
            QueueUrl=self.queue_url, Attributes={"VisibilityTimeout": "0"}
        )

    def dead_letters(self) -> list[dict[str, Any]]:
        """Return the dead letters: their bodies as text, and their attributes."""
        found = self.aws.sqs.receive_message(
            QueueUrl=self.dead_letter_url,
            MaxNumberOfMessages=10,
            MessageAttributeNames=["All"],
            VisibilityTimeout=0,
        ).get("Messages", [])
        return [
            {
                "body": message["Body"],
                **{
                    name: value["StringValue"]
                    for name, value in message.get("MessageAttributes", {}).items()
                },
            }
            for message in found
        ]


def record_of(message: dict[str, Any]) -> dict[str, Any]:
    return {
        "messageId": message["MessageId"],
        "receiptHandle": message["ReceiptHandle"],
        "body": message["Body"],
        "attributes": message["Attributes"],
        "messageAttributes": {
            name: {
                "stringValue": value["StringValue"],
                "stringListValues": [],
                "binaryListValues": [],
                "dataType": value["DataType"],
            }
            for name, value in message.get("MessageAttributes", {}).items()
        },
        "eventSource": "aws:sqs",
    }


@pytest.fixture
def alert(deployment: Deployment, monkeypatch: pytest.MonkeyPatch) -> Any:
    """A cold function, subscribed to every fresh open, with a webhook that accepts posts."""
    aws = deployment.aws
    aws.dynamodb.create_table(
        TableName="alerts",
        BillingMode="PAY_PER_REQUEST",
        **{
            name: read_template()["Resources"]["AlertsTable"]["Properties"][name]
            for name in ("AttributeDefinitions", "KeySchema")
        },
    )
    queue_url = aws.sqs.create_queue(QueueName="alert")["QueueUrl"]
    dead_letter_url = aws.sqs.create_queue(QueueName="alert-dead-letters")["QueueUrl"]
    queue = aws.sqs.get_queue_attributes(QueueUrl=queue_url, AttributeNames=["QueueArn"])
    aws.sns.subscribe(
        TopicArn=aws.topic_arn,
        Protocol="sqs",
        Endpoint=queue["Attributes"]["QueueArn"],
        Attributes={
            "RawMessageDelivery": "true",
            "FilterPolicy": rendered(FILTER, AlertOpens="all"),
        },
    )
    for name, value in {
        "ALERT_WEBHOOK_PARAMETER": PARAMETER,
        "ALERTS_TABLE": "alerts",
        "ALERT_QUEUE_URL": queue_url,
        "ALERT_DEAD_LETTER_QUEUE_URL": dead_letter_url,
        "ALERT_TEMPLATE": "",
    }.items():
        monkeypatch.setenv(name, value)
    app = load(ALERT_ON_OPENS)
    monkeypatch.setattr(
        app, "bootstrap_alert", partial(app.bootstrap_alert, clock=deployment.clock)
    )
    with serving() as webhook:
        alerting = Alerting(
            polls=deployment,
            app=app,
            webhook=webhook,
            queue_url=queue_url,
            dead_letter_url=dead_letter_url,
        )
        alerting.store(webhook.url)
        yield alerting

"""Queues and topics for `emit`, and what they receive."""

import json
from typing import Any

from tests.conftest import Aws
from tests.event_schema import checked
from tests.unit.cli.world import run

AT = "2026-03-02T12:00:00Z"
SAME = ("--seed", "1", "--at", AT)


def queue(aws: Aws, name: str = "team", **attributes: str) -> str:
    return aws.sqs.create_queue(QueueName=name, Attributes=attributes)["QueueUrl"]  # type: ignore[arg-type]


def topic(aws: Aws, name: str = "team", **attributes: str) -> str:
    return aws.sns.create_topic(Name=name, Attributes=attributes)["TopicArn"]


def received(aws: Aws, url: str) -> list[dict[str, Any]]:
    """Remove and return the messages of a queue, whose bodies follow the schema."""
    messages: list[dict[str, Any]] = []
    while some := aws.sqs.receive_message(
        QueueUrl=url, MaxNumberOfMessages=10, MessageAttributeNames=["All"]
    ).get("Messages"):
        for message in some:
            aws.sqs.delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])
            event = json.loads(checked(message["Body"]))
            messages.append({"event": event, "attributes": message["MessageAttributes"]})
    return messages


def ids(messages: list[dict[str, Any]]) -> list[str]:
    return sorted(message["event"]["id"] for message in messages)


def emit(to: str, *arguments: str) -> Any:
    return run("emit", "--to", to, "--yes", *arguments)

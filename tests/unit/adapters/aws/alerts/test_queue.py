"""The alert's queue: messages are hidden for a while, or set aside unchanged with the reason."""

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

import pytest

from email_opens.adapters.aws.alerts.queue import AlertQueue, DeadLetter
from email_opens.adapters.aws.publishing.messages import MOST_BYTES
from tests.conftest import Aws


@pytest.fixture
def queue(aws: Aws) -> AlertQueue:
    return AlertQueue(aws.sqs, aws.subscriber_url, aws.dlq_url)


def attribute(value: str, kind: str = "String") -> dict[str, Any]:
    return {"stringValue": value, "stringListValues": [], "binaryListValues": [], "dataType": kind}


def letter(
    number: int = 0,
    body: str = "body",
    attributes: Mapping[str, Any] | None = None,
    reason: str = "why",
) -> DeadLetter:
    return DeadLetter(key=f"k{number}", body=body, attributes=attributes or {}, reason=reason)


def found(aws: Aws) -> list[dict[str, Any]]:
    messages: list[Any] = []
    while more := aws.sqs.receive_message(
        QueueUrl=aws.dlq_url, MaxNumberOfMessages=10, MessageAttributeNames=["All"]
    ).get("Messages"):
        messages += more
    return messages


def values(message: dict[str, Any]) -> dict[str, str]:
    return {name: each["StringValue"] for name, each in message["MessageAttributes"].items()}


class TestADeadLetter:
    def test_is_the_message_with_its_attributes_and_the_reason(
        self, aws: Aws, queue: AlertQueue
    ) -> None:
        attributes = {"type": attribute("email.opened"), "delay_seconds": attribute("4", "Number")}
        assert queue.set_aside([letter(1, "zoë", attributes)]) == {"k1"}
        (message,) = found(aws)
        assert message["Body"] == "zoë"
        assert message["MessageAttributes"]["delay_seconds"]["DataType"] == "Number"
        assert values(message) == {"type": "email.opened", "delay_seconds": "4", "reason": "why"}

    def test_has_only_the_latest_reason(self, aws: Aws, queue: AlertQueue) -> None:
        queue.set_aside([letter(attributes={"reason": attribute("before")})])
        assert values(found(aws)[0]) == {"reason": "why"}

    def test_has_no_more_attributes_than_sqs_accepts(self, aws: Aws, queue: AlertQueue) -> None:
        many = {f"a{number}": attribute("x") for number in range(10)}
        assert queue.set_aside([letter(attributes=many)]) == {"k0"}
        assert "reason" in values(found(aws)[0])

    def test_has_a_reason_that_sqs_accepts(self, aws: Aws, queue: AlertQueue) -> None:
        queue.set_aside([letter(reason="\x00" + "x" * 5_000)])
        assert values(found(aws)[0])["reason"] == "?" + "x" * 499

    def test_is_one_of_any_number(self, aws: Aws, queue: AlertQueue) -> None:
        assert len(queue.set_aside(letter(number) for number in range(23))) == 23
        assert len(found(aws)) == 23

    def test_may_be_as_large_as_the_queue_delivers(self, aws: Aws, queue: AlertQueue) -> None:
        large = "x" * (MOST_BYTES - 1_000)
        assert queue.set_aside(letter(number, large) for number in range(3)) == {"k0", "k1", "k2"}
        assert len(found(aws)) == 3

    def test_that_the_queue_does_not_take_is_not_accepted(
        self, aws: Aws, queue: AlertQueue
    ) -> None:
        aws.sqs.delete_queue(QueueUrl=aws.dlq_url)
        assert queue.set_aside([letter()]) == set()


class TestAMessageThatIsReturned:
    def received(self, aws: Aws, count: int = 1) -> list[str]:
        for _ in range(count):
            aws.sqs.send_message(QueueUrl=aws.subscriber_url, MessageBody="x")
        receipts: list[str] = []
        while more := aws.sqs.receive_message(
            QueueUrl=aws.subscriber_url, MaxNumberOfMessages=10
        ).get("Messages"):
            receipts += [message["ReceiptHandle"] for message in more]
        return receipts

    def test_appears_again_after_its_delay(self, aws: Aws, queue: AlertQueue) -> None:
        receipts = self.received(aws, 12)
        queue.hide(dict.fromkeys(receipts, timedelta()))
        assert len(self.received(aws, 0)) == 12

    def test_is_hidden_until_then(self, aws: Aws, queue: AlertQueue) -> None:
        queue.hide(dict.fromkeys(self.received(aws), timedelta(hours=11)))
        assert self.received(aws, 0) == []

    def test_stays_hidden_if_its_delay_cannot_be_changed(self, aws: Aws, queue: AlertQueue) -> None:
        queue.hide({"no receipt": timedelta()})
        receipts = self.received(aws)
        aws.sqs.delete_queue(QueueUrl=aws.subscriber_url)
        queue.hide(dict.fromkeys(receipts, timedelta()))

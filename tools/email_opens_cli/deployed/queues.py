"""A queue that listens to a topic for as long as somebody looks, and is gone afterwards.

What a killed look has left tells itself by a tag that nobody renews any more.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any
from uuid import uuid4

from botocore.exceptions import ClientError

from email_opens.instants import iso, utc

if TYPE_CHECKING:
    from mypy_boto3_sns import SNSClient
    from mypy_boto3_sqs import SQSClient

PREFIX = "email-opens-tail-"
ALIVE_AT = "email-opens-tail-alive-at"
"""The tag that says when somebody last looked; it is set when the queue is made."""
ALIVE_EVERY = timedelta(minutes=2)
LEFT_OVER_AFTER = timedelta(minutes=15)

WAIT_SECONDS = 2
"""For a message: so long may Ctrl-C take."""

_KEPT_SECONDS = 300


class TailQueue:
    """One queue with its subscription."""

    def __init__(
        self,
        sns: "SNSClient",
        sqs: "SQSClient",
        topic_arn: str,
        *,
        wait_seconds: int = WAIT_SECONDS,
    ) -> None:
        self._sns, self._sqs, self._topic_arn = sns, sqs, topic_arn
        self._wait_seconds = wait_seconds
        self._url = ""
        self._alive_at: datetime | None = None

    @contextmanager
    def listening(self, filter_policy: Mapping[str, Any], now: datetime) -> Iterator[None]:
        """Make the queue and subscribe it; remove both whatever happens."""
        name = f"{PREFIX}{uuid4().hex[:16]}"
        try:
            self._alive_at = now
            self._url = self._sqs.create_queue(
                QueueName=name,
                Attributes={
                    "MessageRetentionPeriod": str(_KEPT_SECONDS),
                    "SqsManagedSseEnabled": "true",
                },
                tags={ALIVE_AT: iso(now)},
            )["QueueUrl"]
            arn = queue_arn(self._sqs, self._url)
            self._sqs.set_queue_attributes(
                QueueUrl=self._url, Attributes={"Policy": _policy(arn, self._topic_arn)}
            )
            self._sns.subscribe(
                TopicArn=self._topic_arn,
                Protocol="sqs",
                Endpoint=arn,
                Attributes={
                    "RawMessageDelivery": "true",
                    "FilterPolicy": json.dumps(filter_policy),
                },
            )
            yield
        finally:
            if self._url:
                remove(self._sns, self._sqs, self._topic_arn, self._url)

    def receive(self, now: datetime) -> list[str]:
        """Wait a little for messages; take and return their bodies."""
        if self._alive_at and now - self._alive_at >= ALIVE_EVERY:
            self._sqs.tag_queue(QueueUrl=self._url, Tags={ALIVE_AT: iso(now)})
            self._alive_at = now
        messages = self._sqs.receive_message(
            QueueUrl=self._url, MaxNumberOfMessages=10, WaitTimeSeconds=self._wait_seconds
        ).get("Messages", [])
        if messages:
            self._sqs.delete_message_batch(
                QueueUrl=self._url,
                Entries=[
                    {"Id": str(number), "ReceiptHandle": message["ReceiptHandle"]}
                    for number, message in enumerate(messages)
                ],
            )
        return [message["Body"] for message in messages]


def queue_arn(sqs: "SQSClient", url: str) -> str:
    reply = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])
    return reply["Attributes"]["QueueArn"]


def remove(sns: "SNSClient", sqs: "SQSClient", topic_arn: str, url: str) -> None:
    """Delete a queue and its subscription, or what is left of both."""
    arn = queue_arn(sqs, url)
    try:
        pages = sns.get_paginator("list_subscriptions_by_topic").paginate(TopicArn=topic_arn)
        for one in [one for page in pages for one in page["Subscriptions"]]:
            if one.get("Endpoint") == arn:
                sns.unsubscribe(SubscriptionArn=one["SubscriptionArn"])
    finally:
        sqs.delete_queue(QueueUrl=url)


def left_over(sqs: "SQSClient", now: datetime) -> Sequence[str]:
    """Return the URLs of the queues at which nobody has looked for long."""
    pages = sqs.get_paginator("list_queues").paginate(QueueNamePrefix=PREFIX)
    urls = [url for page in pages for url in page.get("QueueUrls", [])]
    return [url for url in urls if _is_left_over(sqs, url, now)]


def _is_left_over(sqs: "SQSClient", url: str, now: datetime) -> bool:
    try:
        tags = sqs.list_queue_tags(QueueUrl=url).get("Tags", {})
        return now - utc(tags[ALIVE_AT]) > LEFT_OVER_AFTER
    except (KeyError, ValueError):
        return False  # It is not ours.
    except ClientError as error:
        if "NonExistentQueue" in error.response["Error"]["Code"]:
            return False  # It was removed meanwhile.
        raise


def _policy(arn: str, topic_arn: str) -> str:
    """Let this topic send to the queue, and nobody else."""
    statement = {
        "Effect": "Allow",
        "Principal": {"Service": "sns.amazonaws.com"},
        "Action": "sqs:SendMessage",
        "Resource": arn,
        "Condition": {"ArnEquals": {"aws:SourceArn": topic_arn}},
    }
    return json.dumps({"Version": "2012-10-17", "Statement": [statement]})

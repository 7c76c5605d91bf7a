"""Queues that listen to a topic: for as long as a `tail` runs, or the demo.

The queue of a `tail` has tags with its topic and with the time at which it was last in use. If the
command is killed, the time grows old, and the next `tail` of the same topic removes the queue.
"""

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any
from uuid import uuid4

from botocore.exceptions import ClientError
from msgspec import Struct

from email_opens.instants import iso, utc
from email_opens_cli.deployed.clients import is_missing
from email_opens_cli.deployed.subscribing.documents import policy_of, send_statement

if TYPE_CHECKING:
    from mypy_boto3_sns import SNSClient
    from mypy_boto3_sqs import SQSClient

PREFIX = "email-opens-tail-"
ALIVE_AT = "email-opens-tail-alive-at"
"""The tag with the time at which the queue was last in use."""
TOPIC = "email-opens-tail-topic"
"""The tag with the ARN of the topic: queues of other stacks are not removed."""
ALIVE_EVERY = timedelta(minutes=2)
LEFT_OVER_AFTER = timedelta(minutes=15)

WAIT_SECONDS = 2
"""The longest wait for a message, and so for the end after Ctrl-C."""

_KEPT_SECONDS = 300
"""How long a message waits in the queue of a `tail`, which may be killed."""


class TopicQueue:
    """A queue that receives what a topic publishes, without SNS's envelope."""

    def __init__(
        self,
        sns: "SNSClient",
        sqs: "SQSClient",
        topic_arn: str,
        name: str,
        *,
        kept_seconds: int = 3600,
        **tags: str,
    ) -> None:
        """Create the queue, which keeps a message for `kept_seconds`; `subscribe` fills it."""
        self._sns, self._sqs, self._topic_arn = sns, sqs, topic_arn
        self.url = sqs.create_queue(
            QueueName=name,
            Attributes={
                "MessageRetentionPeriod": str(kept_seconds),
                "SqsManagedSseEnabled": "true",
            },
            tags=tags,
        )["QueueUrl"]

    def subscribe(self, **attributes: str) -> str:
        """Allow the topic to send to the queue, and subscribe it; return the subscription's ARN."""
        arn = queue_arn(self._sqs, self.url)
        policy = policy_of([send_statement(arn, self._topic_arn)])
        self._sqs.set_queue_attributes(QueueUrl=self.url, Attributes={"Policy": json.dumps(policy)})
        reply = self._sns.subscribe(
            TopicArn=self._topic_arn,
            Protocol="sqs",
            Endpoint=arn,
            Attributes={"RawMessageDelivery": "true", **attributes},
        )
        return reply["SubscriptionArn"]

    def receive(self, wait_seconds: int) -> list[str]:
        """Wait for messages; delete them and return their bodies."""
        messages = self._sqs.receive_message(
            QueueUrl=self.url, MaxNumberOfMessages=10, WaitTimeSeconds=wait_seconds
        ).get("Messages", [])
        if messages:
            self._sqs.delete_message_batch(
                QueueUrl=self.url,
                Entries=[
                    {"Id": str(number), "ReceiptHandle": message["ReceiptHandle"]}
                    for number, message in enumerate(messages)
                ],
            )
        return [message["Body"] for message in messages]


class TailQueue:
    """The queue of a `tail`, removed when it ends."""

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
        self._queue: TopicQueue | None = None
        self._alive_at: datetime | None = None

    @contextmanager
    def listening(self, filter_policy: Mapping[str, Any], now: datetime) -> Iterator[None]:
        """Create the queue and subscribe it; remove both whatever happens."""
        name, tags = (
            f"{PREFIX}{uuid4().hex[:16]}",
            {
                ALIVE_AT: iso(now),
                TOPIC: self._topic_arn,
            },
        )
        self._alive_at = now
        queue = self._queue = TopicQueue(
            self._sns, self._sqs, self._topic_arn, name, kept_seconds=_KEPT_SECONDS, **tags
        )
        subscription = None
        try:
            subscription = queue.subscribe(FilterPolicy=json.dumps(filter_policy))
            yield
        finally:
            if subscription is not None:
                # By its ARN: a list may not contain a new subscription yet.
                self._sns.unsubscribe(SubscriptionArn=subscription)
                self._sqs.delete_queue(QueueUrl=queue.url)
            else:
                remove(self._sns, self._sqs, self._topic_arn, queue.url)

    def receive(self, now: datetime) -> list[str]:
        """Wait a little for messages; delete them and return their bodies."""
        if self._queue is None:
            return []
        if self._alive_at and now - self._alive_at >= ALIVE_EVERY:
            self._sqs.tag_queue(QueueUrl=self._queue.url, Tags={ALIVE_AT: iso(now)})
            self._alive_at = now
        return self._queue.receive(self._wait_seconds)


class Attributes(Struct, frozen=True):
    """The URL of a queue, and some of its attributes."""

    url: str
    attributes: Mapping[str, str]


def attributes_of(
    sqs: "SQSClient", name: str, owner: str, wanted: Iterable[str]
) -> Attributes | None:
    """Return attributes of a queue in the client's region; None: it does not exist."""
    try:
        url = sqs.get_queue_url(QueueName=name, QueueOwnerAWSAccountId=owner)["QueueUrl"]
        names: Any = list(wanted)
        reply: Any = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=names)
    except ClientError as error:
        if is_missing(error):
            return None
        raise
    return Attributes(url, reply.get("Attributes", {}))


def queue_arn(sqs: "SQSClient", url: str) -> str:
    reply = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])
    return reply["Attributes"]["QueueArn"]


def remove(sns: "SNSClient", sqs: "SQSClient", topic_arn: str, url: str) -> None:
    """Delete a queue's subscription to a topic, then the queue.

    If the subscription cannot be deleted the queue stays, so that the next attempt finds both.
    """
    arn = queue_arn(sqs, url)
    try:
        pages = sns.get_paginator("list_subscriptions_by_topic").paginate(TopicArn=topic_arn)
        subscriptions = [found for page in pages for found in page["Subscriptions"]]
    except sns.exceptions.NotFoundException:
        subscriptions = []  # A topic that does not exist has no subscriptions.
    for subscription in subscriptions:
        if subscription.get("Endpoint") == arn:
            sns.unsubscribe(SubscriptionArn=subscription["SubscriptionArn"])
    sqs.delete_queue(QueueUrl=url)


def left_over(sqs: "SQSClient", topic_arn: str, now: datetime) -> Sequence[str]:
    """Return the URLs of a topic's queues of `tail` that have long not been in use."""
    pages = sqs.get_paginator("list_queues").paginate(QueueNamePrefix=PREFIX)
    urls = [url for page in pages for url in page.get("QueueUrls", [])]
    return [url for url in urls if _is_left_over(sqs, url, topic_arn, now)]


def _is_left_over(sqs: "SQSClient", url: str, topic_arn: str, now: datetime) -> bool:
    try:
        tags = sqs.list_queue_tags(QueueUrl=url).get("Tags", {})
        return tags[TOPIC] == topic_arn and now - utc(tags[ALIVE_AT]) > LEFT_OVER_AFTER
    except (KeyError, ValueError):
        return False  # Another program has created it.
    except ClientError as error:
        if is_missing(error):
            return False  # It was removed meanwhile.
        raise

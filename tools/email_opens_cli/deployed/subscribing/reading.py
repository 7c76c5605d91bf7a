"""What is known of the topic's subscriptions: their filters, and what AWS has counted."""

import json
from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from copy import replace
from datetime import datetime, timedelta
from typing import Any

from botocore.exceptions import ClientError
from msgspec import Struct, field

from email_opens_cli.deployed.clients import code_of
from email_opens_cli.deployed.metrics import Metric, Values, measured
from email_opens_cli.deployed.queues import attributes_of
from email_opens_cli.deployed.subscribing.plans import ACTIONS, Access
from email_opens_cli.deployed.subscribing.subscriptions import Subscription, listed
from email_opens_cli.deployed.subscribing.subscriptions import attributes_of as read_attributes
from email_opens_cli.deployed.subscribing.targets import Kind, named

WINDOW = timedelta(hours=24)
_HOUR = timedelta(hours=1)
_LATELY = timedelta(minutes=15)
_MINUTE = timedelta(minutes=1)
_AT_ONCE = 8
TOPIC_METRICS = {
    "published": "NumberOfMessagesPublished",
    "delivered": "NumberOfNotificationsDelivered",
    "failed": "NumberOfNotificationsFailed",
    "filtered_out": "NumberOfNotificationsFilteredOut",
    "dead_lettered": "NumberOfNotificationsRedrivenToDlq",
}
"""What CloudWatch counts of a topic, by the names of the command."""
_RECEIVED = {
    Kind.QUEUE: ("AWS/SQS", "NumberOfMessagesSent", "QueueName"),
    Kind.FUNCTION: ("AWS/Lambda", "Invocations", "FunctionName"),
    Kind.STREAM: ("AWS/Firehose", "IncomingRecords", "DeliveryStreamName"),
}
"""What CloudWatch counts of an endpoint, from any sender."""


class Row(Struct, frozen=True):
    """A subscription, with what AWS says of it; None: it is not known."""

    protocol: str
    endpoint: str
    confirmed: bool
    filter_policy: Mapping[str, Any] = field(default_factory=dict)
    scope: str = "MessageAttributes"
    received: int | None = None
    """Messages of the last 24 hours, from any sender."""
    waiting: int | None = None
    """Messages in the queue, in process or not."""
    oldest_seconds: int | None = None
    failed: int | None = None
    """Messages that the consumer could not process, in the queue's dead-letter queue."""
    undelivered: int | None = None
    """Messages that SNS could not deliver, in the subscription's dead-letter queue."""


class Report(Struct, frozen=True):
    """The topic's subscriptions."""

    rows: Sequence[Row]
    topic: Mapping[str, int | None]
    """What was counted of the topic in the last 24 hours, by `TOPIC_METRICS`."""
    denied: Sequence[str]
    """The IAM actions that this user lacks, so that something is not known."""


class _Reader(Struct, frozen=True):
    access: Access
    denied: set[str] = field(default_factory=set)

    def note(self, error: ClientError) -> None:
        self.denied.add(ACTIONS.get(error.operation_name, code_of(error)))

    def row(self, subscription: Subscription) -> Row:
        row = Row(subscription.protocol, subscription.endpoint, confirmed=not subscription.pending)
        try:
            attributes = {} if subscription.pending else read_attributes(self.access, subscription)
        except ClientError as error:
            self.note(error)
            attributes = {}
        row = replace(
            row,
            filter_policy=_object(attributes.get("FilterPolicy")),
            scope=attributes.get("FilterPolicyScope") or row.scope,
            undelivered=self._held(_dead_letters(attributes)),
        )
        if subscription.protocol != Kind.QUEUE:
            return row
        found = self._queue(subscription.endpoint)
        return replace(
            row,
            waiting=_messages(found),
            failed=self._held(_dead_letters(found or {})),
        )

    def _held(self, arn: str | None) -> int | None:
        """Return how many messages a dead-letter queue holds; None: there is none."""
        return None if arn is None else _messages(self._queue(arn))

    def _queue(self, arn: str) -> Mapping[str, str] | None:
        """Return the attributes of a queue; None: they cannot be read."""
        _, _, _, region, owner, name = arn.split(":", 5)
        try:
            found = attributes_of(
                self.access.client("sqs", region), name, owner, (*_COUNTS, "RedrivePolicy")
            )
        except ClientError as error:
            self.note(error)
            return None
        return None if found is None else found.attributes

    def measure(
        self, metrics: Iterable[Metric], region: str, window: timedelta, period: timedelta
    ) -> Mapping[Metric, Values]:
        now = self.access.clock.now()
        try:
            return measured(
                self.access.client("cloudwatch", region),
                list(metrics),
                start=now - window,
                end=now + _MINUTE,
                period=period,
            )
        except ClientError as error:
            self.note(error)
            return {}


_COUNTS = (
    "ApproximateNumberOfMessages",
    "ApproximateNumberOfMessagesNotVisible",
    "ApproximateNumberOfMessagesDelayed",
)


def read_report(access: Access) -> Report:
    """Read the topic's subscriptions.

    Raises:
        InvalidInput: the topic does not exist.
        EmailOpensError: AWS does not list them for this user.
    """
    reader, subscriptions = _Reader(access), listed(access)
    with ThreadPoolExecutor(max_workers=_AT_ONCE) as threads:
        rows = list(threads.map(reader.row, subscriptions))
    totals = {
        key: Metric("AWS/SNS", name, "TopicName", access.topic.name)
        for key, name in TOPIC_METRICS.items()
    }
    received = {index: metric for index, row in enumerate(rows) if (metric := _received(row))}
    ages = {
        index: Metric(
            "AWS/SQS", "ApproximateAgeOfOldestMessage", "QueueName", named(row.endpoint), "Maximum"
        )
        for index, row in enumerate(rows)
        if row.protocol == Kind.QUEUE
    }
    counted: dict[tuple[str, Metric], Values] = {}
    latest: dict[tuple[str, Metric], Values] = {}
    for region in {access.topic.region, *(_region(access, row) for row in rows)}:
        of_topic = totals.values() if region == access.topic.region else ()
        wanted = [m for index, m in received.items() if _region(access, rows[index]) == region]
        sums = reader.measure([*of_topic, *wanted], region, WINDOW, _HOUR)
        counted |= {(region, metric): values for metric, values in sums.items()}
        old = [m for index, m in ages.items() if _region(access, rows[index]) == region]
        if old:
            found = reader.measure(old, region, _LATELY, _MINUTE)
            latest |= {(region, metric): values for metric, values in found.items()}
    rows = [
        replace(
            row,
            received=_sum(counted.get((_region(access, row), received[index])))
            if index in received
            else None,
            oldest_seconds=_last(latest.get((_region(access, row), ages[index])))
            if index in ages and row.waiting
            else None,
        )
        for index, row in enumerate(rows)
    ]
    topic = {key: _sum(counted.get((access.topic.region, m))) for key, m in totals.items()}
    return Report(rows, topic, sorted(reader.denied))


def _received(row: Row) -> Metric | None:
    found = _RECEIVED.get(Kind(row.protocol)) if row.protocol in set(Kind) else None
    # CloudWatch counts an alias below its function.
    return found and Metric(*found, named(row.endpoint).partition(":")[0])


def _region(access: Access, row: Row) -> str:
    is_arn = row.endpoint.startswith("arn:")
    return row.endpoint.split(":")[3] if is_arn else access.topic.region


def _sum(values: Values | None) -> int | None:
    return None if values is None else int(sum(values.values()))


def _last(values: Values | None) -> int | None:
    if not values:
        return None
    newest: datetime = max(values)
    return int(values[newest])


def _dead_letters(attributes: Mapping[str, str]) -> str | None:
    arn = _object(attributes.get("RedrivePolicy")).get("deadLetterTargetArn")
    return arn if isinstance(arn, str) else None


def _messages(attributes: Mapping[str, str] | None) -> int | None:
    if attributes is None:
        return None
    return sum(int(attributes.get(name, 0)) for name in _COUNTS)


def _object(text: str | None) -> dict[str, Any]:
    found = json.loads(text or "{}")
    return found if isinstance(found, dict) else {}

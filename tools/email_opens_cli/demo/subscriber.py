"""A queue that is subscribed to a topic, and the opens that reached it."""

import json
from collections import Counter
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from threading import Event, Lock, Thread
from typing import Any, NamedTuple, Self

from email_opens.instants import utc


class ReportedOpen(NamedTuple):
    """What makes an open, as the vendor's report and an event both have it."""

    campaign_activity_id: str
    contact_id: str
    created_time: datetime
    device_type: str | None


class Received(NamedTuple):
    """An open, and when the subscriber had it."""

    open: ReportedOpen
    email_address: str
    at: datetime

    @property
    def delay_seconds(self) -> float:
        return (self.at - self.open.created_time).total_seconds()


class Subscriber:
    """Receives from a queue of its own, in threads, for as long as the `with`."""

    _THREADS = 2
    """One cannot keep up with a first read."""

    def __init__(self, sns: Any, sqs: Any, topic_arn: str) -> None:
        self._sqs = sqs
        self._url = sqs.create_queue(QueueName="email-opens-demo-subscriber")["QueueUrl"]
        asked = sqs.get_queue_attributes(QueueUrl=self._url, AttributeNames=["QueueArn"])
        sns.subscribe(
            TopicArn=topic_arn,
            Protocol="sqs",
            Endpoint=asked["Attributes"]["QueueArn"],
            Attributes={"RawMessageDelivery": "true"},
        )
        self._lock = Lock()
        self._received: list[Received] = []
        self._ended = Event()
        self._threads = [Thread(target=self._receive, daemon=True) for _ in range(self._THREADS)]

    def __enter__(self) -> Self:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ended.set()
        for thread in self._threads:
            thread.join()

    def received(self) -> list[Received]:
        """Return all opens so far, in the order in which they came."""
        with self._lock:
            return list(self._received)

    def _receive(self) -> None:
        while not self._ended.is_set():
            reply = self._sqs.receive_message(
                QueueUrl=self._url, MaxNumberOfMessages=10, WaitTimeSeconds=1
            )
            messages = reply.get("Messages", [])
            if not messages:
                continue
            now = datetime.now(UTC)
            opens = [_read(message["Body"], now) for message in messages]
            with self._lock:
                self._received.extend(opens)
            self._sqs.delete_message_batch(
                QueueUrl=self._url,
                Entries=[
                    {"Id": str(number), "ReceiptHandle": message["ReceiptHandle"]}
                    for number, message in enumerate(messages)
                ],
            )


def differences(
    reported: Iterable[ReportedOpen], received: Iterable[ReportedOpen]
) -> tuple[int, int]:
    """Return how many opens of the report are missing, and how many were received too often."""
    wanted, got = Counter(reported), Counter(received)
    return (wanted - got).total(), (got - wanted).total()


@dataclass(frozen=True, slots=True, kw_only=True)
class UnderWay:
    """Rows of a send that have not arrived yet."""

    not_reported: int
    """Rows that the vendor's report does not show yet."""
    not_received: int
    """Rows that the report shows and the subscriber has not received."""

    def __str__(self) -> str:
        return f"{self.not_reported} not reported yet, {self.not_received} not received yet"


def under_way(
    expected: int, reported: Collection[ReportedOpen], received: Iterable[ReportedOpen]
) -> UnderWay | None:
    """Return what has not arrived yet of a send of `expected` rows; None if all of it has."""
    not_received, _ = differences(reported, received)
    not_reported = max(0, expected - len(reported))
    if not (not_reported or not_received):
        return None
    return UnderWay(not_reported=not_reported, not_received=not_received)


def _read(body: str, now: datetime) -> Received:
    data = json.loads(body)["data"]
    return Received(
        ReportedOpen(
            data["campaign_activity_id"],
            data["contact_id"],
            utc(data["created_time"]),
            data.get("device_type"),
        ),
        data["email_address"],
        now,
    )

"""A subscriber of the topic, and the opens that it has received."""

import json
from collections import Counter
from collections.abc import Collection, Iterable
from datetime import UTC, datetime
from threading import Event, Lock, Thread
from typing import Any, NamedTuple, Self

from msgspec import Struct

from email_opens.instants import utc
from email_opens_cli.deployed.queues import TopicQueue


class ReportedOpen(NamedTuple):
    """The identity of an open, which a row of the report and an event have in common."""

    campaign_activity_id: str
    contact_id: str
    created_time: datetime
    device_type: str | None


class Received(NamedTuple):
    """An open that the subscriber received."""

    open: ReportedOpen
    event_id: str
    email_address: str | None
    at: datetime


class Subscriber:
    """Receives from a queue of its own, in threads, within a `with`."""

    _THREADS = 2
    """A single thread cannot keep up with a first read."""

    def __init__(self, sns: Any, sqs: Any, topic_arn: str) -> None:
        self._queue = TopicQueue(sns, sqs, topic_arn, "email-opens-demo-subscriber")
        self._queue.subscribe()
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
        """Return the opens received so far, in the order of their arrival."""
        with self._lock:
            return list(self._received)

    def _receive(self) -> None:
        while not self._ended.is_set():
            bodies = self._queue.receive(wait_seconds=1)
            with self._lock:  # The order of their arrival, also between the threads.
                now = datetime.now(UTC)
                self._received.extend(_read(body, now) for body in bodies)


def differences(
    reported: Iterable[ReportedOpen], received: Iterable[ReportedOpen]
) -> tuple[int, int]:
    """Return how many reported opens were not received, and how many too many were received."""
    wanted, got = Counter(reported), Counter(received)
    return (wanted - got).total(), (got - wanted).total()


class UnderWay(Struct, frozen=True, kw_only=True):
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
    event = json.loads(body)
    data = event["data"]
    return Received(
        ReportedOpen(
            data["campaign_activity_id"],
            data["contact_id"],
            utc(data["created_time"]),
            data.get("device_type"),
        ),
        event["id"],
        data.get("email_address"),
        now,
    )

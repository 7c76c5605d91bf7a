"""Opens to an SNS topic; what it refuses for good goes to an SQS dead-letter queue.

A dead letter has the body and attributes of the message to the topic, and one attribute more:
`reason`. So an operator can publish it again unchanged.
"""

from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from functools import partial
from threading import Event, Lock

from botocore.exceptions import ClientError
from msgspec import Struct, field

from email_opens.adapters.aws.publishing.messages import (
    MOST_BYTES,
    Message,
    batches,
    dead_letter,
    event_messages,
    row_message,
)
from email_opens.adapters.aws.publishing.receivers import Receiver
from email_opens.adapters.retry import pause_seconds
from email_opens.errors import PublishFailed
from email_opens.events import row_fingerprint
from email_opens.model import Activity, NewOpen, RejectedRow
from email_opens.ports import Clock, Delivery

TRIES = 5
IN_FLIGHT = 4
NOT_THE_MESSAGES_FAULT = ("Throttl", "Auth", "AccessDenied", "KMS")
"""Beginnings of codes that SNS blames on the sender, but that end once the topic is repaired."""


class _Sent(Struct):
    """What became of messages."""

    settled: set[str] = field(default_factory=set)
    """The keys of those that were accepted."""
    dead_lettered: int = 0
    refused: list[tuple[Message, str]] = field(default_factory=list)
    """Those that the receiver refused for good, each with the reason."""
    failure: PublishFailed | None = None
    """Why the others were not accepted; None: there are none."""

    def add(self, other: "_Sent") -> None:
        self.settled |= other.settled
        self.dead_lettered += other.dead_lettered
        self.failure = self.failure or other.failure


class SnsPublisher:
    """Implements `email_opens.ports.Publisher`: to a receiver, and its refusals to another."""

    def __init__(self, receiver: Receiver, dead_letters: Receiver, clock: Clock) -> None:
        self._receiver = receiver
        self._dead_letters = dead_letters
        self._clock = clock

    def publish(
        self, activity: Activity, opens: Sequence[NewOpen], now: datetime
    ) -> Delivery[NewOpen]:
        sent = self._in_batches(
            event_messages(activity, opens, now),
            partial(self._deliver, activity),
            1 if self._receiver.ordered else IN_FLIGHT,
        )
        return Delivery(
            settled=tuple(new for new in opens if new.event_id in sent.settled),
            dead_lettered=sent.dead_lettered,
            failure=sent.failure,
        )

    def set_aside(self, activity: Activity, rows: Sequence[RejectedRow]) -> Delivery[RejectedRow]:
        keys = [row_fingerprint(row.identity).hex() for row in rows]
        sent = self._bury(activity, map(partial(row_message, activity), rows, keys))
        return Delivery(
            settled=tuple(row for row, key in zip(rows, keys, strict=True) if key in sent.settled),
            failure=sent.failure,
        )

    def _in_batches(
        self, messages: Iterable[Message], send: Callable[[Sequence[Message]], _Sent], at_once: int
    ) -> _Sent:
        """Send messages in batches, `at_once` of them at the same time.

        A message is made when its batch is sent, so few are in memory at the same time.
        """
        waiting, lock, over = batches(messages), Lock(), Event()

        def send_on() -> _Sent:
            """Send one batch after another, until this or another thread ends."""
            total = _Sent()
            try:
                while not over.is_set():
                    with lock:
                        batch = next(waiting, None)
                    if batch is None:
                        break
                    sent = send(batch)
                    total.add(sent)
                    # If nothing of a batch is accepted, the next batches would not be either; the
                    # next poll finds their messages again.
                    if sent.failure and not sent.settled:
                        break
            finally:
                over.set()
            return total

        if at_once == 1:
            return send_on()
        with ThreadPoolExecutor(at_once - 1, thread_name_prefix="publish") as threads:
            others = [threads.submit(send_on) for _ in range(at_once - 1)]
            total = send_on()
        for other in others:
            total.add(other.result())
        return total

    def _deliver(self, activity: Activity, batch: Sequence[Message]) -> _Sent:
        """Publish a batch, and put what the topic refuses for good into the dead-letter queue."""
        if batch[0].size_bytes > MOST_BYTES:  # It is alone then.
            size = f"{batch[0].size_bytes} bytes, of {MOST_BYTES} at most; cut"
            sent = _Sent(refused=[(batch[0], size)])
        else:
            sent = self._send(self._receiver, activity, batch)
        if not sent.refused:
            return sent
        buried = self._bury(activity, (dead_letter(*refusal) for refusal in sent.refused))
        buried.dead_lettered = len(buried.settled)
        sent.add(buried)
        return sent

    def _bury(self, activity: Activity, letters: Iterable[Message]) -> _Sent:
        def send(batch: Sequence[Message]) -> _Sent:
            sent = self._send(self._dead_letters, activity, batch)
            if sent.refused:
                sent.failure = PublishFailed(
                    f"{self._dead_letters.name} refused {len(sent.refused)} messages."
                )
            return sent

        return self._in_batches(letters, send, 1)

    def _send(self, receiver: Receiver, activity: Activity, batch: Sequence[Message]) -> _Sent:
        """Send until each message is accepted or refused for good, `TRIES` times at most."""
        left = [receiver.entry(activity, letter, number) for number, letter in enumerate(batch)]
        sent = _Sent()
        why = "no reply"
        for failures in range(TRIES):
            if failures:
                self._clock.sleep(pause_seconds(failures))
            try:
                reply = receiver.send(left)
            except ClientError as error:
                why = error.response["Error"]["Code"]
                continue
            except Exception as error:  # noqa: BLE001 - reported below, once what is settled is known
                why = type(error).__name__
                continue
            gone = {entry["Id"] for entry in reply.get("Successful", ())}
            sent.settled |= {batch[int(number)].key for number in gone}
            for fault in reply.get("Failed", ()):
                why = fault["Code"]
                if fault["SenderFault"] and not why.startswith(NOT_THE_MESSAGES_FAULT):
                    reason = ": ".join(filter(None, (why, fault.get("Message"))))
                    sent.refused.append((batch[int(fault["Id"])], reason))
                    gone.add(fault["Id"])
            left = [entry for entry in left if entry["Id"] not in gone]
            if not left:
                return sent
        sent.failure = PublishFailed(
            f"{receiver.name} did not accept {len(left)} messages within {TRIES} attempts: {why}."
        )
        return sent

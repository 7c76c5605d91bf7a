"""Opens to an SNS topic; what it refuses for good goes to an SQS dead-letter queue.

A dead letter has the body and attributes of the message to the topic, and one attribute more:
`reason`. So an operator can publish it again unchanged.
"""

import json
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial
from threading import Event
from typing import TYPE_CHECKING, Any, TypedDict, cast

from botocore.exceptions import ClientError

from email_opens.adapters.retry import pause_seconds
from email_opens.errors import PublishFailed
from email_opens.events import attributes, message, row_fingerprint
from email_opens.model import Activity, NewOpen, RejectedRow
from email_opens.ports import Clock, Delivery

if TYPE_CHECKING:
    from mypy_boto3_sns import SNSClient
    from mypy_boto3_sqs import SQSClient

TRIES = 5
IN_FLIGHT = 4
BATCH_MESSAGES = 10
MOST_BYTES = 256 * 1024
"""The most bytes of a message, and of a batch: bodies and attributes together."""
MOST_NUMBER = 10**9
"""The largest number in a filter policy of SNS."""
ROW_CHARACTERS = 20_000
VALUE_CHARACTERS = 1_000
REASON_CHARACTERS = 500

UNSENDABLE = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")
"""Characters that AWS accepts neither in a message nor in an attribute."""

NOT_THE_MESSAGES_FAULT = ("Throttl", "Auth", "AccessDenied", "KMS")
"""Beginnings of codes that SNS blames on the sender, but that end once the topic is repaired."""


class Attribute(TypedDict):
    """A message attribute, as SNS and SQS write it."""

    DataType: str
    StringValue: str


@dataclass(frozen=True, slots=True)
class Message:
    """A message, made once and sent as often as it takes."""

    body: str
    attributes: Mapping[str, Attribute]
    size_bytes: int
    key: str
    """Identifies it: an event's id, or the fingerprint of a row."""


type Entry = dict[str, Any]
type Send = Callable[[list[Entry]], Mapping[str, Any]]
"""A batch request of SNS or SQS: both reply with `Successful` and `Failed`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Receiver:
    """A topic, a queue, or a list: where messages are sent."""

    name: str
    """As the beginning of a sentence."""
    send: Send
    body: str = "MessageBody"
    """The name of an entry's body."""
    ordered: bool = False
    """It keeps the order of an activity's messages (FIFO)."""

    def entry(self, activity: Activity, message: Message, number: int) -> Entry:
        entry: Entry = {
            "Id": str(number),
            self.body: message.body,
            "MessageAttributes": message.attributes,
        }
        if self.ordered:
            entry["MessageGroupId"] = activity.campaign_activity_id
            entry["MessageDeduplicationId"] = message.key
        return entry


def topic(sns: "SNSClient", arn: str, name: str = "The topic") -> Receiver:
    """Return the topic of an ARN as a receiver."""
    # cast: the stubs know the entries' keys, and the two requests have no type in common.
    send = cast("Any", partial(sns.publish_batch, TopicArn=arn))
    return Receiver(
        name=name,
        send=lambda entries: send(PublishBatchRequestEntries=entries),
        body="Message",
        ordered=arn.endswith(".fifo"),
    )


def queue(sqs: "SQSClient", url: str, name: str = "The dead-letter queue") -> Receiver:
    """Return the queue of a URL as a receiver."""
    send = cast("Any", partial(sqs.send_message_batch, QueueUrl=url))
    return Receiver(
        name=name, send=lambda entries: send(Entries=entries), ordered=url.endswith(".fifo")
    )


def reasons(collected: list[str]) -> Receiver:
    """Return a receiver of dead letters that keeps only their reasons, in a list."""

    def send(entries: list[Entry]) -> Mapping[str, Any]:
        collected.extend(entry["MessageAttributes"]["reason"]["StringValue"] for entry in entries)
        return {"Successful": entries}

    return Receiver(name="The list of reasons", send=send)


@dataclass(slots=True)
class _Sent:
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
        messages = (_event(activity, new, now) for new in opens)
        sent = self._in_batches(
            messages, partial(self._deliver, activity), 1 if self._receiver.ordered else IN_FLIGHT
        )
        return Delivery(
            settled=tuple(new for new in opens if new.event_id in sent.settled),
            dead_lettered=sent.dead_lettered,
            failure=sent.failure,
        )

    def set_aside(self, activity: Activity, rows: Sequence[RejectedRow]) -> Delivery[RejectedRow]:
        keys = [row_fingerprint(row.identity).hex() for row in rows]
        sent = self._bury(activity, map(partial(_rejected, activity), rows, keys))
        return Delivery(
            settled=tuple(row for row, key in zip(rows, keys, strict=True) if key in sent.settled),
            failure=sent.failure,
        )

    def _in_batches(
        self, messages: Iterable[Message], send: Callable[[Sequence[Message]], _Sent], at_once: int
    ) -> _Sent:
        """Send messages in batches, `at_once` of them at the same time."""
        total, given_up = _Sent(), Event()

        def send_or_drop(batch: Sequence[Message]) -> _Sent:
            # If nothing of a batch is accepted, the next batches would not be either; the next
            # poll finds their messages again.
            if given_up.is_set():
                return _Sent()
            sent = send(batch)
            if sent.failure and not sent.settled:
                given_up.set()
            return sent

        if at_once == 1:
            for batch in _batches(messages):
                total.add(send_or_drop(batch))
            return total
        with ThreadPoolExecutor(at_once, thread_name_prefix="publish") as threads:
            for sent in threads.map(send_or_drop, _batches(messages)):
                total.add(sent)
        return total

    def _deliver(self, activity: Activity, batch: Sequence[Message]) -> _Sent:
        """Publish a batch, and put what the topic refuses for good into the dead-letter queue."""
        if batch[0].size_bytes > MOST_BYTES:  # It is alone then.
            size = f"{batch[0].size_bytes} bytes, of {MOST_BYTES} at most; cut"
            sent = _Sent(refused=[(batch[0], size)])
        else:
            sent = self._send(self._receiver, activity, batch)
        buried = self._bury(activity, (_dead_letter(*refusal) for refusal in sent.refused))
        buried.dead_lettered = len(buried.settled)
        sent.add(buried)
        return sent

    def _bury(self, activity: Activity, letters: Iterable[Message]) -> _Sent:
        def send(batch: Sequence[Message]) -> _Sent:
            sent = self._send(self._dead_letters, activity, batch)
            if sent.refused:
                sent.failure = PublishFailed(
                    f"{self._dead_letters.name} refused {len(sent.refused)} messages of activity "
                    f"{activity.campaign_activity_id}."
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
                    reason = f"{why}: {fault.get('Message')}"
                    sent.refused.append((batch[int(fault["Id"])], reason))
                    gone.add(fault["Id"])
            left = [entry for entry in left if entry["Id"] not in gone]
            if not left:
                return sent
        sent.failure = PublishFailed(
            f"{receiver.name} did not accept {len(left)} messages of activity "
            f"{activity.campaign_activity_id} within {TRIES} attempts: {why}."
        )
        return sent


def wire_attributes(values: Mapping[str, str | int]) -> dict[str, Attribute]:
    """Return attributes as SNS and SQS write them."""
    wire: dict[str, Attribute] = {}
    for name, value in values.items():
        if isinstance(value, int):
            number = max(-MOST_NUMBER, min(value, MOST_NUMBER))
            wire[name] = {"DataType": "Number", "StringValue": str(number)}
        else:
            wire[name] = {"DataType": "String", "StringValue": value}
    return wire


def _event(activity: Activity, new: NewOpen, now: datetime) -> Message:
    delay_seconds = int((now - new.open.created_time).total_seconds())
    values = attributes(activity, new, delay_seconds)
    if new.open.device_type and UNSENDABLE.search(new.open.device_type):
        del values["device_type"]
    return _message(message(activity, new), wire_attributes(values), new.event_id)


def _rejected(activity: Activity, row: RejectedRow, key: str) -> Message:
    body = {
        "account_id": activity.account_id,
        "campaign_activity_id": activity.campaign_activity_id,
        "row": row.row[:ROW_CHARACTERS],
    }
    return _message(json.dumps(body), {"reason": _text(row.reason, REASON_CHARACTERS)}, key)


def _dead_letter(letter: Message, reason: str) -> Message:
    """Add the reason; cut the longest values if the queue could not take the message whole."""
    reason_attribute = {"reason": _text(reason, REASON_CHARACTERS)}
    whole = _message(letter.body, {**letter.attributes, **reason_attribute}, letter.key)
    if whole.size_bytes <= MOST_BYTES:
        return whole
    body = json.loads(letter.body, object_hook=_cut)
    named = {
        name: Attribute(
            DataType=value["DataType"], StringValue=value["StringValue"][:VALUE_CHARACTERS]
        )
        for name, value in letter.attributes.items()
    }
    return _message(json.dumps(body), {**named, **reason_attribute}, letter.key)


def _cut(values: dict[str, Any]) -> dict[str, Any]:
    return {
        name: value[:VALUE_CHARACTERS] if isinstance(value, str) else value
        for name, value in values.items()
    }


def _text(text: str, most_characters: int) -> Attribute:
    return {"DataType": "String", "StringValue": UNSENDABLE.sub("?", text[:most_characters])}


def _message(body: str, attributes_: Mapping[str, Attribute], key: str) -> Message:
    if not body.isascii():  # JSON can write any character as ASCII.
        body = UNSENDABLE.sub(lambda found: f"\\u{ord(found[0]):04x}", body)
    size_bytes = _bytes(body) + sum(
        len(name) + len(value["DataType"]) + _bytes(value["StringValue"])
        for name, value in attributes_.items()
    )
    return Message(body, attributes_, size_bytes, key)


def _bytes(text: str) -> int:
    return len(text) if text.isascii() else len(text.encode())


def _batches(letters: Iterable[Message]) -> Iterator[Sequence[Message]]:
    """Pack messages in their order by number and size; one that is too large is alone."""
    batch: list[Message] = []
    batch_bytes = 0
    for letter in letters:
        full = len(batch) == BATCH_MESSAGES or batch_bytes + letter.size_bytes > MOST_BYTES
        if batch and full:
            yield batch
            batch, batch_bytes = [], 0
        batch.append(letter)
        batch_bytes += letter.size_bytes
    if batch:
        yield batch

"""Opens to an SNS topic; what it refuses for good goes to an SQS dead-letter queue.

A dead letter has the body and attributes of the message to the topic, and one attribute more:
`reason`. So an operator can publish it again unchanged.
"""

import json
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import TYPE_CHECKING, Any, TypedDict, cast

from botocore.exceptions import BotoCoreError, ClientError
from botocore.parsers import ResponseParserError

from email_opens.adapters.retry import pause_seconds
from email_opens.errors import PublishFailed
from email_opens.events import attributes, message
from email_opens.model import Activity, NewOpen, RejectedRow
from email_opens.ports import Clock

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
    event_id: str = ""


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
            entry["MessageDeduplicationId"] = message.event_id
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


class SnsPublisher:
    """Implements `email_opens.ports.Publisher`: to a receiver, and its refusals to another."""

    def __init__(self, receiver: Receiver, dead_letters: Receiver, clock: Clock) -> None:
        self._receiver = receiver
        self._dead_letters = dead_letters
        self._clock = clock

    def publish(self, activity: Activity, opens: Sequence[NewOpen], now: datetime) -> int:
        batches = _batches(_event(activity, new, now) for new in opens)
        deliver = partial(self._deliver, activity)
        if self._receiver.ordered:
            return sum(map(deliver, batches))
        # When a batch fails, the batches that have not begun are dropped: the next poll finds them.
        with ThreadPoolExecutor(IN_FLIGHT, thread_name_prefix="publish") as threads:
            return sum(threads.map(deliver, batches))

    def set_aside(self, activity: Activity, rows: Iterable[RejectedRow]) -> None:
        self._bury(activity, (_rejected(activity, row) for row in rows))

    def _deliver(self, activity: Activity, batch: Sequence[Message]) -> int:
        """Publish a batch; return how many of it are dead letters."""
        if batch[0].size_bytes > MOST_BYTES:  # It is alone then.
            refused = [(batch[0], f"{batch[0].size_bytes} bytes, of {MOST_BYTES} at most; cut")]
        else:
            refused = self._send(self._receiver, activity, batch)
        self._bury(activity, (_dead_letter(letter, reason) for letter, reason in refused))
        return len(refused)

    def _bury(self, activity: Activity, letters: Iterable[Message]) -> None:
        for batch in _batches(letters):
            if refused := self._send(self._dead_letters, activity, batch):
                raise PublishFailed(
                    f"{self._dead_letters.name} refused {len(refused)} messages of activity "
                    f"{activity.campaign_activity_id}."
                )

    def _send(
        self, receiver: Receiver, activity: Activity, batch: Sequence[Message]
    ) -> list[tuple[Message, str]]:
        """Send until each is acknowledged or refused for good; return the refused with the reason.

        Raises:
            PublishFailed: some were neither within `TRIES` attempts.
        """
        left = [receiver.entry(activity, letter, number) for number, letter in enumerate(batch)]
        refused: list[tuple[Message, str]] = []
        why = "no reply"
        for failures in range(TRIES):
            if failures:
                self._clock.sleep(pause_seconds(failures))
            try:
                reply = receiver.send(left)
            except ClientError as error:
                why = error.response["Error"]["Code"]
                continue
            except (BotoCoreError, ResponseParserError) as error:  # The latter: a cut reply.
                why = type(error).__name__
                continue
            settled = {entry["Id"] for entry in reply.get("Successful", ())}
            for fault in reply.get("Failed", ()):
                why = fault["Code"]
                if fault["SenderFault"] and not why.startswith(NOT_THE_MESSAGES_FAULT):
                    refused.append((batch[int(fault["Id"])], f"{why}: {fault.get('Message')}"))
                    settled.add(fault["Id"])
            left = [entry for entry in left if entry["Id"] not in settled]
            if not left:
                return refused
        raise PublishFailed(
            f"{receiver.name} did not take {len(left)} messages of activity "
            f"{activity.campaign_activity_id} within {TRIES} attempts: {why}."
        )


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


def _rejected(activity: Activity, row: RejectedRow) -> Message:
    body = {
        "account_id": activity.account_id,
        "campaign_activity_id": activity.campaign_activity_id,
        "row": row.row[:ROW_CHARACTERS],
    }
    return _message(json.dumps(body), {"reason": _text(row.reason, REASON_CHARACTERS)})


def _dead_letter(letter: Message, reason: str) -> Message:
    """Add the reason; cut the longest values if the queue could not take the message whole."""
    reason_attribute = {"reason": _text(reason, REASON_CHARACTERS)}
    whole = _message(letter.body, {**letter.attributes, **reason_attribute})
    if whole.size_bytes <= MOST_BYTES:
        return whole
    body = json.loads(letter.body, object_hook=_cut)
    named = {
        name: Attribute(
            DataType=value["DataType"], StringValue=value["StringValue"][:VALUE_CHARACTERS]
        )
        for name, value in letter.attributes.items()
    }
    return _message(json.dumps(body), {**named, **reason_attribute})


def _cut(values: dict[str, Any]) -> dict[str, Any]:
    return {
        name: value[:VALUE_CHARACTERS] if isinstance(value, str) else value
        for name, value in values.items()
    }


def _text(text: str, most_characters: int) -> Attribute:
    return {"DataType": "String", "StringValue": UNSENDABLE.sub("?", text[:most_characters])}


def _message(body: str, attributes_: Mapping[str, Attribute], event_id: str = "") -> Message:
    if not body.isascii():  # JSON can write any character as ASCII.
        body = UNSENDABLE.sub(lambda found: f"\\u{ord(found[0]):04x}", body)
    size_bytes = _bytes(body) + sum(
        len(name) + len(value["DataType"]) + _bytes(value["StringValue"])
        for name, value in attributes_.items()
    )
    return Message(body, attributes_, size_bytes, event_id)


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

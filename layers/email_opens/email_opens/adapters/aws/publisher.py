"""Opens to an SNS topic; what it refuses for good goes to an SQS dead-letter queue.

A dead letter is what the topic would have got, body and attributes, with one attribute more:
`reason`. So an operator can publish it again as it is.
"""

import json
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import TYPE_CHECKING, Any, cast

from botocore.exceptions import BotoCoreError, ClientError
from botocore.parsers import ResponseParserError

from email_opens.adapters.retry import pause_seconds
from email_opens.errors import PublishFailed
from email_opens.events import Attribute, attributes, message
from email_opens.model import Activity, NewOpen, RejectedRow
from email_opens.ports import Clock

if TYPE_CHECKING:
    from mypy_boto3_sns import SNSClient
    from mypy_boto3_sqs import SQSClient

TRIES = 5
IN_FLIGHT = 4
BATCH_MESSAGES = 10
MOST_BYTES = 256 * 1024
"""What a message may have, and a batch of them: bodies and attributes together."""
ROW_CHARACTERS = 20_000
VALUE_CHARACTERS = 1_000
REASON_CHARACTERS = 500

UNSENDABLE = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")
"""Characters that AWS takes in no message and in no attribute."""

NOT_THE_MESSAGES_FAULT = ("Throttl", "Auth", "AccessDenied", "KMS")
"""How codes begin that SNS may blame on the sender, and that pass once the topic is mended."""


@dataclass(frozen=True, slots=True)
class Message:
    """What is sent, made once and sent as often as it takes."""

    body: str
    attributes: Mapping[str, Attribute]
    size_bytes: int
    event_id: str = ""


type Entry = dict[str, Any]
type Send = Callable[[list[Entry]], Mapping[str, Any]]
"""A batch request of SNS or of SQS: both answer with `Successful` and `Failed`."""


@dataclass(frozen=True, slots=True)
class Receiver:
    """The topic or the dead-letter queue: its name for people, its entries, its request."""

    name: str
    entry: Callable[[Activity, Message], Entry]
    send: Send


class SnsPublisher:
    """Keeps `email_opens.ports.Publisher`."""

    def __init__(
        self, sns: "SNSClient", sqs: "SQSClient", topic_arn: str, dlq_url: str, clock: Clock
    ) -> None:
        self._clock = clock
        self._ordered = topic_arn.endswith(".fifo")
        # cast: the stubs know the entries' keys, and the two requests have no type in common.
        to_topic = cast("Any", partial(sns.publish_batch, TopicArn=topic_arn))
        to_queue = cast("Any", partial(sqs.send_message_batch, QueueUrl=dlq_url))
        self._topic = Receiver(
            name="The topic",
            entry=_ordered_topic_entry if self._ordered else _topic_entry,
            send=lambda entries: to_topic(PublishBatchRequestEntries=entries),
        )
        self._dead_letters = Receiver(
            name="The dead-letter queue",
            entry=_queue_entry,
            send=lambda entries: to_queue(Entries=entries),
        )

    def publish(self, activity: Activity, opens: Sequence[NewOpen], now: datetime) -> int:
        batches = _batches(_event(activity, new, now) for new in opens)
        deliver = partial(self._deliver, activity)
        if self._ordered:
            return sum(map(deliver, batches))
        # When a batch fails, those that have not begun are dropped: the next poll finds them.
        with ThreadPoolExecutor(IN_FLIGHT, thread_name_prefix="publish") as threads:
            return sum(threads.map(deliver, batches))

    def set_aside(self, activity: Activity, rows: Iterable[RejectedRow]) -> None:
        self._bury(activity, (_rejected(activity, row) for row in rows))

    def _deliver(self, activity: Activity, batch: Sequence[Message]) -> int:
        """Publish a batch; return how many of it are dead letters."""
        if batch[0].size_bytes > MOST_BYTES:  # It is alone then.
            refused = [(batch[0], f"{batch[0].size_bytes} bytes, of {MOST_BYTES} at most; cut")]
        else:
            refused = self._send(self._topic, activity, batch)
        self._bury(activity, (_dead_letter(letter, reason) for letter, reason in refused))
        return len(refused)

    def _bury(self, activity: Activity, letters: Iterable[Message]) -> None:
        for batch in _batches(letters):
            if refused := self._send(self._dead_letters, activity, batch):
                raise PublishFailed(
                    f"The dead-letter queue refused {len(refused)} messages of activity "
                    f"{activity.campaign_activity_id}."
                )

    def _send(
        self, receiver: Receiver, activity: Activity, batch: Sequence[Message]
    ) -> list[tuple[Message, str]]:
        """Send until each is acknowledged or refused for good; return these with the reason.

        Raises:
            PublishFailed: some were neither within the tries.
        """
        left = [
            receiver.entry(activity, letter) | {"Id": str(number)}
            for number, letter in enumerate(batch)
        ]
        refused: list[tuple[Message, str]] = []
        why = "no word of them"
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
            settled = {one["Id"] for one in reply.get("Successful", ())}
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
            f"{activity.campaign_activity_id} within {TRIES} tries: {why}."
        )


def _topic_entry(_: Activity, letter: Message) -> Entry:
    return {"Message": letter.body, "MessageAttributes": letter.attributes}


def _ordered_topic_entry(activity: Activity, letter: Message) -> Entry:
    return _topic_entry(activity, letter) | {
        "MessageGroupId": activity.campaign_activity_id,
        "MessageDeduplicationId": letter.event_id,
    }


def _queue_entry(_: Activity, letter: Message) -> Entry:
    return {"MessageBody": letter.body, "MessageAttributes": letter.attributes}


def _event(activity: Activity, new: NewOpen, now: datetime) -> Message:
    delay_seconds = int((now - new.open.created_time).total_seconds())
    named = attributes(activity, new, delay_seconds)
    if new.open.device_type and UNSENDABLE.search(new.open.device_type):
        named = {name: value for name, value in named.items() if name != "device_type"}
    return _message(message(activity, new), named, new.event_id)


def _rejected(activity: Activity, row: RejectedRow) -> Message:
    body = {
        "account_id": activity.account_id,
        "campaign_activity_id": activity.campaign_activity_id,
        "row": row.row[:ROW_CHARACTERS],
    }
    return _message(json.dumps(body), {"reason": _text(row.reason, REASON_CHARACTERS)})


def _dead_letter(letter: Message, reason: str) -> Message:
    """Add the reason; what the queue could not take whole has its longest values cut."""
    told = {"reason": _text(reason, REASON_CHARACTERS)}
    whole = _message(letter.body, {**letter.attributes, **told})
    if whole.size_bytes <= MOST_BYTES:
        return whole
    body = json.loads(letter.body, object_hook=_cut)
    named = {
        name: Attribute(
            DataType=value["DataType"], StringValue=value["StringValue"][:VALUE_CHARACTERS]
        )
        for name, value in letter.attributes.items()
    }
    return _message(json.dumps(body), {**named, **told})


def _cut(values: dict[str, Any]) -> dict[str, Any]:
    return {
        name: value[:VALUE_CHARACTERS] if isinstance(value, str) else value
        for name, value in values.items()
    }


def _text(text: str, most_characters: int) -> Attribute:
    return {"DataType": "String", "StringValue": UNSENDABLE.sub("?", text[:most_characters])}


def _message(body: str, named: Mapping[str, Attribute], event_id: str = "") -> Message:
    if not body.isascii():  # JSON may write any character as ASCII.
        body = UNSENDABLE.sub(lambda found: f"\\u{ord(found[0]):04x}", body)
    size_bytes = _bytes(body) + sum(
        len(name) + len(value["DataType"]) + _bytes(value["StringValue"])
        for name, value in named.items()
    )
    return Message(body, named, size_bytes, event_id)


def _bytes(text: str) -> int:
    return len(text) if text.isascii() else len(text.encode())


def _batches(letters: Iterable[Message]) -> Iterator[Sequence[Message]]:
    """Pack messages, in their order, by number and size; one that is too large is alone."""
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

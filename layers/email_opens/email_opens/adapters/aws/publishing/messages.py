"""The messages to a topic and to a dead-letter queue, and how they are packed into batches."""

import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from itertools import groupby
from operator import attrgetter
from typing import Any, NamedTuple, TypedDict

from email_opens.events import attributes, messages
from email_opens.model import Activity, NewOpen, RejectedRow

BATCH_MESSAGES = 10
MOST_BYTES = 256 * 1024
"""The most bytes of a message, and of a batch: bodies and attributes together."""
MOST_NUMBER = 10**9
"""The largest number in a filter policy of SNS."""
ROW_CHARACTERS = 20_000
VALUE_CHARACTERS = 1_000
REASON_CHARACTERS = 500

_DELAY = "delay_seconds"

UNSENDABLE = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")
"""Characters that AWS accepts neither in a message nor in an attribute."""


class Attribute(TypedDict):
    """A message attribute, as SNS and SQS write it."""

    DataType: str
    StringValue: str


class Message(NamedTuple):
    """A message, made once and sent as often as it takes."""

    body: str
    attributes: Mapping[str, Attribute]
    size_bytes: int
    key: str
    """Identifies it: an event's id, or the fingerprint of a row."""


def wire_attributes(values: Mapping[str, str | int]) -> dict[str, Attribute]:
    """Return attributes as SNS and SQS write them."""
    return {
        name: _number(value)
        if isinstance(value, int)
        else {"DataType": "String", "StringValue": value}
        for name, value in values.items()
    }


def event_messages(
    activity: Activity, opens: Iterable[NewOpen], now: datetime
) -> Iterator[Message]:
    """Make the messages about an activity's new opens, one after another.

    What these have in common is made once: a first read publishes thousands. Opens of the same
    instant follow each other.
    """
    write = messages(activity)
    shared: dict[tuple[str | None, bool | None], tuple[dict[str, Attribute], int]] = {}
    for created, alike in groupby(opens, attrgetter("open.created_time")):
        delay = _number(int((now - created).total_seconds()))
        delay_bytes = len(delay["StringValue"])
        for new in alike:
            key = new.open.device_type, new.first_open
            if key not in shared:
                values = attributes(activity, new, 0)
                unsendable = {name for name, text in values.items() if UNSENDABLE.search(f"{text}")}
                wire = wire_attributes({n: v for n, v in values.items() if n not in unsendable})
                shared[key] = wire, _attribute_bytes(wire) - len(wire[_DELAY]["StringValue"])
            wire, wire_bytes = shared[key]
            yield _message(
                write(new), {**wire, _DELAY: delay}, new.event_id, wire_bytes + delay_bytes
            )


def row_message(activity: Activity, row: RejectedRow, key: str) -> Message:
    """Return the dead letter of a row that is set aside."""
    body = {
        "account_id": activity.account_id,
        "campaign_activity_id": activity.campaign_activity_id,
        "row": row.row[:ROW_CHARACTERS],
    }
    return _message(json.dumps(body), {"reason": _text(row.reason, REASON_CHARACTERS)}, key)


def dead_letter(letter: Message, reason: str) -> Message:
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


def batches(letters: Iterable[Message]) -> Iterator[Sequence[Message]]:
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


def _cut(values: dict[str, Any]) -> dict[str, Any]:
    return {
        name: value[:VALUE_CHARACTERS] if isinstance(value, str) else value
        for name, value in values.items()
    }


def _number(value: int) -> Attribute:
    number = max(-MOST_NUMBER, min(value, MOST_NUMBER))
    return {"DataType": "Number", "StringValue": str(number)}


def _text(text: str, most_characters: int) -> Attribute:
    return {"DataType": "String", "StringValue": UNSENDABLE.sub("?", text[:most_characters])}


def _message(
    body: str, wire: Mapping[str, Attribute], key: str, wire_bytes: int | None = None
) -> Message:
    if wire_bytes is None:
        wire_bytes = _attribute_bytes(wire)
    if body.isascii():
        return Message(body, wire, len(body) + wire_bytes, key)
    # JSON can write any character as ASCII.
    body = UNSENDABLE.sub(lambda found: f"\\u{ord(found[0]):04x}", body)
    return Message(body, wire, _bytes(body) + wire_bytes, key)


def _attribute_bytes(wire: Mapping[str, Attribute]) -> int:
    return sum(
        len(name) + len(value["DataType"]) + _bytes(value["StringValue"])
        for name, value in wire.items()
    )


def _bytes(text: str) -> int:
    return len(text) if text.isascii() else len(text.encode())

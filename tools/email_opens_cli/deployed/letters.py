"""The letters of the dead-letter queue, received for a while and then given back."""

import json
from collections.abc import Iterator, Mapping, Sequence
from itertools import batched
from typing import TYPE_CHECKING, Any, Self

from email_opens.confidential import Confidential
from email_opens.events import EVENT_TYPE

if TYPE_CHECKING:
    from mypy_boto3_sqs import SQSClient
    from mypy_boto3_sqs.type_defs import MessageTypeDef

HELD_SECONDS = 120
"""How long a received letter stays hidden if this process is killed."""

WAIT_SECONDS = 1
"""Above zero, every server of the queue is searched, so an empty reply means an empty queue."""

_BATCH = 10

_MOST_REPEATS = 20
"""Replies in a row that contain only letters received before; after so many, no new letter is
expected. A letter is delivered again after `HELD_SECONDS`."""


class Letter(Confidential, frozen=True):
    """A dead letter; its body may contain addresses, so it is never shown."""

    message_id: str
    receipt: str
    body: str
    attributes: Mapping[str, str]
    """By name; numbers are text."""

    @property
    def reason(self) -> str:
        return self.attributes.get("reason", "no reason given")

    @property
    def event(self) -> Mapping[str, Any] | None:
        """The open; None: it is a row that is not an open, or a foreign message."""
        held = self._held
        is_open = held.get("type") == EVENT_TYPE and isinstance(held.get("data"), dict)
        return held if is_open and isinstance(held.get("id"), str) else None

    @property
    def activity_id(self) -> str | None:
        event = self.event
        found = (event["data"] if event else self._held).get("campaign_activity_id")
        return found if isinstance(found, str) else None

    @property
    def _held(self) -> Mapping[str, Any]:
        try:
            held = json.loads(self.body)
        except (ValueError, RecursionError):
            return {}
        return held if isinstance(held, dict) else {}


class Letters:
    """Receives letters within a `with`; those that were not deleted are then given back."""

    def __init__(self, sqs: "SQSClient", url: str) -> None:
        self._sqs, self._url = sqs, url
        self._receipts: dict[str, str] = {}
        """The receipts of the received letters, by message id."""
        self._deleted: set[str] = set()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        for batch in batched(list(self._receipts.values()), _BATCH, strict=False):
            self._sqs.change_message_visibility_batch(
                QueueUrl=self._url,
                Entries=[
                    {"Id": str(number), "ReceiptHandle": receipt, "VisibilityTimeout": 0}
                    for number, receipt in enumerate(batch)
                ],
            )

    def matching(self, reason: str | None) -> Iterator[list[Letter]]:
        """Yield the letters whose reason contains a text, some at a time, each once."""
        repeats = 0
        while repeats < _MOST_REPEATS and (received := self._receive()):
            new = self._unseen(received)
            repeats = 0 if new else repeats + 1
            matches = [
                letter
                for letter in new
                if reason is None or reason.lower() in letter.reason.lower()
            ]
            if matches:
                yield matches

    def delete(self, letters: Sequence[Letter]) -> int:
        """Delete letters for good; return how many were deleted."""
        deleted = 0
        for batch in batched(letters, _BATCH, strict=False):
            reply = self._sqs.delete_message_batch(
                QueueUrl=self._url,
                Entries=[
                    {"Id": str(number), "ReceiptHandle": self._receipts[letter.message_id]}
                    for number, letter in enumerate(batch)
                ],
            )
            for entry in reply.get("Successful", []):
                message_id = batch[int(entry["Id"])].message_id
                del self._receipts[message_id]
                self._deleted.add(message_id)
                deleted += 1
        return deleted

    def _receive(self) -> "list[MessageTypeDef]":
        """Receive some messages; an empty list if the queue has no others."""
        return self._sqs.receive_message(
            QueueUrl=self._url,
            MaxNumberOfMessages=_BATCH,
            MessageAttributeNames=["All"],
            VisibilityTimeout=HELD_SECONDS,
            WaitTimeSeconds=WAIT_SECONDS,
        ).get("Messages", [])

    def _unseen(self, messages: "Sequence[MessageTypeDef]") -> list[Letter]:
        """Hold messages; return those that were not received before."""
        received = self._deleted | self._receipts.keys()
        self._receipts |= {message["MessageId"]: message["ReceiptHandle"] for message in messages}
        return [_letter(message) for message in messages if message["MessageId"] not in received]


def _letter(message: "MessageTypeDef") -> Letter:
    attributes = message.get("MessageAttributes", {})
    values = {name: value.get("StringValue", "") for name, value in attributes.items()}
    return Letter(message["MessageId"], message["ReceiptHandle"], message["Body"], values)

"""The queue of the alert: what is returned to it, and what goes to its dead-letter queue."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import timedelta
from itertools import batched
from typing import TYPE_CHECKING, Any

from botocore.exceptions import BotoCoreError, ClientError

from email_opens.adapters.aws.publishing.messages import (
    BATCH_MESSAGES,
    MOST_BYTES,
    REASON_CHARACTERS,
    UNSENDABLE,
)
from email_opens.confidential import Confidential

if TYPE_CHECKING:
    from mypy_boto3_sqs import SQSClient

REASON = "reason"
"""The attribute of a dead letter that says why it is one."""
MOST_ATTRIBUTES = 10


class DeadLetter(Confidential, frozen=True, kw_only=True):
    """A message for the dead-letter queue, unchanged, so that it can be sent again."""

    key: str
    body: str
    attributes: Mapping[str, Any]
    """As SQS hands them to a function: `{"stringValue": …, "dataType": …}` by name."""
    reason: str


class AlertQueue:
    def __init__(self, client: "SQSClient", url: str, dead_letter_url: str) -> None:
        self._client = client
        self._url = url
        self._dead_letter_url = dead_letter_url

    def hide(self, delays: Mapping[str, timedelta]) -> None:
        """Hide messages, by receipt handle, for as long as each is to wait.

        One that cannot be hidden appears again after the queue's visibility timeout.
        """
        for batch in batched(delays.items(), BATCH_MESSAGES, strict=False):
            entries = [
                {
                    "Id": str(number),
                    "ReceiptHandle": receipt,
                    "VisibilityTimeout": int(delay.total_seconds()),
                }
                for number, (receipt, delay) in enumerate(batch)
            ]
            try:
                self._client.change_message_visibility_batch(
                    QueueUrl=self._url, Entries=_any(entries)
                )
            except (BotoCoreError, ClientError):
                continue

    def set_aside(self, letters: Iterable[DeadLetter]) -> set[str]:
        """Send messages to the dead-letter queue; return the keys of those that it accepted."""
        accepted: set[str] = set()
        for batch in _batches(letters):
            entries = [
                {
                    "Id": str(number),
                    "MessageBody": letter.body,
                    "MessageAttributes": _attributes(letter),
                }
                for number, letter in enumerate(batch)
            ]
            try:
                reply = self._client.send_message_batch(
                    QueueUrl=self._dead_letter_url, Entries=_any(entries)
                )
            except (BotoCoreError, ClientError):
                continue
            accepted |= {batch[int(sent["Id"])].key for sent in reply.get("Successful", ())}
        return accepted


def _batches(letters: Iterable[DeadLetter]) -> Iterable[Sequence[DeadLetter]]:
    """Pack letters so that a batch is no larger than SQS accepts; a large one is alone."""
    batch: list[DeadLetter] = []
    size = 0
    for letter in letters:
        more = len(letter.body.encode(errors="replace")) + 4_096
        if batch and (len(batch) == BATCH_MESSAGES or size + more > MOST_BYTES):
            yield batch
            batch, size = [], 0
        batch.append(letter)
        size += more
    if batch:
        yield batch


def _attributes(letter: DeadLetter) -> dict[str, Any]:
    kept = {
        name: {"DataType": value["dataType"], "StringValue": value["stringValue"]}
        for name, value in letter.attributes.items()
        if name != REASON and value.get("stringValue")
    }
    named = dict(list(kept.items())[: MOST_ATTRIBUTES - 1])
    reason = UNSENDABLE.sub("?", letter.reason)[:REASON_CHARACTERS]
    return {**named, REASON: {"DataType": "String", "StringValue": reason}}


def _any(entries: Any) -> Any:
    """Hide the entries' type: the stubs know their keys."""
    return entries

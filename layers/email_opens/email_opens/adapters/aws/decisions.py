"""Decisions in DynamoDB: for each key, the value that was written first.

The decisions of a partition are a log of numbered entries. An entry is written only if its number
is free, so of two writers one succeeds; the other reads that entry, and then decides only about the
remaining keys. All decisions of a call are one entry, so a call costs one write, and no read while
the log is in memory.
"""

from collections import OrderedDict
from collections.abc import Iterable, Mapping
from datetime import timedelta
from itertools import batched
from typing import TYPE_CHECKING

from botocore.exceptions import ClientError

from email_opens.adapters.aws.ledger import RETRIED, refuse_newer_entry
from email_opens.adapters.retry import pause_seconds
from email_opens.errors import ActivityFailed
from email_opens.packed import KEY_BYTES, Packed
from email_opens.ports import Clock

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient
    from mypy_boto3_dynamodb.type_defs import PutItemInputTypeDef, QueryInputPaginateTypeDef

TRIES = 8
PAIR_BYTES = 2 * KEY_BYTES
"""A key and its value."""
ENTRY_DECISIONS = 6_000
"""96 KB: an entry stays well below DynamoDB's 400 KB."""
MOST_IN_MEMORY = 2_000_000
"""Decisions that are kept in memory: 32 MB."""
OVERHEAD = 5
"""What a part of a log costs besides its decisions, as decisions: about 80 bytes."""

NUMBER_IS_FREE = "attribute_not_exists(entry)"
"""An entry is added once and never replaced, so the first write of a number decides."""


class DynamoDBDecisions:
    """Implements `email_opens.ports.Decisions`; decisions expire `kept` after they are made."""

    def __init__(
        self,
        client: "DynamoDBClient",
        table: str,
        kept: timedelta,
        clock: Clock,
        *,
        most_in_memory: int = MOST_IN_MEMORY,
    ) -> None:
        self._client = client
        self._table = table
        self._kept = kept
        self._clock = clock
        self._most_in_memory = most_in_memory
        self._logs: OrderedDict[str, _Log] = OrderedDict()

    def decide(self, partition: str, wanted: Mapping[bytes, bytes]) -> dict[bytes, bytes]:
        """Return for each key the decided value, which is the wanted one if none was decided.

        Raises:
            ActivityFailed: an entry is malformed, or only a newer version understands it, or
                DynamoDB has no capacity.
        """
        if not wanted:
            return {}
        log = self._log(partition)
        decided: dict[bytes, bytes] = {}
        for part in batched(sorted(wanted), ENTRY_DECISIONS, strict=False):
            left = list(part)
            for _ in range(TRIES):
                decided |= log.decided(left)
                ours = {key: wanted[key] for key in left if key not in decided}
                if not ours or self._write(partition, log, ours):
                    decided |= ours
                    break
                left = list(ours)
                self._read_on(partition, log)
            else:
                decided |= log.decided(left)
        if len(decided) < len(wanted):
            raise ActivityFailed(
                f"Other writers decided at the same time, {TRIES} times in a row; it is retried."
            )
        return decided

    def decided(self, partition: str, keys: Iterable[bytes]) -> dict[bytes, bytes]:
        """Return the values of those keys that are decided.

        Raises:
            ActivityFailed: as `decide`.
        """
        log = self._log(partition)
        self._read_on(partition, log)
        return log.decided(keys)

    def _log(self, partition: str) -> "_Log":
        """Return a partition's log, from memory or read; drop the logs that were used longest ago.

        Logs are dropped only while there are more than `most_in_memory` decisions. If a
        read fails, what it has read stays, and the next one continues from there.
        """
        log = self._logs.get(partition)
        if log is None:
            log = self._logs[partition] = _Log()
            self._read_on(partition, log)
        self._logs.move_to_end(partition)
        while len(self._logs) > 1 and self._in_memory() > self._most_in_memory:
            self._logs.popitem(last=False)
        return log

    def _in_memory(self) -> int:
        return sum(log.in_memory for log in self._logs.values())

    def _write(self, partition: str, log: "_Log", decisions: Mapping[bytes, bytes]) -> bool:
        """Add an entry to a log; return False if another has its number.

        After a lost reply the number may be that of this very entry, which is then read.
        """
        packed = b"".join(key + value for key, value in decisions.items())
        expires_at_seconds = int((self._clock.now() + self._kept).timestamp())
        put: PutItemInputTypeDef = {
            "TableName": self._table,
            "Item": {
                "campaign_activity_id": {"S": partition},
                "entry": {"S": f"{log.next_number:08}"},
                "decisions": {"B": packed},
                "expires_at": {"N": str(expires_at_seconds)},
            },
            "ConditionExpression": NUMBER_IS_FREE,
        }
        for failures in range(TRIES):
            if failures:
                self._clock.sleep(pause_seconds(failures))
            try:
                self._client.put_item(**put)
            except ClientError as error:
                code = error.response["Error"]["Code"]
                if code == "ConditionalCheckFailedException":
                    return False
                if code not in RETRIED:
                    raise
            else:
                log.add(log.next_number, packed)
                return True
        raise ActivityFailed(
            f"Decisions could not be stored in {TRIES} attempts: DynamoDB has no capacity."
        )

    def _read_on(self, partition: str, log: "_Log") -> None:
        """Read the entries that a log in memory lacks."""
        query: QueryInputPaginateTypeDef = {
            "TableName": self._table,
            "KeyConditionExpression": "campaign_activity_id = :partition AND #entry >= :next",
            "ProjectionExpression": "#entry, decisions, #schema",
            "ExpressionAttributeNames": {"#entry": "entry", "#schema": "schema"},
            "ExpressionAttributeValues": {
                ":partition": {"S": partition},
                ":next": {"S": f"{log.next_number:08}"},
            },
            "ConsistentRead": True,
        }
        for page in self._client.get_paginator("query").paginate(**query):
            for item in page["Items"]:
                entry = item["entry"]["S"]
                refuse_newer_entry(item, f"The table's entry {entry[:20]} of {partition}")
                packed = item.get("decisions", {}).get("B")
                if packed is None or len(packed) % PAIR_BYTES or not entry.isdigit():
                    raise ActivityFailed(
                        f"The table's entry {entry[:20]} of {partition} cannot be read. Delete "
                        "it: some opens may then be marked as first, or shown in a chat, again."
                    )
                log.add(int(entry), packed)


class _Log:
    """The decisions of a partition, packed: a million take 16 MB."""

    def __init__(self) -> None:
        self.next_number = 0
        self._decisions = Packed(PAIR_BYTES)

    @property
    def in_memory(self) -> int:
        """How many decisions the log's memory could hold: small logs are mostly overhead."""
        return len(self._decisions) + OVERHEAD * (1 + self._decisions.buckets)

    def add(self, number: int, packed: bytes) -> None:
        """Add an entry; a key that is already decided keeps its value."""
        self._decisions.add(packed)
        self.next_number = number + 1

    def decided(self, keys: Iterable[bytes]) -> dict[bytes, bytes]:
        found = ((key, self._decisions.find(key)) for key in keys)
        return {key: pair[KEY_BYTES:] for key, pair in found if pair is not None}

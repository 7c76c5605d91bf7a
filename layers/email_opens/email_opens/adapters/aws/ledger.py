"""The ledger in DynamoDB: entries are only ever added, so a write costs only what it adds.

An entry's key ends with a hash of its content, so a retry after a lost reply or a crashed
invocation writes the same entry again.
"""

from collections.abc import Collection, Iterator, Mapping
from datetime import timedelta
from hashlib import blake2b
from itertools import batched
from typing import TYPE_CHECKING, cast

from botocore.exceptions import ClientError

from email_opens.adapters.records.attributes import Malformed, StoredRecord
from email_opens.adapters.records.schemas import NewerSchema, refuse_newer
from email_opens.adapters.retry import pause_seconds
from email_opens.errors import ActivityFailed
from email_opens.events import FINGERPRINT_BYTES, unpack
from email_opens.packed import PackedSet, union
from email_opens.ports import Clock

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient
    from mypy_boto3_dynamodb.type_defs import (
        AttributeValueTypeDef,
        BatchWriteItemInputTypeDef,
        QueryInputPaginateTypeDef,
        WriteRequestOutputTypeDef,
        WriteRequestTypeDef,
    )

    from email_opens.adapters.aws.items import StoredItem

    type Write = WriteRequestTypeDef | WriteRequestOutputTypeDef

TRIES = 8
BATCH_ITEMS = 25
ENTRY_FINGERPRINTS = 12_000
"""96 KB: an entry stays well below DynamoDB's 400 KB, and a batch of 25 below its 16 MB."""

AFTER_EVERY_HASH = "~"

ENTRY_SCHEMA = 1
"""The newest schema of the ledger's entries and of decisions that this version understands.

An entry is written once and never changed. There are millions, so those of the first schema carry
no number.
"""

RETRIED = frozenset(
    {
        "ProvisionedThroughputExceededException",
        "RequestLimitExceeded",
        "ThrottlingException",
        "InternalServerError",
    }
)
"""Error codes of a call that wrote nothing and can be retried."""


class DynamoDBLedger:
    """Implements `email_opens.ports.Ledger`; entries expire `kept` after they are written."""

    def __init__(self, client: "DynamoDBClient", table: str, kept: timedelta, clock: Clock) -> None:
        self._client = client
        self._table = table
        self._kept = kept
        self._clock = clock

    def fingerprints(
        self, campaign_activity_id: str, first_bucket: str, last_bucket: str
    ) -> dict[str, set[bytes] | PackedSet]:
        """Return, by bucket, the fingerprints from the first bucket to the last, both included.

        Raises:
            ActivityFailed: an entry is malformed, or only a newer version understands it, so what
                was published is unknown.
        """
        query: QueryInputPaginateTypeDef = {
            "TableName": self._table,
            "KeyConditionExpression": (
                "campaign_activity_id = :activity AND #entry BETWEEN :first AND :last"
            ),
            "ProjectionExpression": "#entry, fingerprints, expires_at, #schema",
            "ExpressionAttributeNames": {"#entry": "entry", "#schema": "schema"},
            "ExpressionAttributeValues": {
                ":activity": {"S": campaign_activity_id},
                ":first": {"S": first_bucket},
                ":last": {"S": f"{last_bucket}#{AFTER_EVERY_HASH}"},
            },
            "ConsistentRead": True,
        }
        # DynamoDB deletes expired items within days, not at once.
        now_seconds = self._clock.now().timestamp()
        found: dict[str, set[bytes] | PackedSet] = {}
        for page in self._client.get_paginator("query").paginate(**query):
            for item in page["Items"]:
                if _expired(item, now_seconds):
                    continue
                entry = item["entry"]["S"]
                refuse_newer_entry(item, f"The ledger's entry {entry} of {campaign_activity_id}")
                packed = item.get("fingerprints", {}).get("B")
                if packed is None or len(packed) % FINGERPRINT_BYTES:
                    raise ActivityFailed(
                        f"The ledger's entry {entry} of activity {campaign_activity_id} cannot be "
                        "read. Delete it: its opens are then published again, under the same ids."
                    )
                bucket, count = entry.partition("#")[0], len(packed) // FINGERPRINT_BYTES
                found[bucket] = union(found.get(bucket, set()), unpack(packed), count)
        return found

    def append(self, campaign_activity_id: str, entries: Mapping[str, Collection[bytes]]) -> None:
        """Add fingerprints by bucket; all are stored when it returns.

        Raises:
            ActivityFailed: DynamoDB left writes unprocessed after every retry.
        """
        for batch in batched(
            self._writes(campaign_activity_id, entries), BATCH_ITEMS, strict=False
        ):
            left: list[Write] = list(batch)
            for failures in range(TRIES):
                if failures:
                    self._clock.sleep(pause_seconds(failures))
                left = self._unprocessed(left)
                if not left:
                    break
            else:
                raise ActivityFailed(
                    f"The ledger could not record the published opens in {TRIES} attempts: "
                    "DynamoDB has no capacity."
                )

    def _writes(
        self, campaign_activity_id: str, entries: Mapping[str, Collection[bytes]]
    ) -> Iterator["Write"]:
        expires_at_seconds = int((self._clock.now() + self._kept).timestamp())
        for bucket, fingerprints in entries.items():
            for part in batched(sorted(set(fingerprints)), ENTRY_FINGERPRINTS, strict=False):
                packed = b"".join(part)
                content = blake2b(packed, digest_size=16).hexdigest()
                yield {
                    "PutRequest": {
                        "Item": {
                            "campaign_activity_id": {"S": campaign_activity_id},
                            "entry": {"S": f"{bucket}#{content}"},
                            "fingerprints": {"B": packed},
                            "expires_at": {"N": str(expires_at_seconds)},
                        }
                    }
                }

    def _unprocessed(self, writes: list["Write"]) -> list["Write"]:
        """Write a batch; return the writes that DynamoDB left unprocessed."""
        request: BatchWriteItemInputTypeDef = {"RequestItems": {self._table: writes}}
        try:
            reply = self._client.batch_write_item(**request)
        except ClientError as error:
            if error.response["Error"]["Code"] in RETRIED:
                return writes
            raise
        return list(reply["UnprocessedItems"].get(self._table, ()))


def refuse_newer_entry(item: "StoredItem", name: str) -> None:
    """Refuse an entry of a newer schema; entries of the first schema have no number.

    Raises:
        ActivityFailed: its schema is newer; the message names the remedy.
    """
    try:
        refuse_newer(cast("StoredRecord", item), ENTRY_SCHEMA, name)
    except NewerSchema as error:
        raise ActivityFailed(str(error)) from None
    except Malformed as error:
        raise ActivityFailed(f"{name} cannot be read: {error}.") from None


def _expired(item: "Mapping[str, AttributeValueTypeDef]", now_seconds: float) -> bool:
    """Return whether an entry has expired; as in DynamoDB, one without a number never expires."""
    expires_at_seconds = item.get("expires_at", {}).get("N")
    return expires_at_seconds is not None and float(expires_at_seconds) <= now_seconds

"""The outcomes of posts in DynamoDB, beside the decisions: one item for each post."""

from collections.abc import Collection
from datetime import timedelta
from itertools import batched
from typing import TYPE_CHECKING

from botocore.exceptions import ClientError

from email_opens.adapters.aws.ledger import RETRIED
from email_opens.adapters.retry import pause_seconds
from email_opens.alerts.ports import Outcome
from email_opens.errors import AlertsUnsettled
from email_opens.ports import Clock

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient
    from mypy_boto3_dynamodb.type_defs import (
        BatchGetItemInputTypeDef,
        KeysAndAttributesOutputTypeDef,
        KeysAndAttributesTypeDef,
        PutItemInputTypeDef,
    )

TRIES = 5
BATCH_ITEMS = 100
_MOST_IN_MEMORY = 100_000


class DynamoDBPosts:
    """Implements `email_opens.alerts.ports.Posts`; outcomes expire `kept` after they are stored."""

    def __init__(self, client: "DynamoDBClient", table: str, kept: timedelta, clock: Clock) -> None:
        self._client = client
        self._table = table
        self._kept = kept
        self._clock = clock
        self._final: dict[tuple[str, bytes], Outcome] = {}
        """Outcomes never change, so those that were read once are kept in memory."""

    def record(self, partition: str, post: bytes, outcome: Outcome) -> None:
        put: PutItemInputTypeDef = {
            "TableName": self._table,
            "Item": {
                "campaign_activity_id": {"S": _partition(partition)},
                "entry": {"S": post.hex()},
                "outcome": {"S": outcome},
                "expires_at": {"N": str(int((self._clock.now() + self._kept).timestamp()))},
            },
        }
        for failures in range(TRIES):
            if failures:
                self._clock.sleep(pause_seconds(failures))
            try:
                self._client.put_item(**put)
            except ClientError as error:
                if error.response["Error"]["Code"] not in RETRIED:
                    raise
            else:
                return
        raise AlertsUnsettled(
            f"The outcome of a post could not be stored in {TRIES} attempts: DynamoDB has no "
            "capacity. Its opens are not posted again."
        )

    def outcomes(self, partition: str, posts: Collection[bytes]) -> dict[bytes, Outcome]:
        unread = [post for post in posts if (partition, post) not in self._final]
        if len(self._final) + len(unread) > _MOST_IN_MEMORY:
            self._final.clear()
            unread = list(posts)
        for batch in batched(sorted(unread), BATCH_ITEMS, strict=False):
            self._read(partition, batch)
        return {
            post: self._final[partition, post] for post in posts if (partition, post) in self._final
        }

    def _read(self, partition: str, posts: Collection[bytes]) -> None:
        left: KeysAndAttributesTypeDef | KeysAndAttributesOutputTypeDef = {
            "Keys": [
                {"campaign_activity_id": {"S": _partition(partition)}, "entry": {"S": post.hex()}}
                for post in posts
            ],
            "ConsistentRead": True,
        }
        for failures in range(TRIES):
            if failures:
                self._clock.sleep(pause_seconds(failures))
            request: BatchGetItemInputTypeDef = {"RequestItems": {self._table: left}}
            try:
                reply = self._client.batch_get_item(**request)
            except ClientError as error:
                if error.response["Error"]["Code"] not in RETRIED:
                    raise
                continue
            for item in reply["Responses"].get(self._table, ()):
                outcome = Outcome(item["outcome"]["S"])
                self._final[partition, bytes.fromhex(item["entry"]["S"])] = outcome
            unprocessed = reply.get("UnprocessedKeys", {}).get(self._table)
            if not unprocessed:
                return
            left = unprocessed
        raise AlertsUnsettled(
            f"The outcomes of earlier posts could not be read in {TRIES} attempts: DynamoDB has no "
            "capacity. Nothing is posted for now."
        )


def _partition(campaign_activity_id: str) -> str:
    """Return a partition beside that of the decisions, which is read as a whole."""
    return f"{campaign_activity_id}#posts"

"""The memory of an account's searches, in one item of the tracking table.

The item has two maps by campaign id: `looks` has the campaigns that were read, `failed` those that
are still to be read. `forgotten` is the range of the sends that did not fit. An older version reads
only `looks`, so it reads the failed campaigns again. What a newer version adds to the item or to an
entry is kept.
"""

from typing import TYPE_CHECKING, cast

from email_opens.adapters.records.attributes import Malformed, StoredRecord
from email_opens.adapters.records.schemas import NewerSchema, refuse_newer, unknown_of
from email_opens.discovery.campaigns import Forgotten, Place, SearchMemory, SeenCampaign
from email_opens.errors import NewerItem
from email_opens.instants import iso, utc

if TYPE_CHECKING:
    from collections.abc import Mapping

    from mypy_boto3_dynamodb import DynamoDBClient

    from email_opens.adapters.aws.items import Item, StoredItem

DISCOVERY_ITEM = "discovery"
SCHEMA = 1
"""The newest schema of this item that this version understands, and the one that it writes."""
KNOWN = frozenset({"last_sent", "left_out", "failures", "retry_at"})
"""The attributes of an entry that this version reads."""
MOST_BYTES = 360_000
"""Of the entries; DynamoDB refuses an item of more than 400 KB."""

_PARTS = {"looks": False, "failed": True}
"""The maps of the item, and whether they hold the campaigns that failed."""
_ELEMENT_BYTES = 4
"""What DynamoDB counts for an element of a map at most, besides its name and value."""


class DynamoDBSeenCampaigns:
    """Implements `email_opens.discovery.ports.SeenCampaigns`."""

    def __init__(
        self, client: "DynamoDBClient", table: str, *, most_bytes: int = MOST_BYTES
    ) -> None:
        self._client = client
        self._table = table
        self._most_bytes = most_bytes

    def load(self, account_id: str) -> SearchMemory:
        reply = self._client.get_item(
            TableName=self._table, Key=_key(account_id), ConsistentRead=True
        )
        item = reply.get("Item", {})
        _refuse_newer(item, account_id)
        stored = [(name, value) for part in _PARTS for name, value in _map(item, part).items()]
        read = {campaign_id: _seen_campaign(value) for campaign_id, value in stored}
        campaigns = {campaign_id: seen for campaign_id, seen in read.items() if seen}
        return SearchMemory(campaigns, _forgotten(item))

    def store(self, account_id: str, memory: SearchMemory) -> None:
        memory = memory.reduced(self._fitting(memory))
        values: Item = {":schema": {"N": str(SCHEMA)}}
        for part, failed in _PARTS.items():
            entries: Item = {
                campaign_id: {"M": _entry(seen)}
                for campaign_id, seen in memory.campaigns.items()
                if (seen.failures > 0) is failed
            }
            values[f":{part}"] = {"M": entries}
        if memory.forgotten is not None:
            values[":forgotten"] = {
                "M": {
                    "oldest": {"M": _place(memory.forgotten.oldest)},
                    "newest": {"M": _place(memory.forgotten.newest)},
                }
            }
        sets = ", ".join(f"#{name[1:]} = {name}" for name in values)
        removes = "" if memory.forgotten else " REMOVE #forgotten"
        names = ("schema", *_PARTS, "forgotten")
        self._client.update_item(
            TableName=self._table,
            Key=_key(account_id),
            UpdateExpression=f"SET {sets}{removes}",
            ExpressionAttributeNames={f"#{name}": name for name in names},
            ExpressionAttributeValues=values,
        )

    def _fitting(self, memory: SearchMemory) -> int:
        """Return how many campaigns fit into the item."""
        size = 0
        for number, (campaign_id, seen) in enumerate(memory.ranked()):
            size += _bytes(campaign_id, seen)
            if size > self._most_bytes:
                return number
        return len(memory.campaigns)


def _key(account_id: str) -> "Item":
    return {"account_id": {"S": account_id}, "item": {"S": DISCOVERY_ITEM}}


def _refuse_newer(item: "StoredItem", account_id: str) -> None:
    name = f"The item of the searches of account “{account_id}”"
    try:
        refuse_newer(cast("StoredRecord", item), SCHEMA, name)
    except NewerSchema as error:
        raise NewerItem(str(error)) from None
    except Malformed:
        return


def _map(item: "StoredItem", name: str) -> "Mapping[str, object]":
    return cast("Mapping[str, Mapping[str, Mapping[str, object]]]", item).get(name, {}).get("M", {})


def _entry(seen: SeenCampaign) -> "Item":
    entry: Item = {**seen.unknown, "last_sent": {"S": iso(seen.last_sent)}}
    if seen.left_out is not None:
        entry["left_out"] = {"S": seen.left_out}
    if seen.failures:
        entry["failures"] = {"N": str(seen.failures)}
    if seen.retry_at is not None:
        entry["retry_at"] = {"S": iso(seen.retry_at)}
    return entry


def _place(place: Place) -> "Item":
    last_sent, campaign_id = place
    return {"last_sent": {"S": iso(last_sent)}, "campaign_id": {"S": campaign_id}}


def _bytes(campaign_id: str, seen: SeenCampaign) -> int:
    """Return how many bytes an entry adds to the item, at most."""
    size = len(campaign_id.encode()) + _ELEMENT_BYTES
    for name, value in _entry(seen).items():
        (content,) = value.values()
        size += len(name) + len(str(content).encode()) + _ELEMENT_BYTES
    return size


def _seen_campaign(value: object) -> SeenCampaign | None:
    """Return a seen campaign; None if it is malformed, so that discovery reads it again."""
    try:
        entry = cast("Mapping[str, StoredItem]", value)["M"]
        retry_at = entry.get("retry_at", {}).get("S")
        return SeenCampaign(
            utc(entry["last_sent"]["S"]),
            left_out=entry.get("left_out", {}).get("S"),
            failures=max(0, int(entry.get("failures", {}).get("N", "0"))),
            retry_at=None if retry_at is None else utc(retry_at),
            unknown=unknown_of(entry, KNOWN),
        )
    except (KeyError, TypeError, AttributeError, ValueError):
        return None


def _forgotten(item: "StoredItem") -> Forgotten | None:
    """Return the forgotten range; None if it is malformed, so that discovery reads it again."""
    try:
        places = cast("Mapping[str, Mapping[str, StoredItem]]", item["forgotten"]["M"])
        oldest, newest = (
            (utc(place["last_sent"]["S"]), place["campaign_id"]["S"])
            for place in (places["oldest"]["M"], places["newest"]["M"])
        )
        return Forgotten(oldest, newest)
    except (KeyError, TypeError, AttributeError, ValueError):
        return None

"""The campaigns that discovery has seen, in one item of the tracking table per account."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, cast

from email_opens.discovery.campaigns import SeenCampaign
from email_opens.instants import iso, utc

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

    from email_opens.adapters.aws.items import Item, StoredItem

DISCOVERY_ITEM = "discovery"
MOST_SEEN_CAMPAIGNS = 800
"""An item holds at most 400 KB; the campaigns that were sent last are kept."""


class DynamoDBSeenCampaigns:
    """Implements `email_opens.discovery.ports.SeenCampaigns`."""

    def __init__(self, client: "DynamoDBClient", table: str) -> None:
        self._client = client
        self._table = table

    def load(self, account_id: str) -> dict[str, SeenCampaign]:
        reply = self._client.get_item(
            TableName=self._table, Key=_key(account_id), ConsistentRead=True
        )
        stored = reply.get("Item", {}).get("looks", {}).get("M", {})
        read = {campaign_id: _seen_campaign(value) for campaign_id, value in stored.items()}
        return {
            campaign_id: seen_campaign
            for campaign_id, seen_campaign in read.items()
            if seen_campaign
        }

    def store(self, account_id: str, seen: Mapping[str, SeenCampaign]) -> None:
        latest = sorted(seen.items(), key=lambda item: item[1].last_sent, reverse=True)
        items: Item = {
            campaign_id: {"M": _item(seen_campaign)}
            for campaign_id, seen_campaign in latest[:MOST_SEEN_CAMPAIGNS]
        }
        self._client.put_item(
            TableName=self._table, Item=_key(account_id) | {"looks": {"M": items}}
        )


def _key(account_id: str) -> "Item":
    return {"account_id": {"S": account_id}, "item": {"S": DISCOVERY_ITEM}}


def _item(seen_campaign: SeenCampaign) -> "Item":
    item: Item = {"last_sent": {"S": iso(seen_campaign.last_sent)}}
    return (
        item
        if seen_campaign.left_out is None
        else item | {"left_out": {"S": seen_campaign.left_out}}
    )


def _seen_campaign(value: object) -> SeenCampaign | None:
    """Return a seen campaign; None if it is malformed, so that discovery reads it again."""
    try:
        item = cast("Mapping[str, StoredItem]", value)["M"]
        left_out = item.get("left_out", {}).get("S")
        return SeenCampaign(utc(item["last_sent"]["S"]), left_out)
    except (KeyError, TypeError, AttributeError, ValueError):
        return None

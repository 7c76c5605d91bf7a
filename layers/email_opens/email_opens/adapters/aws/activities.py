"""Activities in DynamoDB. Every condition is named, and explained where it is used."""

from dataclasses import replace
from typing import TYPE_CHECKING

from botocore.exceptions import ClientError

from email_opens.adapters.aws.conditions import conflicting_item
from email_opens.adapters.aws.items import activity_item, activity_key
from email_opens.adapters.records.activities import ACTIVITY_PREFIX, activity_from
from email_opens.errors import LostRace
from email_opens.instants import iso
from email_opens.model import Activity

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient
    from mypy_boto3_dynamodb.type_defs import PutItemInputTypeDef, QueryInputPaginateTypeDef

    from email_opens.adapters.aws.items import Item


class DynamoDBActivities:
    """The part of `DynamoDBTracking` that concerns activities."""

    _client: "DynamoDBClient"
    _table: str

    def activities(self, account_id: str) -> list[Activity]:
        query: QueryInputPaginateTypeDef = {
            "TableName": self._table,
            "KeyConditionExpression": "account_id = :account AND begins_with(#item, :prefix)",
            "ExpressionAttributeNames": {"#item": "item"},
            "ExpressionAttributeValues": {
                ":account": {"S": account_id},
                ":prefix": {"S": ACTIVITY_PREFIX},
            },
            "ConsistentRead": True,
        }
        pages = self._client.get_paginator("query").paginate(**query)
        return [activity_from(item) for page in pages for item in page["Items"]]

    def add(self, activity: Activity) -> bool:
        # activity_is_not_tracked: discovery and a person add the same send.
        #   Discovery adds it.   A poll moves its watermark.   The person adds it → fails;
        #   otherwise the watermark would be lost.
        activity_is_not_tracked = "attribute_not_exists(account_id)"
        return self._put(activity, activity_is_not_tracked, {})

    def save(self, activity: Activity) -> Activity:
        # version_is_the_one_read: two polls of an activity overlap.
        #   A reads version 7.            B reads version 7.
        #   A writes version 8.
        #                                 B writes "if 7" → fails; A's state is kept, and the
        #                                 opens that both found are counted once.
        # tracking_is_the_one_read: an activity that is removed and added starts at version 0 again.
        #   A reads version 0.   A person removes it and adds it with another start: version 0.
        #   A writes "if 0 and tracked since the old start" → fails; the person's change is kept.
        version_is_the_one_read = "#version = :version"
        tracking_is_the_one_read = "tracked_at = :tracked_at"
        written = replace(activity, version=activity.version + 1)
        if self._put(
            written,
            f"{version_is_the_one_read} AND {tracking_is_the_one_read}",
            {
                ":version": {"N": str(activity.version)},
                ":tracked_at": {"S": iso(activity.tracked_at)},
            },
        ):
            return written
        raise LostRace(
            f"Activity {activity.campaign_activity_id} was changed by another writer since it was "
            "read."
        )

    def remove(self, account_id: str, campaign_activity_id: str) -> bool:
        reply = self._client.delete_item(
            TableName=self._table,
            Key=activity_key(account_id, campaign_activity_id),
            ReturnValues="ALL_OLD",
        )
        return "Attributes" in reply

    def _put(self, activity: Activity, condition: str, values: "Item") -> bool:
        """Put the activity if the condition holds; return whether this write is the stored one."""
        item = activity_item(activity)
        put: PutItemInputTypeDef = {
            "TableName": self._table,
            "Item": item,
            "ConditionExpression": condition,
            "ReturnValuesOnConditionCheckFailure": "ALL_OLD",
        }
        if values:
            put["ExpressionAttributeNames"] = {"#version": "version"}
            put["ExpressionAttributeValues"] = values
        try:
            self._client.put_item(**put)
        except ClientError as error:
            return conflicting_item(error).get("write") == item["write"]
        return True

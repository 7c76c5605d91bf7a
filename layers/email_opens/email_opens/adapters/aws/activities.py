"""Activities in DynamoDB. Every condition is named, and explained where it is used."""

from copy import replace
from typing import TYPE_CHECKING

from botocore.exceptions import ClientError

from email_opens.adapters.aws.conditions import conflicting_item, is_conflict
from email_opens.adapters.aws.items import activity_item, activity_key
from email_opens.adapters.records.activities import (
    ACTIVITY_PREFIX,
    ARCHIVED_PREFIX,
    activity_from,
)
from email_opens.errors import LostRace
from email_opens.instants import iso
from email_opens.model import Activity

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient
    from mypy_boto3_dynamodb.type_defs import (
        PutItemInputTypeDef,
        PutTypeDef,
        QueryInputPaginateTypeDef,
    )

    from email_opens.adapters.aws.items import Item


_IS_THE_ONE_READ = "#version = :version AND tracked_at = :tracked_at"
"""The version and the tracking are those that were read: see `save`."""
_NEXT = " "
"""Ends the first key after an id; an id is followed by nothing else."""
_LAST = "~"
"""Comes after every id."""


class DynamoDBActivities:
    """The part of `DynamoDBTracking` that concerns activities."""

    _client: "DynamoDBClient"
    _table: str

    def activities(self, account_id: str) -> list[Activity]:
        archived = self._query(account_id, ARCHIVED_PREFIX)
        # A version that reads no archived items may have tracked an activity again.
        by_id = {each.campaign_activity_id: each for each in (*archived, *self.current(account_id))}
        return list(by_id.values())

    def current(self, account_id: str) -> list[Activity]:
        return self._query(account_id, ACTIVITY_PREFIX)

    def archived(self, account_id: str, *, after: str | None, most: int) -> list[Activity]:
        reply = self._client.query(
            TableName=self._table,
            KeyConditionExpression="account_id = :account AND #item BETWEEN :first AND :last",
            ExpressionAttributeNames={"#item": "item"},
            ExpressionAttributeValues={
                ":account": {"S": account_id},
                ":first": {"S": ARCHIVED_PREFIX + (f"{after}{_NEXT}" if after else "")},
                ":last": {"S": ARCHIVED_PREFIX + _LAST},
            },
            Limit=most,
            ConsistentRead=True,
        )
        return [activity_from(item) for item in reply["Items"]]

    def archive(self, activity: Activity) -> Activity:
        return self._move(activity, archived=True)

    def _query(self, account_id: str, prefix: str) -> list[Activity]:
        query: QueryInputPaginateTypeDef = {
            "TableName": self._table,
            "KeyConditionExpression": "account_id = :account AND begins_with(#item, :prefix)",
            "ExpressionAttributeNames": {"#item": "item"},
            "ExpressionAttributeValues": {
                ":account": {"S": account_id},
                ":prefix": {"S": prefix},
            },
            "ConsistentRead": True,
        }
        pages = self._client.get_paginator("query").paginate(**query)
        return [activity_from(item) for page in pages for item in page["Items"]]

    def add(self, activity: Activity) -> bool:
        # activity_is_not_tracked: discovery and a person add the same send.
        #   Discovery adds it.   A poll moves its watermark.   The person adds it → fails;
        #   otherwise the watermark would be lost.
        # Nobody archives it between the read and the write, unless it was tracked before the read.
        activity_is_not_tracked = "attribute_not_exists(account_id)"
        key = activity_key(activity.account_id, activity.campaign_activity_id, archived=True)
        if "Item" in self._client.get_item(TableName=self._table, Key=key, ConsistentRead=True):
            return False
        return self._put(activity, activity_is_not_tracked, {})

    def save(self, activity: Activity) -> Activity:
        # The conditions of `_IS_THE_ONE_READ`:
        # version_is_the_one_read: two polls of an activity overlap.
        #   A reads version 7.            B reads version 7.
        #   A writes version 8.
        #                                 B writes "if 7" → fails; A's state is kept, and the
        #                                 opens that both found are counted once.
        # tracking_is_the_one_read: an activity that is removed and added starts at version 0 again.
        #   A reads version 0.   A person removes it and adds it with another start: version 0.
        #   A writes "if 0 and tracked since the old start" → fails; the person's change is kept.
        if activity.archived:
            return self._move(activity, archived=False)
        written = replace(activity, version=activity.version + 1)
        if self._put(written, _IS_THE_ONE_READ, _as_read(activity)):
            return written
        raise _lost(activity)

    def remove(self, account_id: str, campaign_activity_id: str) -> bool:
        replies = [
            self._client.delete_item(
                TableName=self._table,
                Key=activity_key(account_id, campaign_activity_id, archived=archived),
                ReturnValues="ALL_OLD",
            )
            for archived in (False, True)
        ]
        return any("Attributes" in reply for reply in replies)

    def _move(self, activity: Activity, *, archived: bool) -> Activity:
        """Store an activity where it is to be, and delete it where it was, both or neither.

        A retry of a move that succeeded succeeds, because botocore gives both the same token.
        """
        written = replace(activity, archived=archived, version=activity.version + 1)
        put: PutTypeDef = {"TableName": self._table, "Item": activity_item(written)}
        if not archived:
            # activity_is_not_tracked: a version that reads no archived items has tracked it again.
            #   A reads it archived.   An older version adds it.   A moves it → fails.
            activity_is_not_tracked = "attribute_not_exists(account_id)"
            put["ConditionExpression"] = activity_is_not_tracked
        try:
            self._client.transact_write_items(
                TransactItems=[
                    {"Put": put},
                    {
                        "Delete": {
                            "TableName": self._table,
                            "Key": activity_key(
                                activity.account_id,
                                activity.campaign_activity_id,
                                archived=activity.archived,
                            ),
                            "ConditionExpression": _IS_THE_ONE_READ,
                            "ExpressionAttributeNames": {"#version": "version"},
                            "ExpressionAttributeValues": _as_read(activity),
                        }
                    },
                ]
            )
        except ClientError as error:
            if is_conflict(error):
                raise _lost(activity) from None
            raise
        return written

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


def _as_read(activity: Activity) -> "Item":
    return {
        ":version": {"N": str(activity.version)},
        ":tracked_at": {"S": iso(activity.tracked_at)},
    }


def _lost(activity: Activity) -> LostRace:
    return LostRace(
        f"Activity {activity.campaign_activity_id} was changed by another writer since it was read."
    )

"""Tracking in DynamoDB. Every condition is named, and explained where it stands.

botocore sends a write again when its answer was lost. The second copy then meets the first, and
its condition fails although the write won: so a failed condition asks for the stored item, and
whoever finds his own write there has succeeded.
"""

from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime
from typing import TYPE_CHECKING, cast

from botocore.exceptions import ClientError

from email_opens.adapters.aws.items import (
    account_key,
    activity_item,
    activity_key,
)
from email_opens.adapters.records import (
    ACTIVITY_PREFIX,
    account_from,
    activity_from,
    counter_trust_record,
)
from email_opens.errors import LostRace
from email_opens.instants import iso
from email_opens.model import Account, Activity, CounterTrust
from email_opens.turns.lease import is_held_by_another

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient
    from mypy_boto3_dynamodb.type_defs import PutItemInputTypeDef, QueryInputPaginateTypeDef

    from email_opens.adapters.aws.items import Item, StoredItem

LEASE_TRIES = 5


class DynamoDBTracking:
    """Keeps `email_opens.ports.Tracking`."""

    def __init__(self, client: "DynamoDBClient", table: str) -> None:
        self._client = client
        self._table = table

    def lease(
        self,
        account_id: str,
        *,
        holder: str,
        now: datetime,
        until: datetime,
        reserve: int,
        budget: int,
    ) -> Account | None:
        key = account_key(account_id)
        today = now.date().isoformat()
        stored: StoredItem = self._client.get_item(
            TableName=self._table, Key=key, ConsistentRead=True
        ).get("Item", {})
        for _ in range(LEASE_TRIES):
            account = account_from(account_id, stored)
            if is_held_by_another(account, holder, now):
                return None
            if account.requests_day != today:
                account = replace(account, requests_day=today, requests_spent=0)
            reserved = max(0, min(reserve, budget - account.requests_spent))
            taken: Item = {
                "lease_holder": {"S": holder},
                "lease_until": {"S": iso(until)},
                "requests_day": {"S": today},
                "requests_spent": {"N": str(account.requests_spent + reserved)},
            }
            # lease_and_budget_are_those_read: two invocations find the lease free.
            #   A reads: free, 100 spent.          B reads: free, 100 spent.
            #   A writes: A's, 500 spent.
            #                                      B writes: the holder is no longer "none" → fails.
            # The budget is part of it, or a holder's release between read and write would be
            # overwritten, and what it gave back be lost for the day.
            lease_and_budget_are_those_read, values = _still(stored, taken)
            try:
                self._client.update_item(
                    TableName=self._table,
                    Key=key,
                    UpdateExpression="SET " + ", ".join(f"{name} = :{name}" for name in taken),
                    ConditionExpression=lease_and_budget_are_those_read,
                    ExpressionAttributeValues=values
                    | {f":{name}": value for name, value in taken.items()},
                    ReturnValuesOnConditionCheckFailure="ALL_OLD",
                )
            except ClientError as error:
                stored = _found_instead(error)
                if any(stored.get(name) != value for name, value in taken.items()):
                    continue
            return account
        return None  # Somebody is at work on it all the time.

    def reserve(
        self, account_id: str, *, holder: str, day: str, counted: int, requests: int
    ) -> bool:
        # lease_is_mine: A's lease ended in mid-work, and B has taken the account.
        #   A leases until 14:05.   B leases at 14:06.   A reserves at 14:07 → fails, and stops.
        lease_is_mine = "lease_holder = :holder"
        # day_and_count_are_those_i_left: only the holder counts, so nobody else has.
        #   A reserves on Monday and leases again, as the same holder, on Tuesday; then what it
        #   still believes of Monday fails. So does a second copy of the same write: see above.
        day_and_count_are_those_i_left = "requests_day = :day AND requests_spent = :counted"
        mine: Item = {
            "lease_holder": {"S": holder},
            "requests_day": {"S": day},
            "requests_spent": {"N": str(counted + requests)},
        }
        try:
            self._client.update_item(
                TableName=self._table,
                Key=account_key(account_id),
                UpdateExpression="SET requests_spent = :requests_spent",
                ConditionExpression=f"{lease_is_mine} AND {day_and_count_are_those_i_left}",
                ExpressionAttributeValues={
                    ":holder": {"S": holder},
                    ":day": {"S": day},
                    ":counted": {"N": str(counted)},
                    ":requests_spent": mine["requests_spent"],
                },
                ReturnValuesOnConditionCheckFailure="ALL_OLD",
            )
        except ClientError as error:
            stored = _found_instead(error)
            return all(stored.get(name) == value for name, value in mine.items())
        return True

    def release(
        self,
        account_id: str,
        *,
        holder: str,
        day: str,
        unused: int,
        closed_until: datetime | None,
        last_error: str | None,
        counter_trust: CounterTrust | None = None,
    ) -> None:
        texts = {
            "closed_until": None if closed_until is None else iso(closed_until),
            "last_error": last_error,
        }
        last_words: Item = {name: {"S": text} for name, text in texts.items() if text is not None}
        last_words |= cast("Item", counter_trust_record(counter_trust)) if counter_trust else {}
        told: Item = {f":{name}": value for name, value in last_words.items()}
        sets = [f"{name} = :{name}" for name in last_words]
        gone = [*texts, *(("counted_at", "told_until") if counter_trust else ())]
        removes = ", ".join(
            ["lease_holder", "lease_until", *(name for name in gone if name not in last_words)]
        )
        # lease_is_mine: A's lease ended in mid-work, and B has taken the account.
        #   A leases until 14:05.   B leases at 14:06.   A releases at 14:07 → fails, B goes on.
        # What A had reserved stays spent: nobody knows how much of it A has used.
        # It also keeps a release that is sent twice from giving back twice.
        lease_is_mine = "lease_holder = :holder"
        # day_is_the_same: A reserves on Monday and leases again, as the same holder, on Tuesday;
        # then a release of Monday's must not be taken off Tuesday's count.
        day_is_the_same = "requests_day = :day"
        given_back = "requests_spent = requests_spent - :unused"
        attempts: list[tuple[str, list[str], Item]] = [
            (
                f"{lease_is_mine} AND {day_is_the_same}",
                [*sets, given_back],
                {":day": {"S": day}, ":unused": {"N": str(unused)}},
            ),
            (lease_is_mine, sets, {}),
        ]
        for condition, assignments, values in attempts:
            setting = f"SET {', '.join(assignments)} " if assignments else ""
            mine: Item = {":holder": {"S": holder}}
            try:
                self._client.update_item(
                    TableName=self._table,
                    Key=account_key(account_id),
                    UpdateExpression=f"{setting}REMOVE {removes}",
                    ConditionExpression=condition,
                    ExpressionAttributeValues=mine | told | values,
                    ReturnValuesOnConditionCheckFailure="ALL_OLD",
                )
            except ClientError as error:
                if _found_instead(error).get("lease_holder") != {"S": holder}:
                    return
            else:
                return

    def account(self, account_id: str) -> Account | None:
        reply = self._client.get_item(
            TableName=self._table, Key=account_key(account_id), ConsistentRead=True
        )
        return account_from(account_id, reply["Item"]) if "Item" in reply else None

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
        #   Discovery adds it.   A poll moves its watermark.   The person adds it → fails, or the
        #   watermark would be gone.
        activity_is_not_tracked = "attribute_not_exists(account_id)"
        return self._put(activity, activity_is_not_tracked, {})

    def save(self, activity: Activity) -> Activity:
        # version_is_the_one_read: two polls of one activity at once.
        #   A reads version 7.            B reads version 7.
        #   A writes version 8.
        #                                 B writes "if 7" → fails; A's state stands, and the
        #                                 counts of the opens both saw are not counted twice.
        # tracking_is_the_one_read: versions begin anew when an activity is removed and added.
        #   A reads version 0.   A person removes it, adds it from another instant: version 0.
        #   A writes "if 0, tracked since then" → fails, and what the person wanted stands.
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
            f"Activity {activity.campaign_activity_id} was written by another since it was read."
        )

    def remove(self, account_id: str, campaign_activity_id: str) -> bool:
        reply = self._client.delete_item(
            TableName=self._table,
            Key=activity_key(account_id, campaign_activity_id),
            ReturnValues="ALL_OLD",
        )
        return "Attributes" in reply

    def _put(self, activity: Activity, condition: str, values: "Item") -> bool:
        """Put the activity if the condition holds; return whether this very write stands."""
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
            return _found_instead(error).get("write") == item["write"]
        return True


def _still(stored: "StoredItem", names: Iterable[str]) -> tuple[str, "Item"]:
    """Return the condition that these attributes are as they are stored, and its values."""
    condition = " AND ".join(
        f"{name} = :read_{name}" if name in stored else f"attribute_not_exists({name})"
        for name in names
    )
    return condition, {f":read_{name}": stored[name] for name in names if name in stored}


def _found_instead(error: ClientError) -> "StoredItem":
    """Return the item for which a condition failed, empty if there is none.

    Raises:
        ClientError: it is another error than that.
    """
    if error.response["Error"]["Code"] != "ConditionalCheckFailedException":
        raise error
    return cast("StoredItem", error.response.get("Item", {}))

"""Accounts in DynamoDB. Every condition is named, and explained where it is used.

Each write is an update of the attributes that it names, so it keeps those of a newer version.
"""

from copy import replace
from datetime import datetime
from typing import TYPE_CHECKING, cast

from botocore.exceptions import ClientError

from email_opens.account import Account, CounterTrust, Hours, KeyShare, Searches, WakeUp
from email_opens.adapters.aws.conditions import conflicting_item, unchanged
from email_opens.adapters.aws.items import account_key
from email_opens.adapters.records.accounts import (
    SCHEMA,
    WAKE_UP,
    account_from,
    counter_trust_record,
    hours_record,
    key_share_record,
    searches_record,
    wake_up_record,
)
from email_opens.allowance.lease import check_wake_up, is_held_by_another
from email_opens.instants import iso

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

    from email_opens.adapters.aws.items import Item, StoredItem

LEASE_TRIES = 5


class DynamoDBAccounts:
    """The part of `DynamoDBTracking` that concerns accounts."""

    _client: "DynamoDBClient"
    _table: str

    def lease(
        self,
        account_id: str,
        *,
        holder: str,
        now: datetime,
        until: datetime,
        reserve: int,
        budget: int,
        woken_by: str | None = None,
    ) -> Account | None:
        key = account_key(account_id)
        today = now.date().isoformat()
        stored: StoredItem = self._client.get_item(
            TableName=self._table, Key=key, ConsistentRead=True
        ).get("Item", {})
        for _ in range(LEASE_TRIES):
            account = account_from(account_id, stored)
            check_wake_up(account, woken_by)
            if is_held_by_another(account, holder, now):
                return None
            if account.requests_day != today:
                account = replace(account, requests_day=today, requests_spent=0)
            reserved = max(0, min(reserve, budget - account.requests_spent))
            lease: Item = {
                "lease_holder": {"S": holder},
                "lease_until": {"S": iso(until)},
                "requests_day": {"S": today},
                "requests_spent": {"N": str(account.requests_spent + reserved)},
            }
            # lease_and_budget_are_those_read: two invocations read that the lease is free.
            #   A reads: free, 100 spent.          B reads: free, 100 spent.
            #   A writes: A holds it, 500 spent.
            #                                      B writes: the lease is not free → fails.
            # The condition includes the budget: otherwise the write would overwrite a release
            # since the read, and the requests that it returned would be lost for the day.
            # wake_up_is_that_read: two turns are woken by a message that came twice.
            #   A reads: its token.   B reads: its token.
            #   A writes: A holds the lease, and the token is gone.   A releases.
            #                                      B writes: the token is not there → fails.
            read = [*lease, *(WAKE_UP[:1] if woken_by is not None else ())]
            lease_and_budget_and_wake_up_are_those_read, values = unchanged(stored, read)
            sets = ", ".join(f"{name} = :{name}" for name in lease)
            try:
                self._client.update_item(
                    TableName=self._table,
                    Key=key,
                    UpdateExpression=f"SET {sets}, #schema = :schema REMOVE {', '.join(WAKE_UP)}",
                    ConditionExpression=lease_and_budget_and_wake_up_are_those_read,
                    ExpressionAttributeNames={"#schema": "schema"},
                    ExpressionAttributeValues=values
                    | {f":{name}": value for name, value in lease.items()}
                    | {":schema": {"N": str(SCHEMA)}},
                    ReturnValuesOnConditionCheckFailure="ALL_OLD",
                )
            except ClientError as error:
                stored = conflicting_item(error)
                if any(stored.get(name) != value for name, value in lease.items()):
                    continue
            return account
        return None  # Other writers changed the account before every attempt.

    def reserve(
        self, account_id: str, *, holder: str, day: str, counted: int, requests: int
    ) -> bool:
        # holder_is_unchanged: A's lease expired during its turn, and B has leased the account.
        #   A leases until 14:05.   B leases at 14:06.   A reserves at 14:07 → fails, and stops.
        holder_is_unchanged = "lease_holder = :holder"
        # day_and_count_are_unchanged: only the holder writes them.
        #   A reserves on Monday.   A leases again on Tuesday.   A reserves for Monday → fails.
        # A retry of a write that succeeded fails too: see `conditions`.
        day_and_count_are_unchanged = "requests_day = :day AND requests_spent = :counted"
        reserved: Item = {
            "lease_holder": {"S": holder},
            "requests_day": {"S": day},
            "requests_spent": {"N": str(counted + requests)},
        }
        try:
            self._client.update_item(
                TableName=self._table,
                Key=account_key(account_id),
                UpdateExpression="SET requests_spent = :requests_spent",
                ConditionExpression=f"{holder_is_unchanged} AND {day_and_count_are_unchanged}",
                ExpressionAttributeValues={
                    ":holder": {"S": holder},
                    ":day": {"S": day},
                    ":counted": {"N": str(counted)},
                    ":requests_spent": reserved["requests_spent"],
                },
                ReturnValuesOnConditionCheckFailure="ALL_OLD",
            )
        except ClientError as error:
            stored = conflicting_item(error)
            return all(stored.get(name) == value for name, value in reserved.items())
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
        hours: Hours | None = None,
        rests_until: datetime | None = None,
        outages: int = 0,
        turn_completed_at: datetime | None = None,
        searches: Searches | None = None,
        key_share: KeyShare | None = None,
        wake_up: WakeUp | None = None,
    ) -> None:
        texts = {
            "closed_until": None if closed_until is None else iso(closed_until),
            "rests_until": None if rests_until is None else iso(rests_until),
            "last_error": last_error,
        }
        replaced: Item = {name: {"S": text} for name, text in texts.items() if text is not None}
        if turn_completed_at is not None:
            replaced["turn_completed_at"] = {"S": iso(turn_completed_at)}
        replaced |= cast("Item", searches_record(searches)) if searches else {}
        replaced |= {"outages": {"N": str(outages)}} if outages else {}
        replaced |= cast("Item", counter_trust_record(counter_trust)) if counter_trust else {}
        replaced |= cast("Item", hours_record(hours)) if hours else {}
        replaced |= cast("Item", key_share_record(key_share)) if key_share else {}
        replaced |= cast("Item", wake_up_record(wake_up)) if wake_up else {}
        new_values: Item = {f":{name}": value for name, value in replaced.items()}
        sets = [f"{name} = :{name}" for name in replaced]
        optional = [*texts, "outages"]
        if counter_trust:
            optional += ["counted_at", "told_until", "archived"]
        if searches:
            optional += ["search_completed_at", "search_tried_at", "schedules_due_at"]
            optional += ["search_failures", "expected_sends"]
        removes = ", ".join(
            ["lease_holder", "lease_until", *(name for name in optional if name not in replaced)]
        )
        # holder_is_unchanged: A's lease expired during its turn, and B has leased the account.
        #   A leases until 14:05.   B leases at 14:06.   A releases at 14:07 → fails, B goes on.
        # A's reservation stays spent, because how much of it A used is unknown.
        # The condition also keeps a retried release from returning requests twice.
        holder_is_unchanged = "lease_holder = :holder"
        # day_is_unchanged: a release for Monday must not reduce Tuesday's count.
        #   A reserves on Monday.   A leases again on Tuesday.   A releases for Monday → fails,
        #   and the second attempt ends the lease without returning requests.
        day_is_unchanged = "requests_day = :day"
        unused_is_returned = "requests_spent = requests_spent - :unused"
        attempts: list[tuple[str, list[str], Item]] = [
            (
                f"{holder_is_unchanged} AND {day_is_unchanged}",
                [*sets, unused_is_returned],
                {":day": {"S": day}, ":unused": {"N": str(unused)}},
            ),
            (holder_is_unchanged, sets, {}),
        ]
        holder_value: Item = {":holder": {"S": holder}}
        for condition, assignments, values in attempts:
            setting = f"SET {', '.join(assignments)} " if assignments else ""
            try:
                self._client.update_item(
                    TableName=self._table,
                    Key=account_key(account_id),
                    UpdateExpression=f"{setting}REMOVE {removes}",
                    ConditionExpression=condition,
                    ExpressionAttributeValues=holder_value | new_values | values,
                    ReturnValuesOnConditionCheckFailure="ALL_OLD",
                )
            except ClientError as error:
                if conflicting_item(error).get("lease_holder") != {"S": holder}:
                    return
            else:
                return

    def name_vendor_account(self, account_id: str, *, holder: str, vendor_account_id: str) -> bool:
        # holder_is_unchanged: A's lease expired while a person consented, and B has leased the
        #   account with the credentials that were stored before.
        #   A leases until 14:05.   B leases at 14:06.   A names it at 14:07 → fails.
        holder_is_unchanged = "lease_holder = :holder"
        try:
            self._client.update_item(
                TableName=self._table,
                Key=account_key(account_id),
                UpdateExpression="SET vendor_account_id = :vendor_account_id",
                ConditionExpression=holder_is_unchanged,
                ExpressionAttributeValues={
                    ":holder": {"S": holder},
                    ":vendor_account_id": {"S": vendor_account_id},
                },
            )
        except ClientError as error:
            conflicting_item(error)
            return False
        return True

    def account(self, account_id: str) -> Account | None:
        reply = self._client.get_item(
            TableName=self._table, Key=account_key(account_id), ConsistentRead=True
        )
        return account_from(account_id, reply["Item"]) if "Item" in reply else None

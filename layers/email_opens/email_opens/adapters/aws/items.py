"""The items of the tracking table: records with what is DynamoDB's own, keys and write tokens.

An activity without gaps stays under 1 KB, which is one write unit.
"""

import secrets
from typing import TYPE_CHECKING, cast

from email_opens.adapters.records.activities import activity_record, prefix_of
from email_opens.model import Activity

if TYPE_CHECKING:
    from collections.abc import Mapping

    from mypy_boto3_dynamodb.type_defs import AttributeValueTypeDef

    type Item = dict[str, AttributeValueTypeDef]
    type StoredItem = Mapping[str, AttributeValueTypeDef]

ACCOUNT_ITEM = "account"


def account_key(account_id: str) -> "Item":
    return {"account_id": {"S": account_id}, "item": {"S": ACCOUNT_ITEM}}


def activity_key(account_id: str, campaign_activity_id: str, *, archived: bool = False) -> "Item":
    return {
        "account_id": {"S": account_id},
        "item": {"S": prefix_of(archived=archived) + campaign_activity_id},
    }


def activity_item(activity: Activity) -> "Item":
    """Return an activity's item with a random `write`, by which its writer recognizes it."""
    return cast("Item", activity_record(activity)) | {"write": {"B": secrets.token_bytes(6)}}

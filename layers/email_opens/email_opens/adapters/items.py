"""Accounts and activities as DynamoDB items: what is None or empty is left out.

Instants are ISO 8601 text, for the people who look at a table; an activity without gaps stays
under 1 KB, which is one write unit.
"""

import secrets
from datetime import datetime
from typing import TYPE_CHECKING

from email_opens.model import Account, Activity, Gap, State, iso, utc

if TYPE_CHECKING:
    from collections.abc import Mapping

    from mypy_boto3_dynamodb.type_defs import AttributeValueTypeDef

    type Item = dict[str, AttributeValueTypeDef]
    type StoredItem = Mapping[str, AttributeValueTypeDef]

ACCOUNT_ITEM = "account"
ACTIVITY_PREFIX = "activity#"


def account_key(account_id: str) -> "Item":
    return {"account_id": {"S": account_id}, "item": {"S": ACCOUNT_ITEM}}


def activity_key(account_id: str, campaign_activity_id: str) -> "Item":
    return {
        "account_id": {"S": account_id},
        "item": {"S": ACTIVITY_PREFIX + campaign_activity_id},
    }


def account_of(account_id: str, item: "StoredItem") -> Account:
    return Account(
        account_id=account_id,
        lease_holder=_text(item, "lease_holder"),
        lease_until=_instant(item, "lease_until"),
        requests_day=_text(item, "requests_day"),
        requests_spent=_whole(item, "requests_spent") or 0,
        closed_until=_instant(item, "closed_until"),
        last_error=_text(item, "last_error"),
    )


def item_of(activity: Activity) -> "Item":
    """Write an activity with a `write` of its own, by which a writer knows its write again."""
    item = activity_key(activity.account_id, activity.campaign_activity_id)
    texts = {
        "state": activity.state.value,
        "campaign_id": activity.campaign_id,
        "campaign_name": activity.campaign_name,
        "last_error": activity.last_error,
    }
    instants = {
        "sent_at": activity.sent_at,
        "tracked_at": activity.tracked_at,
        "tracked_from": activity.tracked_from,
        "watermark": activity.watermark,
        "polled_at": activity.polled_at,
        "swept_at": activity.swept_at,
        "audited_at": activity.audited_at,
    }
    numbers = {
        "published": activity.published,
        "reported": activity.reported,
        "rejected": activity.rejected,
        "version": activity.version,
    }
    item |= {name: {"S": text} for name, text in texts.items() if text is not None}
    item |= {name: {"S": iso(at)} for name, at in instants.items() if at is not None}
    item |= {name: {"N": str(number)} for name, number in numbers.items() if number is not None}
    if activity.gaps:
        item["gaps"] = {"L": [{"M": _gap_item(gap)} for gap in activity.gaps]}
    item["write"] = {"B": secrets.token_bytes(6)}
    return item


def activity_of(item: "StoredItem") -> Activity:
    return Activity(
        account_id=item["account_id"]["S"],
        campaign_activity_id=item["item"]["S"].removeprefix(ACTIVITY_PREFIX),
        campaign_id=_text(item, "campaign_id"),
        campaign_name=_text(item, "campaign_name"),
        state=State(item["state"]["S"]),
        sent_at=_instant(item, "sent_at"),
        tracked_at=utc(item["tracked_at"]["S"]),
        tracked_from=_instant(item, "tracked_from"),
        watermark=_instant(item, "watermark"),
        gaps=tuple(_gap_of(gap["M"]) for gap in item.get("gaps", {}).get("L", ())),
        published=_whole(item, "published") or 0,
        reported=_whole(item, "reported"),
        rejected=_whole(item, "rejected") or 0,
        polled_at=_instant(item, "polled_at"),
        swept_at=_instant(item, "swept_at"),
        audited_at=_instant(item, "audited_at"),
        last_error=_text(item, "last_error"),
        version=_whole(item, "version") or 0,
    )


def _gap_item(gap: Gap) -> "Item":
    texts = {
        "floor": iso(gap.floor) if gap.floor else None,
        "ceiling": iso(gap.ceiling) if gap.ceiling else None,
        "link": gap.link,
    }
    item: Item = {name: {"S": text} for name, text in texts.items() if text is not None}
    return item | {"rows_above": {"N": str(gap.rows_above)}}


def _gap_of(item: "StoredItem") -> Gap:
    return Gap(
        floor=_instant(item, "floor"),
        ceiling=_instant(item, "ceiling"),
        link=_text(item, "link"),
        rows_above=_whole(item, "rows_above") or 0,
    )


def _text(item: "StoredItem", name: str) -> str | None:
    value = item.get(name)
    return None if value is None else value["S"]


def _whole(item: "StoredItem", name: str) -> int | None:
    value = item.get(name)
    return None if value is None else int(value["N"])


def _instant(item: "StoredItem", name: str) -> datetime | None:
    value = item.get(name)
    return None if value is None else utc(value["S"])

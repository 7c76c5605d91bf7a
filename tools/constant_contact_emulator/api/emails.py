"""The paths under `/v3/emails`, and the account's summary."""

from datetime import UTC, datetime
from typing import Any

from constant_contact_emulator import replies
from constant_contact_emulator.api.context import Asked, listed, time_of
from constant_contact_emulator.messages import Reply, Request
from constant_contact_emulator.world.world import Campaign

_CAMPAIGNS_ON_A_PAGE = 50


def campaigns(asked: Asked) -> Reply:
    try:
        after, before = (_instant(asked.request, name) for name in ("after_date", "before_date"))
    except ValueError:
        return replies.invalid("a date is not ISO 8601")
    found = [
        one
        for one in asked.campaigns()
        if (after is None or one.updated_at >= after)
        and (before is None or one.updated_at <= before)
    ]
    found.sort(key=lambda one: one.updated_at, reverse=True)
    return listed(asked, found, _described, "campaigns", "cursor", _CAMPAIGNS_ON_A_PAGE)


def campaign(asked: Asked, campaign_id: str) -> Reply:
    found = asked.campaign(campaign_id)
    if found is None:
        return replies.not_found()
    activities = [
        {"campaign_activity_id": one.campaign_activity_id, "role": one.role}
        for one in found.activities
    ]
    return Reply(payload=_described(found) | {"campaign_activities": activities})


def activity(asked: Asked, activity_id: str) -> Reply:
    found = asked.activity(activity_id)
    if found is None:
        return replies.not_found()
    owner = asked.world.campaigns[found.campaign_id]
    described = {
        "campaign_activity_id": activity_id,
        "campaign_id": found.campaign_id,
        "role": found.role,
        "current_status": owner.status.upper(),
        "format_type": 5,
        "from_email": "news@example.com",
        "from_name": "Example",
        "subject": owner.name,
        "contact_list_ids": [],
        "segment_ids": [],
    }
    return Reply(payload=described)


def send_history(asked: Asked, activity_id: str) -> Reply:
    found = asked.activity(activity_id)
    if found is None:
        return replies.not_found()
    sends = [
        {
            "send_id": number,
            "count": contacts,
            "run_date": time_of(when),
            "send_status": "COMPLETED",
            "reason_code": 0,
            "contact_list_ids": [],
        }
        for number, (when, contacts) in enumerate(found.sent, 1)
    ]
    return Reply(payload=sends)


def account(asked: Asked) -> Reply:
    if "account_read" not in asked.grant.scope.split():
        return replies.forbidden()
    summary = {
        "encoded_account_id": f"a07e{asked.grant.account_id}",
        "organization_name": f"Example Organization ({asked.grant.account_id})",
        "contact_email": "owner@example.com",
        "first_name": "Olga",
        "last_name": "Owner",
        "country_code": "US",
        "time_zone_id": "US/Eastern",
    }
    return Reply(payload=summary)


def _described(campaign: Campaign) -> dict[str, Any]:
    return {
        "campaign_id": campaign.campaign_id,
        "name": campaign.name,
        "current_status": campaign.status,
        "type": "NEWSLETTER",
        "type_code": 10,
        "created_at": time_of(campaign.created_at),
        "updated_at": time_of(campaign.updated_at),
    }


def _instant(request: Request, name: str) -> datetime | None:
    text = request.query.get(name)
    if text is None:
        return None
    instant = datetime.fromisoformat(text)
    return instant if instant.tzinfo else instant.replace(tzinfo=UTC)

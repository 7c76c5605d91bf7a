"""Campaigns and their activities, under `/v3/emails`."""

from datetime import datetime, timedelta
from typing import Any

from constant_contact_emulator import replies
from constant_contact_emulator.api.context import RequestContext
from constant_contact_emulator.api.lists import list_campaigns
from constant_contact_emulator.messages import Reply, Request
from constant_contact_emulator.world.campaigns import Campaign
from constant_contact_emulator.world.instants import format_instant, parse_instant

_DEFAULT_LIMIT = 50


def campaigns(context: RequestContext) -> Reply:
    try:
        after = _date(context.request, "after_date")
        before = _date(context.request, "before_date")
    except ValueError:
        return replies.invalid("a date is not ISO 8601")
    matching = [
        campaign
        for campaign in context.campaigns()
        if (after is None or campaign.updated_at >= after)
        and (before is None or campaign.updated_at <= before)
    ]
    matching.sort(key=lambda campaign: campaign.updated_at, reverse=True)
    return list_campaigns(
        context,
        matching,
        _describe,
        field="campaigns",
        cursor="cursor",
        default_limit=_DEFAULT_LIMIT,
    )


def campaign(context: RequestContext, campaign_id: str) -> Reply:
    campaign = context.campaign(campaign_id)
    if campaign is None:
        return replies.not_found()
    activities = [
        {"campaign_activity_id": activity.campaign_activity_id, "role": activity.role}
        for activity in campaign.activities
    ]
    return Reply(payload=_describe(campaign) | {"campaign_activities": activities})


def activity(context: RequestContext, activity_id: str) -> Reply:
    activity = context.activity(activity_id)
    if activity is None:
        return replies.not_found()
    campaign = context.world.campaigns[activity.campaign_id]
    payload = {
        "campaign_activity_id": activity_id,
        "campaign_id": activity.campaign_id,
        "role": activity.role,
        "current_status": campaign.status.upper(),
        "format_type": 5,
        "from_email": "news@example.com",
        "from_name": "Example",
        "subject": campaign.name,
        "contact_list_ids": [],
        "segment_ids": [],
    }
    return Reply(payload=payload)


def send_history(context: RequestContext, activity_id: str) -> Reply:
    activity = context.activity(activity_id)
    if activity is None:
        return replies.not_found()
    sends = [
        {
            "send_id": number,
            "count": contacts,
            "run_date": format_instant(sent_at),
            "send_status": "COMPLETED",
            "reason_code": 0,
            "contact_list_ids": [],
        }
        for number, (sent_at, contacts) in enumerate(activity.sent, 1)
    ]
    return Reply(payload=sends)


def schedules(context: RequestContext, activity_id: str) -> Reply:
    activity = context.activity(activity_id)
    if activity is None:
        return replies.not_found()
    at = activity.scheduled_at
    return Reply(payload=[{"scheduled_date": format_instant(at)}] if at else [])


def non_opener_resends(context: RequestContext, activity_id: str) -> Reply:
    activity = context.activity(activity_id)
    if activity is None:
        return replies.not_found()
    campaign = context.world.campaigns[activity.campaign_id]
    at = campaign.resend_at
    if at is None or activity.role != "primary_email":
        return Reply(payload=[])
    delay = at - (campaign.last_sent or campaign.created_at)
    resend = {
        "resend_request_id": f"{campaign.campaign_id}-1",
        "resend_subject": campaign.name,
        "delay_minutes": delay // timedelta(minutes=1),
        "resend_date": format_instant(at),
        "resend_status": "SCHEDULED",
    }
    return Reply(payload=[resend])


def _describe(campaign: Campaign) -> dict[str, Any]:
    return {
        "campaign_id": campaign.campaign_id,
        "name": campaign.name,
        "current_status": campaign.status,
        "type": "NEWSLETTER",
        "type_code": 10,
        "created_at": format_instant(campaign.created_at),
        "updated_at": format_instant(campaign.updated_at),
    }


def _date(request: Request, name: str) -> datetime | None:
    text = request.query.get(name)
    return None if text is None else parse_instant(text)

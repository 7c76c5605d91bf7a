"""Counters, under `/v3/reports/stats` and `/v3/reports/summary_reports`."""

from collections.abc import Iterable
from datetime import UTC, datetime
from functools import partial
from typing import Any
from uuid import UUID

from constant_contact_emulator import replies
from constant_contact_emulator.api.context import RequestContext
from constant_contact_emulator.api.lists import list_campaigns
from constant_contact_emulator.api.paging import MAX_LIMIT
from constant_contact_emulator.messages import Reply
from constant_contact_emulator.world.campaigns import Activity, Campaign, OddCounter
from constant_contact_emulator.world.instants import format_instant

_MAX_CAMPAIGNS = 150
_MAX_ACTIVITIES = 10
_NEVER = datetime.min.replace(tzinfo=UTC)


def campaign_stats(context: RequestContext, ids: str) -> Reply:
    campaign_ids = ids.split(",")
    if len(campaign_ids) > _MAX_CAMPAIGNS:
        return replies.invalid("no more than 150 campaign ids")
    campaigns = [campaign for id_ in campaign_ids if (campaign := context.campaign(id_))]
    if len(campaigns) < len(campaign_ids):
        return replies.not_found()
    results, errors = [], []
    for campaign in campaigns:
        named = {"campaign_id": campaign.campaign_id}
        if campaign.odd_counter and campaign.odd_counter.in_errors:
            errors.append(named | _not_found(f"campaign {campaign.campaign_id}"))
        else:
            results.append(named | _counters(context, campaign, campaign.activities))
    return Reply(payload={"results": results, "errors": errors})


def activity_stats(context: RequestContext, ids: str) -> Reply:
    activity_ids = ids.split(",")
    if len(activity_ids) > _MAX_ACTIVITIES:
        return replies.invalid("no more than 10 campaign activity ids")
    if not all(_is_uuid(activity_id) for activity_id in activity_ids):
        return replies.not_found()
    results, errors = [], []
    for activity_id in activity_ids:
        activity = context.activity(activity_id)
        if activity is None:
            errors.append(_not_found(f"campaign activity {activity_id}"))
            continue
        named = {"campaign_id": activity.campaign_id, "campaign_activity_id": activity_id}
        campaign = context.world.campaigns[activity.campaign_id]
        if campaign.odd_counter and campaign.odd_counter.in_errors:
            errors.append(named | _not_found(f"campaign activity {activity_id}"))
        else:
            results.append(named | _counters(context, campaign, [activity]))
    return Reply(payload={"results": results, "errors": errors})


def summaries(context: RequestContext) -> Reply:
    sent = [campaign for campaign in context.campaigns() if campaign.last_sent]
    sent.sort(key=lambda campaign: campaign.last_sent or _NEVER, reverse=True)
    return list_campaigns(
        context,
        sent,
        partial(_summary, context),
        field="bulk_email_campaign_summaries",
        cursor="next",
        default_limit=MAX_LIMIT,
    )


def _counters(
    context: RequestContext, campaign: Campaign, activities: Iterable[Activity]
) -> dict[str, Any]:
    """Return the counts of a campaign's activities, and when the oldest was refreshed."""
    odd = campaign.odd_counter or OddCounter()
    stats = _stats(context, activities) | dict(odd.stats)
    now = context.world.clock()
    refreshed = min((activity.counted_at or now for activity in activities), default=now)
    counters = {
        "stats": {name: value for name, value in stats.items() if name not in odd.without},
        "last_refresh_time": odd.last_refresh_time or format_instant(refreshed),
    }
    return {name: value for name, value in counters.items() if name not in odd.without}


def _not_found(what: str) -> dict[str, Any]:
    return {"error_key": "not_found", "error_message": f"The {what} was not found."}


def _stats(context: RequestContext, activities: Iterable[Activity]) -> dict[str, int]:
    total: dict[str, int] = {}
    for activity in activities:
        for name, count in context.world.counters(activity).items():
            total[name] = total.get(name, 0) + count
    return total


def _summary(context: RequestContext, campaign: Campaign) -> dict[str, Any]:
    stats = _stats(context, campaign.activities)
    names = ("sends", "opens", "clicks", "forwards", "optouts", "abuse", "bounces")
    return {
        "campaign_id": campaign.campaign_id,
        "campaign_type": "NEWSLETTER",
        "last_sent_date": campaign.last_sent and format_instant(campaign.last_sent),
        "unique_counts": {name: stats[f"em_{name}"] for name in names},
    }


def _is_uuid(text: str) -> bool:
    try:
        UUID(text)
    except ValueError:
        return False
    return True

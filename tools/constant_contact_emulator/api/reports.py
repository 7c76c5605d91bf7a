"""The paths under `/v3/reports`: opens, counters, summaries."""

from collections.abc import Iterable
from datetime import UTC, datetime
from functools import partial
from typing import Any
from uuid import UUID

from constant_contact_emulator import replies
from constant_contact_emulator.api.context import Asked, limit_of, listed, time_of
from constant_contact_emulator.api.paging import MOST_ROWS, BadLink, Position
from constant_contact_emulator.messages import Reply
from constant_contact_emulator.world.world import Activity, Campaign

_MOST_CAMPAIGNS = 150
_MOST_ACTIVITIES = 10


def opens(asked: Asked, activity_id: str) -> Reply:
    if asked.activity(activity_id) is None:
        return replies.not_found()
    try:
        if "next" in asked.request.query:
            position = Position.read(asked.request.query["next"])
        else:
            limit = limit_of(asked.request, MOST_ROWS)
            if limit is None:
                return replies.invalid("limit must be between 1 and 500")
            position = Position(limit)
        return Reply(payload=asked.pages.page(activity_id, position))
    except BadLink:
        return replies.of_status(asked.world.behaviour.expired_link_status)


def campaign_stats(asked: Asked, ids: str) -> Reply:
    wanted = ids.split(",")
    if len(wanted) > _MOST_CAMPAIGNS:
        return replies.invalid("no more than 150 campaign ids")
    campaigns = [asked.campaign(campaign_id) for campaign_id in wanted]
    if None in campaigns:
        return replies.not_found()
    results = [
        {
            "campaign_id": one.campaign_id,
            "stats": _stats(asked, one.activities),
            "last_refresh_time": time_of(_refreshed(asked, one.activities)),
        }
        for one in campaigns
        if one is not None
    ]
    return Reply(payload={"results": results, "errors": []})


def activity_stats(asked: Asked, ids: str) -> Reply:
    wanted = ids.split(",")
    if len(wanted) > _MOST_ACTIVITIES:
        return replies.invalid("no more than 10 campaign activity ids")
    if not all(_is_uuid(one) for one in wanted):
        return replies.not_found()
    results, errors = [], []
    for activity_id in wanted:
        activity = asked.activity(activity_id)
        if activity is None:
            message = f"The campaign activity {activity_id} was not found."
            errors.append({"error_key": "not_found", "error_message": message})
            continue
        results.append(
            {
                "campaign_id": activity.campaign_id,
                "campaign_activity_id": activity_id,
                "stats": _stats(asked, [activity]),
                "last_refresh_time": time_of(_refreshed(asked, [activity])),
            }
        )
    return Reply(payload={"results": results, "errors": errors})


def summaries(asked: Asked) -> Reply:
    sent = [one for one in asked.campaigns() if one.last_sent]
    sent.sort(key=lambda one: one.last_sent or datetime.min.replace(tzinfo=UTC), reverse=True)
    return listed(
        asked, sent, partial(_summary, asked), "bulk_email_campaign_summaries", "next", MOST_ROWS
    )


def _stats(asked: Asked, activities: Iterable[Activity]) -> dict[str, int]:
    total: dict[str, int] = {}
    for activity in activities:
        for name, count in asked.world.counters(activity).items():
            total[name] = total.get(name, 0) + count
    return total


def _refreshed(asked: Asked, activities: Iterable[Activity]) -> datetime:
    now = asked.world.clock()
    return min((one.counted_at or now for one in activities), default=now)


def _summary(asked: Asked, campaign: Campaign) -> dict[str, Any]:
    stats = _stats(asked, campaign.activities)
    names = ("sends", "opens", "clicks", "forwards", "optouts", "abuse", "bounces")
    return {
        "campaign_id": campaign.campaign_id,
        "campaign_type": "NEWSLETTER",
        "last_sent_date": campaign.last_sent and time_of(campaign.last_sent),
        "unique_counts": {name: stats[f"em_{name}"] for name in names},
    }


def _is_uuid(text: str) -> bool:
    try:
        UUID(text)
    except ValueError:
        return False
    return True

"""Decoding campaigns: their sends, names and activities. Pure.

A function raises a ValueError if the body is not such a reply; the message holds nothing of its
content.
"""

from datetime import datetime
from typing import Any, NamedTuple

from email_opens.adapters.vendor.replies import values
from email_opens.adapters.vendor.replies.decoding import decoded
from email_opens.adapters.vendor.replies.links import next_href
from email_opens.discovery.campaigns import Campaign, CampaignActivity, Summary

MOST_SUBJECT_CHARACTERS = 255

_REMOVED, _SCHEDULED = "removed", "scheduled"


class Email(NamedTuple):
    """What is read of an activity itself."""

    campaign_id: str
    subject: str | None


def decode_summaries(now: datetime, body: bytes) -> tuple[tuple[Summary, ...], str | None]:
    """Decode a page of summaries; rows without an id or a send are skipped.

    A send that is dated in the future counts as one of today, so that it is found, and so that
    the campaign's later sends are.
    """
    reply = _decoded(body, dict)
    today = now.replace(hour=0, minute=0, second=0, microsecond=0)
    summaries = []
    for row in _listed(reply, "bulk_email_campaign_summaries"):
        campaign_id = values.campaign(row.get("campaign_id"))
        sent = values.instant(row.get("last_sent_date"), values.NEVER)
        if campaign_id and sent:
            summaries.append(Summary(campaign_id, sent if sent <= now + values.DAY else today))
    return tuple(summaries), next_href(reply.get("_links"))


def decode_campaign(campaign_id: str, body: bytes) -> Campaign:
    """Decode a campaign; activities without an id or a role are skipped."""
    reply = _decoded(body, dict)
    if values.campaign(reply.get("campaign_id")) != campaign_id:
        raise ValueError("the reply is about another campaign")
    if _status(reply) == _REMOVED:
        return Campaign(campaign_id, values.name(reply.get("name")), removed=True)
    activities = []
    for row in _listed(reply, "campaign_activities"):
        campaign_activity_id = values.activity(row.get("campaign_activity_id"))
        role = row.get("role")
        if campaign_activity_id and isinstance(role, str):
            activities.append(CampaignActivity(campaign_activity_id, role.lower()))
    return Campaign(campaign_id, values.name(reply.get("name")), activities=tuple(activities))


def decode_email(body: bytes) -> Email:
    """Decode an activity."""
    reply = _decoded(body, dict)
    campaign_id = values.campaign(reply.get("campaign_id"))
    if campaign_id is None:
        raise ValueError("the reply names no campaign")
    return Email(campaign_id, values.name(reply.get("subject"), MOST_SUBJECT_CHARACTERS))


def decode_last_run(now: datetime, body: bytes) -> datetime | None:
    """Decode the instant of the last send in a send history; None if there is none."""
    rows = [row for row in _decoded(body, list) if isinstance(row, dict)]
    runs = (values.instant(row.get("run_date"), now + values.DAY) for row in rows)
    return max(filter(None, runs), default=None)


def decode_scheduled(body: bytes) -> list[str]:
    """Decode a list of campaigns: the ids of those that are scheduled."""
    rows = _listed(_decoded(body, dict), "campaigns")
    ids = (values.campaign(row.get("campaign_id")) for row in rows if _status(row) == _SCHEDULED)
    return list(filter(None, ids))


def decode_schedule(body: bytes) -> datetime | None:
    """Decode the instant of the next send in a schedule; None if there is none."""
    return _first_instant(body, "scheduled_date")


def decode_resend(body: bytes) -> datetime | None:
    """Decode the instant of a resend to contacts who did not open; None if there is none."""
    return _first_instant(body, "resend_date")


def decode_names(body: bytes) -> dict[str, str]:
    """Decode a list of campaigns: their names by their ids, without those that have none."""
    names = {
        values.campaign(row.get("campaign_id")): values.name(row.get("name"))
        for row in _listed(_decoded(body, dict), "campaigns")
    }
    return {campaign_id: name for campaign_id, name in names.items() if campaign_id and name}


def _first_instant(body: bytes, name: str) -> datetime | None:
    rows = [row for row in _decoded(body, list) if isinstance(row, dict)]
    return min(filter(None, (values.instant(row.get(name)) for row in rows)), default=None)


def _status(reply: dict[str, Any]) -> str:
    """Return a campaign's status, which the vendor writes in either case."""
    status = reply.get("current_status")
    return status.lower() if isinstance(status, str) else ""


def _decoded(body: bytes, kind: type[Any]) -> Any:
    reply = decoded(body)
    if not isinstance(reply, kind):
        raise ValueError("the reply has an unknown form")  # noqa: TRY004 - a malformed reply
    return reply


def _listed(reply: dict[str, Any], name: str) -> list[dict[str, Any]]:
    rows = reply.get(name)
    if not isinstance(rows, list):
        raise ValueError(f"the reply has no list of {name}")  # noqa: TRY004 - a malformed reply
    return [row for row in rows if isinstance(row, dict)]

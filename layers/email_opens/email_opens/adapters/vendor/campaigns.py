"""Campaigns of Constant Contact's V3 API: their sends, names and activities."""

from collections.abc import Callable
from datetime import datetime
from functools import partial
from typing import Any
from urllib.parse import quote

from email_opens.adapters.vendor.api import Resource, VendorApi
from email_opens.adapters.vendor.replies import values
from email_opens.adapters.vendor.replies.decoding import decoded
from email_opens.adapters.vendor.replies.links import next_href, next_page
from email_opens.discovery.campaigns import Campaign, CampaignActivity, Summaries, Summary
from email_opens.errors import ActivityGone, PagingBroken

MOST_BYTES = 4 * 1024 * 1024
"""Of one reply: ten times the longest page of summaries."""

_PAGE = 500
_SUMMARIES = "/v3/reports/summary_reports/email_campaign_summaries"
_REMOVED = "removed"


class ConstantContactCampaigns:
    """Implements `email_opens.discovery.ports.Campaigns` for one account."""

    def __init__(self, api: VendorApi) -> None:
        self._api = api

    @property
    def requests(self) -> int:
        return self._api.requests

    @property
    def throttled(self) -> int:
        return self._api.throttled

    def summaries(self, *, link: str | None, before: datetime) -> Summaries:
        url = self._api.url
        target = f"{_SUMMARIES}?limit={_PAGE}" if link is None else next_page(link, url, _SUMMARIES)
        resource = Resource(
            target=target,
            content="page of the summaries",
            subject="list",
            data="the summaries",
            privilege="ui:campaign:metrics",
            most_bytes=MOST_BYTES,
            linked=link is not None,
        )
        rows, href = self._api.get(resource, partial(_summaries, before), before)
        next_link = None if href is None else next_page(href, url, _SUMMARIES)
        if next_link == target:
            raise PagingBroken("A next link of the summaries leads back to its own page.")
        return Summaries(rows, next_link)

    def campaign(self, campaign_id: str, *, before: datetime) -> Campaign | None:
        target = f"/v3/emails/{quote(campaign_id, safe='')}"
        return self._find(target, "campaign", partial(_campaign, campaign_id), before)

    def last_run(self, campaign_activity_id: str, *, before: datetime) -> datetime | None:
        target = f"/v3/emails/activities/{quote(campaign_activity_id, safe='')}/send_history"
        return self._find(target, "send history", partial(_last_run, before), before)

    def names(self, *, before: datetime) -> dict[str, str]:
        return self._find(f"/v3/emails?limit={_PAGE}", "list of campaigns", _names, before) or {}

    def _find[T](
        self, target: str, content: str, decode: Callable[[bytes], T], before: datetime
    ) -> T | None:
        """Read a resource, or return None if the vendor does not know it."""
        resource = Resource(
            target=target,
            content=content,
            subject="campaign",
            data="the campaigns",
            privilege="campaign:read",
            most_bytes=MOST_BYTES,
        )
        try:
            return self._api.get(resource, decode, before)
        except ActivityGone:
            return None


def _summaries(now: datetime, body: bytes) -> tuple[tuple[Summary, ...], str | None]:
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
    return tuple(summaries), next_href(reply)


def _campaign(campaign_id: str, body: bytes) -> Campaign:
    reply = _decoded(body, dict)
    if values.campaign(reply.get("campaign_id")) != campaign_id:
        raise ValueError("the reply is about another campaign")
    status = reply.get("current_status")
    if isinstance(status, str) and status.lower() == _REMOVED:
        return Campaign(campaign_id, values.name(reply.get("name")), removed=True)
    activities = []
    for row in _listed(reply, "campaign_activities"):
        campaign_activity_id = values.activity(row.get("campaign_activity_id"))
        role = row.get("role")
        if campaign_activity_id and isinstance(role, str):
            activities.append(CampaignActivity(campaign_activity_id, role.lower()))
    return Campaign(campaign_id, values.name(reply.get("name")), activities=tuple(activities))


def _last_run(now: datetime, body: bytes) -> datetime | None:
    rows = [row for row in _decoded(body, list) if isinstance(row, dict)]
    runs = (values.instant(row.get("run_date"), now + values.DAY) for row in rows)
    return max(filter(None, runs), default=None)


def _names(body: bytes) -> dict[str, str]:
    names = {
        values.campaign(row.get("campaign_id")): values.name(row.get("name"))
        for row in _listed(_decoded(body, dict), "campaigns")
    }
    return {campaign_id: name for campaign_id, name in names.items() if campaign_id and name}


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

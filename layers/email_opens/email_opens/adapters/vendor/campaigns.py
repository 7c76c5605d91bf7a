"""Campaigns of Constant Contact's V3 API: their sends, names and activities."""

import json
from collections.abc import Callable
from datetime import datetime
from functools import partial
from typing import Any
from urllib.parse import quote

from email_opens.adapters.vendor.api import Resource, VendorApi
from email_opens.adapters.vendor.links import local, next_href
from email_opens.discovery.campaigns import Campaign, CampaignActivity, Summaries, Summary
from email_opens.errors import ActivityGone, InvalidInput, PagingBroken
from email_opens.instants import utc
from email_opens.model import activity_id

MOST_BYTES = 4 * 1024 * 1024
"""Of one reply: ten times the longest page of summaries."""
MOST_NAME_CHARACTERS = 80
"""The vendor's own limit."""

_PAGE = 500
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
        if link is None:
            target = f"/v3/reports/summary_reports/email_campaign_summaries?limit={_PAGE}"
        else:
            target = local(link, self._api.url)
        resource = Resource(
            target=target,
            content="page of the summaries",
            subject="list",
            data="the summaries",
            privilege="ui:campaign:metrics",
            most_bytes=MOST_BYTES,
            linked=link is not None,
        )
        rows, href = self._api.get(resource, _summaries, before)
        next_link = None if href is None else local(href, self._api.url)
        if next_link == target:
            raise PagingBroken("A next link of the summaries leads back to its own page.")
        return Summaries(rows, next_link)

    def campaign(self, campaign_id: str, *, before: datetime) -> Campaign | None:
        target = f"/v3/emails/{quote(campaign_id, safe='')}"
        return self._find(target, "campaign", partial(_campaign, campaign_id), before)

    def last_run(self, campaign_activity_id: str, *, before: datetime) -> datetime | None:
        target = f"/v3/emails/activities/{quote(campaign_activity_id, safe='')}/send_history"
        return self._find(target, "send history", _last_run, before)

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


def _summaries(body: bytes) -> tuple[tuple[Summary, ...], str | None]:
    """Decode a page of summaries; rows without an id or a send are skipped."""
    reply = _decoded(body, dict)
    summaries = []
    for row in _listed(reply, "bulk_email_campaign_summaries"):
        campaign_id, last_sent = _id(row.get("campaign_id")), _instant(row.get("last_sent_date"))
        if campaign_id and last_sent:
            summaries.append(Summary(campaign_id, last_sent))
    return tuple(summaries), next_href(reply)


def _campaign(campaign_id: str, body: bytes) -> Campaign:
    reply = _decoded(body, dict)
    if _id(reply.get("campaign_id")) != campaign_id:
        raise ValueError("the reply is about another campaign")
    status = reply.get("current_status")
    if isinstance(status, str) and status.lower() == _REMOVED:
        return Campaign(campaign_id, _name(reply.get("name")), removed=True)
    activities = []
    for row in _listed(reply, "campaign_activities"):
        campaign_activity_id, role = _id(row.get("campaign_activity_id")), row.get("role")
        if campaign_activity_id and isinstance(role, str):
            activities.append(CampaignActivity(campaign_activity_id, role))
    return Campaign(campaign_id, _name(reply.get("name")), activities=tuple(activities))


def _last_run(body: bytes) -> datetime | None:
    runs = [row.get("run_date") for row in _decoded(body, list) if isinstance(row, dict)]
    return max((run for run in map(_instant, runs) if run), default=None)


def _names(body: bytes) -> dict[str, str]:
    names = {
        _id(row.get("campaign_id")): _name(row.get("name"))
        for row in _listed(_decoded(body, dict), "campaigns")
    }
    return {campaign_id: name for campaign_id, name in names.items() if campaign_id and name}


def _decoded(body: bytes, kind: type[Any]) -> Any:
    try:
        reply = json.loads(body)
    except (ValueError, RecursionError):
        reply = None
    # Raised outside the handler, so that no chained cause carries the body into a log.
    if not isinstance(reply, kind):
        raise ValueError("the reply has an unknown form")  # noqa: TRY004 - a malformed reply
    return reply


def _listed(reply: dict[str, Any], name: str) -> list[dict[str, Any]]:
    rows = reply.get(name)
    if not isinstance(rows, list):
        raise ValueError(f"the reply has no list of {name}")  # noqa: TRY004 - a malformed reply
    return [row for row in rows if isinstance(row, dict)]


def _id(value: object) -> str | None:
    """Return a campaign's or an activity's id in its canonical form, or None if it is invalid."""
    try:
        return activity_id(value) if isinstance(value, str) else None
    except InvalidInput:
        return None


def _instant(value: object) -> datetime | None:
    try:
        return utc(value) if isinstance(value, str) else None
    except ValueError:
        return None


def _name(value: object) -> str | None:
    r"""Return a name that UTF-8 can encode, unlike some that JSON allows (`"\ud800"`)."""
    if not isinstance(value, str):
        return None
    return value.encode(errors="replace").decode()[:MOST_NAME_CHARACTERS].strip() or None

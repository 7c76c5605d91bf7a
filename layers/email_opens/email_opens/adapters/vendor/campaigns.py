"""Campaigns of Constant Contact's V3 API: their sends, names and activities."""

from collections.abc import Callable
from datetime import datetime
from functools import partial

from email_opens.adapters.vendor.api import VendorApi
from email_opens.adapters.vendor.replies.campaigns import (
    Email,
    decode_campaign,
    decode_email,
    decode_last_run,
    decode_names,
    decode_resend,
    decode_schedule,
    decode_scheduled,
    decode_summaries,
)
from email_opens.adapters.vendor.replies.links import next_page
from email_opens.adapters.vendor.resources import Resource, segment
from email_opens.discovery.campaigns import Campaign, Summaries
from email_opens.errors import ActivityGone, PagingBroken

MOST_BYTES = 4 * 1024 * 1024
"""Of one reply: ten times the longest page of summaries."""

_PAGE = 500
_SUMMARIES = "/v3/reports/summary_reports/email_campaign_summaries"


class ConstantContactCampaigns:
    """Implements `email_opens.discovery.ports.Campaigns` for one account."""

    def __init__(self, api: VendorApi) -> None:
        self._api = api
        self._emails: dict[str, Email | None] = {}

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
        rows, href = self._api.get(resource, partial(decode_summaries, before), before)
        next_link = None if href is None else next_page(href, url, _SUMMARIES)
        if next_link == target:
            raise PagingBroken("A next link of the summaries leads back to its own page.")
        return Summaries(rows, next_link)

    def campaign(self, campaign_id: str, *, before: datetime) -> Campaign | None:
        target = f"/v3/emails/{segment(campaign_id)}"
        return self._find(target, "campaign", partial(decode_campaign, campaign_id), before)

    def campaign_of(self, campaign_activity_id: str, *, before: datetime) -> str | None:
        email = self._email(campaign_activity_id, before)
        return None if email is None else email.campaign_id

    def subject(self, campaign_activity_id: str, *, before: datetime) -> str | None:
        email = self._email(campaign_activity_id, before)
        return None if email is None else email.subject

    def last_run(self, campaign_activity_id: str, *, before: datetime) -> datetime | None:
        target = f"/v3/emails/activities/{segment(campaign_activity_id)}/send_history"
        return self._find(target, "send history", partial(decode_last_run, before), before)

    def scheduled(self, *, before: datetime) -> list[str]:
        target = f"/v3/emails?limit={_PAGE}"
        return self._find(target, "list of campaigns", decode_scheduled, before) or []

    def scheduled_at(self, campaign_activity_id: str, *, before: datetime) -> datetime | None:
        target = f"/v3/emails/activities/{segment(campaign_activity_id)}/schedules"
        return self._find(target, "schedule", decode_schedule, before)

    def resend_at(self, campaign_activity_id: str, *, before: datetime) -> datetime | None:
        target = f"/v3/emails/activities/{segment(campaign_activity_id)}/non_opener_resends"
        return self._find(target, "schedule of the resend", decode_resend, before)

    def names(self, *, before: datetime) -> dict[str, str]:
        target = f"/v3/emails?limit={_PAGE}"
        return self._find(target, "list of campaigns", decode_names, before) or {}

    def _email(self, campaign_activity_id: str, before: datetime) -> Email | None:
        """Read an activity, once: its campaign and its subject are in the same reply."""
        if campaign_activity_id not in self._emails:
            target = f"/v3/emails/activities/{segment(campaign_activity_id)}"
            found = self._find(target, "activity", decode_email, before)
            self._emails[campaign_activity_id] = found
        return self._emails[campaign_activity_id]

    def _find[T](
        self, target: str, content: str, decode: Callable[[bytes], T], before: datetime
    ) -> T | None:
        """Read a resource, or return None if the vendor does not know it."""
        resource = Resource(
            target=target,
            content=content,
            data="the campaigns",
            privilege="campaign:read",
            most_bytes=MOST_BYTES,
        )
        try:
            return self._api.get(resource, decode, before)
        except ActivityGone:
            return None

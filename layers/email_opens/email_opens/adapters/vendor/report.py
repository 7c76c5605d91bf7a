"""The opens report and the counters of Constant Contact's V3 API."""

from collections.abc import Sequence
from datetime import datetime
from functools import partial

from email_opens.adapters.vendor.api import VendorApi
from email_opens.adapters.vendor.replies import values
from email_opens.adapters.vendor.replies.contacts import Contacts
from email_opens.adapters.vendor.replies.counters import decode_activity_counter, decode_counters
from email_opens.adapters.vendor.replies.links import next_page
from email_opens.adapters.vendor.replies.rows import FULL_DETAILS, decode
from email_opens.adapters.vendor.resources import Resource, segment
from email_opens.errors import ActivityGone, EmailOpensError, NotCounted, PagingBroken
from email_opens.model import CounterReadings, Page

MOST_BYTES = 8 * 1024 * 1024
"""Of one reply: fifty times a full page."""


class ConstantContactReport:
    """Implements `email_opens.ports.Report` for one account."""

    def __init__(self, api: VendorApi, contacts: Contacts = FULL_DETAILS) -> None:
        self._api = api
        self._contacts = contacts

    @property
    def requests(self) -> int:
        return self._api.requests

    @property
    def throttled(self) -> int:
        return self._api.throttled

    def read(
        self, campaign_activity_id: str, *, link: str | None, rows: int, before: datetime
    ) -> Page:
        path = f"/v3/reports/email_reports/{segment(campaign_activity_id)}/tracking/opens"
        target = f"{path}?limit={rows}" if link is None else next_page(link, self._api.url, path)
        resource = Resource(
            target=target,
            content="page of the report",
            subject="activity",
            data="the report",
            privilege="ui:campaign:metrics",
            most_bytes=MOST_BYTES,
            linked=link is not None,
            campaign_activity_id=campaign_activity_id,
        )
        page = partial(self._page, campaign_activity_id, path, link, target)
        return self._api.get(resource, page, before)

    def count(self, campaign_ids: Sequence[str], *, before: datetime) -> CounterReadings:
        ids = ",".join(map(segment, campaign_ids))
        resource = Resource(
            target=f"/v3/reports/stats/email_campaigns/{ids}",
            content="counters",
            subject="campaign",
            data="the counters",
            privilege="ui:campaign:metrics",
            most_bytes=MOST_BYTES,
        )
        decode_readings = partial(decode_counters, until=before + values.DAY)
        try:
            return self._api.get(resource, decode_readings, before)
        except ActivityGone as error:
            raise NotCounted(str(error)) from None

    def count_activity(self, campaign_activity_id: str, before: datetime) -> int | None:
        """Read the vendor's count of an activity's opens, from `em_opens_all`, with one request.

        Returns None if the request fails or the reply has no usable count.
        """
        target = f"/v3/reports/stats/email_campaign_activities/{segment(campaign_activity_id)}"
        try:
            reply = self._api.reply(target, before)
        except EmailOpensError:
            return None
        return decode_activity_counter(reply.body)

    def _page(
        self, campaign_activity_id: str, path: str, link: str | None, target: str, body: bytes
    ) -> Page:
        found = decode(body, campaign_activity_id, self._contacts)
        next_link, astray = None, found.astray
        if found.next_href is not None:
            try:
                next_link = next_page(found.next_href, self._api.url, path)
            except PagingBroken as error:
                astray = str(error)
        if next_link == target:
            next_link, astray = None, "A next link of the report leads back to its own page."
        return Page(link, found.opens, found.rejected, next_link, astray)

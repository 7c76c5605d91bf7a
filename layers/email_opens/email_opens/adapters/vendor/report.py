"""The opens report and the counters of Constant Contact's V3 API."""

from collections.abc import Sequence
from datetime import datetime
from functools import partial
from urllib.parse import quote

import requests

from email_opens.adapters.vendor.api import Question, Vendor
from email_opens.adapters.vendor.counters import decode_counters
from email_opens.adapters.vendor.links import local
from email_opens.adapters.vendor.oauth import TokenSource
from email_opens.adapters.vendor.rows import decode
from email_opens.errors import ActivityGone, NotCounted, PagingBroken
from email_opens.model import CounterReadings, Page
from email_opens.ports import Clock
from email_opens.turns.budget import Budget

MOST_BYTES = 8 * 1024 * 1024
"""Of one reply: fifty times a full page."""


class ConstantContactReport:
    """Keeps `email_opens.ports.Report` for one account and one invocation.

    It takes its requests from a budget, evenly and `requests_per_second` at most.
    """

    def __init__(
        self,
        session: requests.Session,
        api_url: str,
        tokens: TokenSource,
        clock: Clock,
        *,
        requests_per_second: int,
        budget: Budget,
    ) -> None:
        self._api_url = api_url
        self._vendor = Vendor(
            session,
            api_url,
            tokens,
            clock,
            requests_per_second=requests_per_second,
            budget=budget,
            most_bytes=MOST_BYTES,
        )

    @property
    def requests(self) -> int:
        return self._vendor.requests

    @property
    def throttled(self) -> int:
        return self._vendor.throttled

    def read(
        self, campaign_activity_id: str, *, link: str | None, rows: int, before: datetime
    ) -> Page:
        if link is None:
            target = (
                f"/v3/reports/email_reports/{quote(campaign_activity_id, safe='')}"
                f"/tracking/opens?limit={rows}"
            )
        else:
            target = local(link, self._api_url)
        question = Question(
            target=target,
            answer="page of the report",
            subject="activity",
            reading="the report",
            privilege="ui:campaign:metrics",
            linked=link is not None,
        )
        page = partial(self._page, campaign_activity_id, link, target)
        return self._vendor.ask(question, page, before)

    def count(self, campaign_ids: Sequence[str], *, before: datetime) -> CounterReadings:
        listed = ",".join(quote(one, safe="") for one in campaign_ids)
        question = Question(
            target=f"/v3/reports/stats/email_campaigns/{listed}",
            answer="counters",
            subject="campaign",
            reading="the counters",
            privilege="ui:campaign:metrics",
        )
        try:
            return self._vendor.ask(question, decode_counters, before)
        except ActivityGone as error:
            raise NotCounted(str(error)) from None

    def _page(self, campaign_activity_id: str, link: str | None, target: str, body: bytes) -> Page:
        found = decode(body, campaign_activity_id)
        next_link, astray = None, None
        if found.next_href is not None:
            try:
                next_link = local(found.next_href, self._api_url)
            except PagingBroken as error:
                astray = str(error)
        if next_link == target:
            next_link, astray = None, "A next link of the report leads back to its own page."
        return Page(link, found.opens, found.rejected, next_link, astray)

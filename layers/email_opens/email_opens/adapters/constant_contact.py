"""The opens report of Constant Contact's V3 API, within its pace.

Whatever may be answered is judged here once, by what the caller should do.
"""

from datetime import datetime, timedelta
from http import HTTPStatus
from urllib.parse import quote

import requests

from email_opens.adapters.exchange import LEAST_SECONDS, Patience, Reply, Unanswered, exchange
from email_opens.adapters.links import local
from email_opens.adapters.oauth import TokenSource
from email_opens.adapters.rows import decode
from email_opens.errors import (
    AccountDisconnected,
    ActivityGone,
    EmailOpensError,
    LinkExpired,
    OutOfTime,
    PagingBroken,
    QuotaExceeded,
    ReportUnavailable,
    Throttled,
)
from email_opens.model import Page, next_day
from email_opens.ports import Clock

MOST_BYTES = 8 * 1024 * 1024
"""Of one reply: fifty times a full page."""

_THROTTLED_SECONDS = 1.0


class ConstantContactReport:
    """Keeps `email_opens.ports.Report` for one account and one invocation.

    It spends at most `requests_left` requests, evenly and `requests_per_second` at most.
    """

    def __init__(
        self,
        session: requests.Session,
        api_url: str,
        tokens: TokenSource,
        clock: Clock,
        *,
        requests_per_second: int,
        requests_left: int,
    ) -> None:
        self._session = session
        self._api_url = api_url
        self._tokens = tokens
        self._clock = clock
        self._interval = timedelta(seconds=1) / requests_per_second
        self._requests_left = requests_left
        self._next_at: datetime | None = None
        self._requests = 0
        self._throttled = 0

    @property
    def requests(self) -> int:
        """How many requests of the API were sent; those for tokens have a limit of their own."""
        return self._requests

    @property
    def throttled(self) -> int:
        """How many replies were "Too Many Requests" for the second."""
        return self._throttled

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
        patience = Patience(self._clock, before)
        renewed = False
        failure: EmailOpensError
        while True:
            reply = self._ask(target, before)
            if isinstance(reply, Unanswered):
                failure = ReportUnavailable(f"The vendor gave no page of the report: {reply}.")
                patience.wait(failure)
                continue
            if reply.status == HTTPStatus.UNAUTHORIZED and not renewed:
                renewed = True
                self._tokens.refused()
                continue
            if reply.status == HTTPStatus.OK:
                page = self._page(reply, campaign_activity_id, link, target)
                if isinstance(page, Page):
                    return page
                patience.wait(page)
                continue
            failure, seconds = self._judge(reply, link)
            patience.wait(failure, seconds)

    def _ask(self, target: str, before: datetime) -> Reply | Unanswered:
        """Send one request in its turn."""
        if self._requests >= self._requests_left:
            raise OutOfTime("No request of the day's budget is left for this round.")
        token = self._tokens.access_token(before)
        now = self._clock.now()
        begin = max(now, self._next_at or now)
        if begin + timedelta(seconds=LEAST_SECONDS) > before:
            raise OutOfTime("No time is left for another request.")
        if begin > now:
            self._clock.sleep((begin - now).total_seconds())
        self._next_at = max(begin, self._clock.now()) + self._interval
        self._requests += 1
        try:
            return exchange(
                self._session,
                "GET",
                self._api_url + target,
                headers={"Authorization": f"Bearer {token}"},
                clock=self._clock,
                before=before,
                most_bytes=MOST_BYTES,
            )
        except Unanswered as error:
            return error

    def _page(
        self, reply: Reply, campaign_activity_id: str, link: str | None, target: str
    ) -> Page | ReportUnavailable:
        """Return the page, or why the reply is none."""
        try:
            found = decode(reply.body, campaign_activity_id)
        except ValueError as fault:
            return ReportUnavailable(
                f"The vendor's reply is no page of the report: {fault}{reply.traces()}."
            )
        next_link, astray = None, None
        if found.next_href is not None:
            try:
                next_link = local(found.next_href, self._api_url)
            except PagingBroken as error:
                astray = str(error)
        if next_link == target:
            next_link, astray = None, "A next link of the report leads back to its own page."
        return Page(link, found.opens, found.rejected, next_link, astray)

    def _judge(self, reply: Reply, link: str | None) -> tuple[EmailOpensError, float | None]:
        """Raise what a reply means, or return what it means after the last try, and the wait."""
        status, key, traces = reply.status, reply.error_key("error_key"), reply.traces()
        now = self._clock.now()
        asked = reply.retry_after_seconds(now)
        answered = f"The vendor answered {status}{f' {key}' if key else ''}{traces}"
        match status:
            case HTTPStatus.UNAUTHORIZED:
                raise AccountDisconnected(
                    f"The vendor refused a new access token as well: "
                    f"run {self._tokens.command()}{traces}."
                )
            case HTTPStatus.FORBIDDEN:
                raise AccountDisconnected(
                    "The vendor forbids reading the report: the account's user needs the "
                    "privilege ui:campaign:metrics and the application the scope campaign_data; "
                    f"then run {self._tokens.command()}{traces}."
                )
            case HTTPStatus.TOO_MANY_REQUESTS if key == "quota_exceeded":
                raise QuotaExceeded(
                    f"The day's quota of the API key is spent{traces}.", next_day(now)
                )
            case HTTPStatus.TOO_MANY_REQUESTS:
                self._throttled += 1
                failure = Throttled(f"The vendor went on throttling{traces}.")
                return failure, max(_THROTTLED_SECONDS, asked or 0.0)
            case HTTPStatus.NOT_FOUND | HTTPStatus.BAD_REQUEST if link is not None:
                raise LinkExpired(f"A next link no longer works: {answered}.")
            case HTTPStatus.NOT_FOUND if key is not None:
                raise ActivityGone(f"The vendor does not know this activity{traces}.")
            case HTTPStatus.NOT_FOUND | HTTPStatus.REQUEST_TIMEOUT:
                # A 404 without the vendor's words comes from something before it.
                return ReportUnavailable(f"{answered}."), asked
        if status >= HTTPStatus.INTERNAL_SERVER_ERROR or status < HTTPStatus.MULTIPLE_CHOICES:
            return ReportUnavailable(f"{answered}."), asked
        raise ReportUnavailable(f"{answered}.")

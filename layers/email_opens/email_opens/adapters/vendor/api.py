"""Requests to Constant Contact's V3 API, within the pace and the budget of one account.

Each reply is classified here, once, by what the caller should do.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from http import HTTPStatus

from email_opens.adapters.retry import ATTEMPT_SECONDS, Retries
from email_opens.adapters.vendor.http import Reply, Unanswered, exchange
from email_opens.adapters.vendor.oauth import TokenSource
from email_opens.adapters.vendor.session import Session
from email_opens.adapters.waits import UNCUT, Waits
from email_opens.errors import (
    AccountDisconnected,
    ActivityGone,
    EmailOpensError,
    LinkExpired,
    OutOfTime,
    QuotaExceeded,
    ReportUnavailable,
    Throttled,
)
from email_opens.instants import next_day
from email_opens.ports import Clock
from email_opens.turns.budget import Budget

MOST_BYTES = 1024 * 1024
"""The size of the longest reply that `VendorApi.reply` accepts."""

_THROTTLED_SECONDS = 1.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Resource:
    """What to read from the API, and the words for it in error messages."""

    target: str
    """Path and query, beginning with `/v3/`."""
    content: str
    """What a good reply contains: `page of the report`."""
    subject: str
    """What a 404 says does not exist: `activity`."""
    data: str
    """What a 403 forbids reading: `the report`."""
    privilege: str
    """The privilege that the account's user needs for it."""
    most_bytes: int
    """The size of the longest reply that is accepted."""
    linked: bool = False
    """Whether the target is a next link, which may have expired."""


class VendorApi:
    """Sends the requests of one account in one invocation.

    The adapters that share an instance share its pace, `requests_per_second` evenly spaced, and
    its budget. Requests for tokens have a limit of their own and are not counted.
    """

    def __init__(
        self,
        session: Session,
        api_url: str,
        tokens: TokenSource,
        clock: Clock,
        *,
        requests_per_second: int,
        budget: Budget,
        waits: Waits = UNCUT,
    ) -> None:
        self.url = api_url
        self._session = session
        self._tokens = tokens
        self._clock = clock
        self._interval = timedelta(seconds=1) / requests_per_second
        self._budget = budget
        self._waits = waits
        self._next_at: datetime | None = None
        self._requests = 0
        self._throttled = 0

    @property
    def requests(self) -> int:
        """How many requests were sent, retries and refused ones included."""
        return self._requests

    @property
    def throttled(self) -> int:
        """How many replies refused a request for its pace."""
        return self._throttled

    def get[T](self, resource: Resource, decode: Callable[[bytes], T], before: datetime) -> T:
        """Return what `decode` makes of the reply's body, which arrives by `before`.

        `decode` refuses a body with a ValueError: the end of a sentence, without the content.

        Raises:
            OutOfTime: `before` or the budget leaves no request.
            LinkExpired: the resource is a next link that no longer works.
            ActivityGone: the vendor does not know the resource's subject.
            ReportUnavailable: no attempt got a usable reply.
            AccountStopped: every request of the account would fail.
        """
        retries = Retries(self._clock, before)
        renewed = False
        failure: EmailOpensError
        while True:
            reply = self._send(resource.target, before, resource.most_bytes)
            seconds = None
            if isinstance(reply, Unanswered):
                failure = ReportUnavailable(
                    f"The vendor returned no usable {resource.content}: {reply}."
                )
                if reply.timed_out:
                    # Another attempt would keep the other activities waiting as long again.
                    raise failure
            elif reply.status == HTTPStatus.UNAUTHORIZED and not renewed:
                renewed = True
                self._tokens.discard()
                continue
            elif reply.status == HTTPStatus.OK:
                try:
                    return decode(reply.body)
                except ValueError as fault:
                    failure = ReportUnavailable(
                        f"The vendor returned no usable {resource.content}: "
                        f"{fault}{reply.traces()}."
                    )
            else:
                failure, seconds = self._classify(reply, resource)
            retries.wait(failure, seconds)

    def reply(self, target: str, before: datetime) -> Reply:
        """Send one request for a path, without retries, and return its reply of any status.

        Raises:
            OutOfTime: `before` or the budget leaves no request.
            ReportUnavailable: no whole reply came.
            AccountStopped: the account has no access token.
        """
        reply = self._send(target, before, MOST_BYTES)
        if isinstance(reply, Unanswered):
            raise ReportUnavailable(f"The vendor did not answer: {reply}.")
        return reply

    def _send(self, target: str, before: datetime, most_bytes: int) -> Reply | Unanswered:
        """Send one request as soon as the pace allows it."""
        self._budget.ready()
        token = self._tokens.access_token(before)
        now = self._clock.now()
        start = max(now, self._next_at or now)
        if start + timedelta(seconds=ATTEMPT_SECONDS) > before:
            raise OutOfTime("No time is left for another request.")
        if start > now:
            self._clock.sleep((start - now).total_seconds())
        self._next_at = max(start, self._clock.now()) + self._interval
        self._budget.take()
        self._requests += 1
        try:
            with self._waits.for_news():
                return exchange(
                    self._session,
                    "GET",
                    self.url + target,
                    headers={"Authorization": f"Bearer {token}"},
                    clock=self._clock,
                    before=before,
                    most_bytes=most_bytes,
                )
        except Unanswered as error:
            unanswered = error
        if unanswered.timed_out and self._clock.now() >= before:
            raise OutOfTime("No time was left for a whole reply.")
        return unanswered

    def _classify(self, reply: Reply, resource: Resource) -> tuple[EmailOpensError, float | None]:
        """Raise the error of a reply; if a retry may help, return it with the requested wait."""
        status, key, traces = reply.status, reply.error_key("error_key"), reply.traces()
        now = self._clock.now()
        wait_seconds = reply.retry_after_seconds(now)
        answer = f"{status}{f' {key}' if key else ''}{traces}"
        unavailable = ReportUnavailable(f"The vendor answered {answer}.")
        match status:
            case HTTPStatus.UNAUTHORIZED:
                raise AccountDisconnected(
                    f"The vendor also refused a new access token: "
                    f"run {self._tokens.reconnect}{traces}."
                )
            case HTTPStatus.FORBIDDEN:
                raise AccountDisconnected(
                    f"The vendor forbids reading {resource.data}: give the account's user the "
                    f"privilege {resource.privilege} and the application the scope campaign_data, "
                    f"then run {self._tokens.reconnect}{traces}."
                )
            case HTTPStatus.TOO_MANY_REQUESTS if key == "quota_exceeded":
                raise QuotaExceeded(
                    f"The day's quota of the API key is spent{traces}.", next_day(now)
                )
            case HTTPStatus.TOO_MANY_REQUESTS:
                self._throttled += 1
                failure = Throttled(f"The vendor throttled every attempt{traces}.")
                return failure, max(_THROTTLED_SECONDS, wait_seconds or 0.0)
            case HTTPStatus.NOT_FOUND | HTTPStatus.BAD_REQUEST if resource.linked:
                raise LinkExpired(f"A next link no longer works: the vendor answered {answer}.")
            case HTTPStatus.NOT_FOUND if key is not None:
                raise ActivityGone(f"The vendor does not know this {resource.subject}{traces}.")
            case HTTPStatus.NOT_FOUND | HTTPStatus.REQUEST_TIMEOUT:
                # A 404 without an error key comes from a gateway in front of the API.
                return unavailable, wait_seconds
        if status >= HTTPStatus.INTERNAL_SERVER_ERROR or status < HTTPStatus.MULTIPLE_CHOICES:
            return unavailable, wait_seconds
        raise unavailable

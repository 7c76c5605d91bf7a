"""Requests to Constant Contact's V3 API, within the pace and the budget of one account.

Each reply is classified here, once, by what the caller should do.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from http import HTTPStatus
from typing import NoReturn

from email_opens.account import LONGEST_REST
from email_opens.adapters.retry import ATTEMPT_SECONDS, Retries
from email_opens.adapters.vendor.http import Reply, Unanswered, exchange
from email_opens.adapters.vendor.oauth import TokenSource
from email_opens.adapters.vendor.refusals import (
    PRIVILEGES,
    Access,
    Privileges,
    privileges,
    reason,
    spends_quota,
)
from email_opens.adapters.vendor.session import Session
from email_opens.adapters.waits import UNCUT, Waits
from email_opens.errors import (
    AccountDisconnected,
    AccountStopped,
    ActivityForbidden,
    ActivityGone,
    EmailOpensError,
    LinkExpired,
    OutOfTime,
    QuotaExceeded,
    ReportUnavailable,
    Throttled,
    VendorUnavailable,
)
from email_opens.instants import next_day
from email_opens.ports import Clock
from email_opens.turns.budget import Budget

MOST_BYTES = 1024 * 1024
"""The size of the longest reply that `VendorApi.reply` accepts."""

_THROTTLED_SECONDS = 1.0
_UNAVAILABLE_ATTEMPTS = 2
"""A page that the vendor fails to return is requested once more; further retries would delay the
other activities, and the next turn begins within a minute."""
_DAY_TURNS = timedelta(minutes=10)
_DAY_TURNS_AGAIN = timedelta(minutes=5)
"""A quota that is spent this soon after midnight may be yesterday's, by the vendor's clock."""
_EXPIRED = frozenset({400, 404, 410, 422})
"""The statuses that, like redirects, mean that a next link has expired."""


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
    campaign_activity_id: str | None = None
    """The activity that fails if the resource does; None: no activity does."""

    @property
    def key(self) -> str:
        """What fails when the resource fails."""
        return self.campaign_activity_id or self.target.partition("?")[0]


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
        self._privileges: Privileges | None = None

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
            ActivityForbidden: the vendor refuses the resource, and serves the account.
            ReportUnavailable: no attempt got a usable reply.
            AccountStopped: every request of the account would fail.
        """
        retries = Retries(self._clock, before)
        renewed = False
        while True:
            reply = self._send(resource.target, before, resource.most_bytes)
            if isinstance(reply, Unanswered):
                failure = ReportUnavailable(
                    f"The vendor returned no usable {resource.content}: {reply}."
                )
            elif reply.status == HTTPStatus.OK:
                try:
                    content = decode(reply.body)
                except ValueError as fault:
                    failure = ReportUnavailable(
                        f"The vendor returned no usable {resource.content}: "
                        f"{fault}{reply.traces()}."
                    )
                else:
                    self._budget.note_answer()
                    return content
            elif reply.status == HTTPStatus.UNAUTHORIZED and not renewed:
                renewed = True
                if self._needs_new_token(resource, before):
                    self._tokens.discard()
                    self._privileges = None
                    continue
                self._raise_refusal(reply, resource, before)
            elif (
                reply.status == HTTPStatus.FORBIDDEN and not renewed and self._unauthorized(before)
            ):
                # The access token has expired, which is not what the 403 is about.
                renewed = True
                self._tokens.discard()
                self._privileges = None
                continue
            elif reply.status == HTTPStatus.TOO_MANY_REQUESTS:
                self._wait_for_the_pace(reply, retries)
                continue
            else:
                self._raise_definite(reply, resource, before)
                failure = ReportUnavailable(f"The vendor answered {reason(reply)}.")
            self._retry(reply, resource, failure, retries)

    def reply(self, target: str, before: datetime) -> Reply:
        """Send one request for a path, without retries, and return its reply of any status.

        Raises:
            OutOfTime: `before` or the budget leaves no request.
            ReportUnavailable: no whole reply came.
            AccountStopped: the account has no access token, or rests.
        """
        reply = self._send(target, before, MOST_BYTES)
        if isinstance(reply, Unanswered):
            raise ReportUnavailable(f"The vendor did not answer: {reply}.")
        throttled = reply.status == HTTPStatus.TOO_MANY_REQUESTS
        if reply.status == HTTPStatus.OK:
            self._budget.note_answer()
        elif throttled or reply.status == HTTPStatus.SERVICE_UNAVAILABLE:
            asked = self._asked(reply)
            if asked and (throttled or self._budget.outage.suspects_all(target)):
                because = f"The vendor answered {reason(reply)}."
                self._budget.rest(self._clock.now(), asked, because)
        return reply

    def privileges(self, before: datetime) -> Privileges:
        """Return what the account's user may do; the vendor is asked once, with one request.

        Raises:
            OutOfTime: `before` or the budget leaves no request.
            AccountStopped: no request of the account can succeed for now.
        """
        if self._privileges is None:
            reply = self._send(PRIVILEGES, before, MOST_BYTES)
            if isinstance(reply, Reply) and reply.status == HTTPStatus.TOO_MANY_REQUESTS:
                raise self._too_many(reply)
            self._privileges = privileges(reply)
        return self._privileges

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

    # --- What a refusal concerns ---

    def _unauthorized(self, before: datetime) -> bool:
        """Return whether the vendor refuses the access token for what needs no privilege."""
        return self.privileges(before).access is Access.UNAUTHORIZED

    def _needs_new_token(self, resource: Resource, before: datetime) -> bool:
        """Return whether a 401 may be about the access token.

        So that an activity that keeps failing does not cost a new token in each turn, the vendor is
        first asked whether it accepts the present one.
        """
        if resource.key in self._budget.outage.known:
            self.privileges(before)
        known = self._privileges
        return known is None or known.access in (Access.UNAUTHORIZED, Access.UNKNOWN)

    def _raise_refusal(self, reply: Reply, resource: Resource, before: datetime) -> NoReturn:
        """Raise the error of a 401 or 403, which is about the account only if the vendor says so.

        Raises:
            AccountDisconnected: the vendor refuses the account.
            ActivityForbidden: it refuses the resource alone, as far as is known.
        """
        found = self.privileges(before)
        match found.access:
            case Access.UNAUTHORIZED:
                self._budget.note_answer()
                raise AccountDisconnected(
                    f"The vendor also refused a new access token: "
                    f"run {self._tokens.reconnect}{reply.traces()}."
                )
            case Access.FORBIDDEN:
                self._budget.note_answer()
                raise AccountDisconnected(
                    f"The vendor forbids reading {resource.data}: give the account's user the "
                    f"privilege {resource.privilege} and the application the scope campaign_data, "
                    f"then run {self._tokens.reconnect}{reply.traces()}."
                )
        lacks = f"; the account's user lacks the privilege {resource.privilege}"
        hint = lacks if found.names and resource.privilege not in found.names else ""
        failure = ActivityForbidden(
            f"The vendor refuses to return {resource.data}: it answered {reason(reply)}{hint}."
        )
        now, because = self._clock.now(), _unavailable(failure)
        # Something in front of the API may refuse everything.
        unknown = found.access is Access.UNKNOWN
        note = self._budget.note_failure if unknown else self._budget.note_refusal
        until = note(resource.key, now, because)
        raise failure if until is None else VendorUnavailable(because, until)

    def _raise_definite(self, reply: Reply, resource: Resource, before: datetime) -> None:
        """Raise the error of a reply that no retry would change; return if one may."""
        status, key = reply.status, reply.error_key("error_key")
        if status in (HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN):
            self._raise_refusal(reply, resource, before)
        redirected = HTTPStatus.MULTIPLE_CHOICES <= status < HTTPStatus.BAD_REQUEST
        if resource.linked and (redirected or status in _EXPIRED):
            self._budget.note_answer()
            raise LinkExpired(f"A next link no longer works: the vendor answered {reason(reply)}.")
        if status == HTTPStatus.NOT_FOUND and key is not None:
            self._budget.note_answer()
            raise ActivityGone(f"The vendor does not know this {resource.subject}{reply.traces()}.")
        # A 404 without an error key comes from a gateway in front of the API.
        passing = status in (HTTPStatus.NOT_FOUND, HTTPStatus.REQUEST_TIMEOUT)
        if HTTPStatus.MULTIPLE_CHOICES <= status < HTTPStatus.INTERNAL_SERVER_ERROR and not passing:
            self._budget.note_answer()
            raise ReportUnavailable(f"The vendor answered {reason(reply)}.")

    # --- Waits and pauses ---

    def _asked(self, reply: Reply | Unanswered) -> timedelta | None:
        """Return the pause that a reply asks for."""
        if isinstance(reply, Unanswered):
            return None
        seconds = reply.retry_after_seconds(self._clock.now())
        return None if seconds is None else min(timedelta(seconds=seconds), LONGEST_REST)

    def _wait_for_the_pace(self, reply: Reply, retries: Retries) -> None:
        """Wait after a 429 as long as it asks for, a second at least.

        Raises:
            QuotaExceeded: it is about the day.
            Throttled: there is no time for the wait, or every attempt was refused.
        """
        if spends_quota(reply):
            raise self._too_many(reply)
        self._throttled += 1
        asked = self._asked(reply) or timedelta()
        if not retries.again(max(_THROTTLED_SECONDS, asked.total_seconds())):
            raise self._too_many(reply)

    def _too_many(self, reply: Reply) -> AccountStopped:
        """Return the error of a 429; the pause that it asks for is kept."""
        now, asked = self._clock.now(), self._asked(reply)
        about_the_day = spends_quota(reply)
        spent = f"The day's quota of the API key is spent{reply.traces()}."
        message = spent if about_the_day else _throttled(reply, asked)
        rests_until = self._budget.rest(now, asked, message) if asked else None
        if not about_the_day:
            return Throttled(message, rests_until)
        midnight = next_day(now)
        turning = now - (midnight - timedelta(days=1)) < _DAY_TURNS
        return QuotaExceeded(message, now + _DAY_TURNS_AGAIN if turning else midnight)

    def _retry(
        self,
        reply: Reply | Unanswered,
        resource: Resource,
        failure: EmailOpensError,
        retries: Retries,
    ) -> None:
        """Wait before another attempt at what the vendor failed to return.

        Raises:
            EmailOpensError: there is to be no other attempt; it is `failure`, or says that the
                account pauses.
        """
        asked, outage = self._asked(reply), self._budget.outage
        timed_out = isinstance(reply, Unanswered) and reply.timed_out
        # A wait that the vendor asks of one activity would delay the others.
        alone = asked is not None and not outage.suspects_all(resource.key)
        attempts = 1 if timed_out or alone or outage.testing else _UNAVAILABLE_ATTEMPTS
        seconds = None if asked is None else asked.total_seconds()
        if retries.again(seconds, attempts=attempts):
            return
        because = _unavailable(failure)
        until = self._budget.note_failure(
            resource.key, self._clock.now(), because, asked or timedelta()
        )
        raise failure if until is None else VendorUnavailable(because, until)


def _unavailable(failure: EmailOpensError) -> str:
    return f"Requests pause while the vendor is unavailable. {failure}"


def _throttled(reply: Reply, asked: timedelta | None) -> str:
    pause = f"; it asks for a pause of {asked.total_seconds():.0f} s" if asked else ""
    return f"The vendor throttled every attempt{reply.traces()}{pause}."

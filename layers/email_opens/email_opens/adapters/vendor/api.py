"""Constant Contact's V3 API: one question and its answer, within the pace and the budget.

Whatever may be answered is judged here once, by what the caller should do.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from http import HTTPStatus

import requests

from email_opens.adapters.retry import ATTEMPT_SECONDS, Retries
from email_opens.adapters.vendor.http import Reply, Unanswered, exchange
from email_opens.adapters.vendor.oauth import TokenSource
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

_THROTTLED_SECONDS = 1.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """What is asked for, and the words for it in the sentences of a failure."""

    target: str
    """Path and query, beginning with `/v3/`."""
    answer: str
    """What a good reply is: `page of the report`."""
    subject: str
    """What the vendor may not know: `activity`."""
    reading: str
    """What it may forbid to read: `the report`."""
    privilege: str
    """What the account's user needs to read it."""
    linked: bool = False
    """Whether the target is a next link, which may have expired."""


class Vendor:
    """Asks for one account, in one invocation.

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
        most_bytes: int,
    ) -> None:
        self._session = session
        self._api_url = api_url
        self._tokens = tokens
        self._clock = clock
        self._interval = timedelta(seconds=1) / requests_per_second
        self._budget = budget
        self._most_bytes = most_bytes
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

    def ask[T](self, question: Question, read: Callable[[bytes], T], before: datetime) -> T:
        """Return what `read` makes of the answer's body; begin nothing after `before`.

        `read` refuses a body with a ValueError: the end of a sentence, without its content.

        Raises:
            OutOfTime: `before` or the budget leaves no request.
            LinkExpired: the question's link no longer works.
            ActivityGone: the vendor does not know the question's subject.
            ReportUnavailable: no usable answer came.
            AccountStopped: no other question of the account would fare better.
        """
        retries = Retries(self._clock, before)
        renewed = False
        failure: EmailOpensError
        while True:
            reply = self._send(question.target, before)
            seconds = None
            if isinstance(reply, Unanswered):
                failure = ReportUnavailable(f"The vendor gave no {question.answer}: {reply}.")
            elif reply.status == HTTPStatus.UNAUTHORIZED and not renewed:
                renewed = True
                self._tokens.refused()
                continue
            elif reply.status == HTTPStatus.OK:
                try:
                    return read(reply.body)
                except ValueError as fault:
                    failure = ReportUnavailable(
                        f"The vendor's reply is no {question.answer}: {fault}{reply.traces()}."
                    )
            else:
                failure, seconds = self._judge(reply, question)
            retries.wait(failure, seconds)

    def _send(self, target: str, before: datetime) -> Reply | Unanswered:
        """Send one request in its turn."""
        self._budget.ready()
        token = self._tokens.access_token(before)
        now = self._clock.now()
        begin = max(now, self._next_at or now)
        if begin + timedelta(seconds=ATTEMPT_SECONDS) > before:
            raise OutOfTime("No time is left for another request.")
        if begin > now:
            self._clock.sleep((begin - now).total_seconds())
        self._next_at = max(begin, self._clock.now()) + self._interval
        self._budget.take()
        self._requests += 1
        try:
            return exchange(
                self._session,
                "GET",
                self._api_url + target,
                headers={"Authorization": f"Bearer {token}"},
                clock=self._clock,
                before=before,
                most_bytes=self._most_bytes,
            )
        except Unanswered as error:
            return error

    def _judge(self, reply: Reply, question: Question) -> tuple[EmailOpensError, float | None]:
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
                    f"The vendor forbids reading {question.reading}: the account's user needs the "
                    f"privilege {question.privilege} and the application the scope campaign_data; "
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
            case HTTPStatus.NOT_FOUND | HTTPStatus.BAD_REQUEST if question.linked:
                raise LinkExpired(f"A next link no longer works: {answered}.")
            case HTTPStatus.NOT_FOUND if key is not None:
                raise ActivityGone(f"The vendor does not know this {question.subject}{traces}.")
            case HTTPStatus.NOT_FOUND | HTTPStatus.REQUEST_TIMEOUT:
                # A 404 without the vendor's words comes from something before it.
                return ReportUnavailable(f"{answered}."), asked
        if status >= HTTPStatus.INTERNAL_SERVER_ERROR or status < HTTPStatus.MULTIPLE_CHOICES:
            return ReportUnavailable(f"{answered}."), asked
        raise ReportUnavailable(f"{answered}.")

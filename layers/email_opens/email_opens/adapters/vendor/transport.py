"""Single requests to the API, within the pace and the budget of one account."""

from datetime import datetime, timedelta

from msgspec import Struct

from email_opens.adapters.retry import ATTEMPT_SECONDS
from email_opens.adapters.vendor.access.tokens import TokenSource
from email_opens.adapters.vendor.http import exchange
from email_opens.adapters.vendor.replies.reply import Reply, Unanswered
from email_opens.adapters.vendor.session import Session
from email_opens.adapters.waits import Waits
from email_opens.allowance.budget import Budget
from email_opens.errors import OutOfTime
from email_opens.ports import Clock


class Pace(Struct):
    """When an account may send its next request; those that share it keep one pace."""

    next_at: datetime | None = None

    def start(self, now: datetime, interval: timedelta) -> datetime:
        """Return when a request may begin; a clock that has jumped back delays none for long."""
        return now if self.next_at is None else max(now, min(self.next_at, now + interval))


class Transport:
    """Sends requests with the account's access token, `requests_per_second` evenly spaced."""

    def __init__(
        self,
        session: Session,
        url: str,
        tokens: TokenSource,
        clock: Clock,
        *,
        requests_per_second: int,
        budget: Budget,
        waits: Waits,
        pace: Pace | None = None,
    ) -> None:
        self.requests = 0
        """How many were sent."""
        self._session = session
        self._url = url
        self._tokens = tokens
        self._clock = clock
        self._interval = timedelta(seconds=1) / requests_per_second
        self._budget = budget
        self._waits = waits
        self._pace = pace or Pace()

    def send(self, target: str, before: datetime, most_bytes: int) -> Reply | Unanswered:
        """Send one request as soon as the pace allows it.

        Raises:
            OutOfTime: `before` or the budget leaves no request.
            AccountStopped: the account has no access token, or rests.
        """
        self._budget.ready()
        token = self._tokens.access_token(before)
        now = self._clock.now()
        start = self._pace.start(now, self._interval)
        if start + timedelta(seconds=ATTEMPT_SECONDS) > before:
            raise OutOfTime("No time is left for another request.")
        if start > now:
            self._clock.sleep((start - now).total_seconds())
        self._pace.next_at = max(start, self._clock.now()) + self._interval
        self._budget.take()
        self.requests += 1
        try:
            with self._waits.for_news():
                return exchange(
                    self._session,
                    "GET",
                    self._url + target,
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

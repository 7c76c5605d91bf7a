"""The waits between attempts, and the pauses of an account, that follow from replies."""

from datetime import timedelta

from email_opens.account import LONGEST_REST
from email_opens.adapters.retry import Retries
from email_opens.adapters.vendor.replies.refusals import spends_quota
from email_opens.adapters.vendor.replies.reply import Reply, Unanswered
from email_opens.allowance.budget import Budget
from email_opens.errors import (
    AccountStopped,
    EmailOpensError,
    QuotaExceeded,
    Throttled,
    VendorUnavailable,
)
from email_opens.instants import next_day
from email_opens.ports import Clock

_THROTTLED_SECONDS = 1.0
_UNAVAILABLE_ATTEMPTS = 2
"""A page that the vendor fails to return is requested once more; further retries would delay the
other activities, and the next turn begins within a minute."""
_DAY_TURNS = timedelta(minutes=10)
_DAY_TURNS_AGAIN = timedelta(minutes=5)
"""A quota that is spent this soon after midnight may be yesterday's, by the vendor's clock."""


class Pauses:
    """Waits before further attempts, and notes in the budget what lets the account pause."""

    def __init__(self, clock: Clock, budget: Budget) -> None:
        self.throttled = 0
        """How many replies refused a request for its pace."""
        self._clock = clock
        self._budget = budget

    def asked(self, reply: Reply | Unanswered) -> timedelta | None:
        """Return the pause that a reply asks for."""
        if isinstance(reply, Unanswered):
            return None
        seconds = reply.retry_after_seconds(self._clock.now())
        return None if seconds is None else min(timedelta(seconds=seconds), LONGEST_REST)

    def wait_for_the_pace(self, reply: Reply, retries: Retries) -> None:
        """Wait after a 429 as long as it asks for, a second at least.

        Raises:
            QuotaExceeded: it is about the day.
            Throttled: there is no time for the wait, or every attempt was refused.
        """
        if spends_quota(reply):
            raise self.too_many(reply)
        self.throttled += 1
        asked = self.asked(reply) or timedelta()
        if not retries.again(max(_THROTTLED_SECONDS, asked.total_seconds())):
            raise self.too_many(reply)

    def too_many(self, reply: Reply) -> AccountStopped:
        """Return the error of a 429; the pause that it asks for is kept."""
        now, asked = self._clock.now(), self.asked(reply)
        about_the_day = spends_quota(reply)
        spent = f"The day's quota of the API key is spent{reply.traces()}."
        message = spent if about_the_day else _throttled(reply, asked)
        rests_until = self._budget.rest(now, asked, message) if asked else None
        if not about_the_day:
            return Throttled(message, rests_until)
        midnight = next_day(now)
        turning = now - (midnight - timedelta(days=1)) < _DAY_TURNS
        return QuotaExceeded(message, now + _DAY_TURNS_AGAIN if turning else midnight)

    def retry(
        self,
        reply: Reply | Unanswered,
        key: str,
        failure: EmailOpensError,
        retries: Retries,
    ) -> None:
        """Wait before another attempt at what the vendor failed to return.

        Raises:
            EmailOpensError: there is to be no other attempt; it is `failure`, or says that the
                account pauses.
        """
        asked, outage = self.asked(reply), self._budget.outage
        timed_out = isinstance(reply, Unanswered) and reply.timed_out
        # A wait that the vendor asks of one activity would delay the others.
        alone = asked is not None and not outage.suspects_all(key)
        attempts = 1 if timed_out or alone or outage.testing else _UNAVAILABLE_ATTEMPTS
        seconds = None if asked is None else asked.total_seconds()
        if retries.again(seconds, attempts=attempts):
            return
        because = unavailable(failure)
        until = self._budget.note_failure(key, self._clock.now(), because, asked or timedelta())
        raise failure if until is None else VendorUnavailable(because, until)


def unavailable(failure: EmailOpensError) -> str:
    """Return why the account pauses after a failure."""
    return f"Requests pause while the vendor is unavailable. {failure}"


def _throttled(reply: Reply, asked: timedelta | None) -> str:
    # Not what comes next: a turn tries again, a command does not.
    pause = f"a pause of {asked.total_seconds():.0f} s" if asked else "no pause"
    return f"The vendor throttled every attempt{reply.traces()}; it asks for {pause}."

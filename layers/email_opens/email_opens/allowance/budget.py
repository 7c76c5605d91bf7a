"""The requests of a day: reserved in blocks before they are spent, so that none is spent twice."""

from collections.abc import Callable
from datetime import datetime, timedelta

from email_opens.account import LONGEST_REST
from email_opens.allowance.outage import Outage
from email_opens.errors import AccountResting, BudgetSpent, OutOfTime, QuotaExceeded
from email_opens.instants import iso

BLOCK = 60
"""Requests of a reservation: the most that an invocation wastes if it is killed."""


def _refuse(_: int) -> bool:
    return False


class Budget:
    """The requests that the holder of a lease may spend.

    `reserved` requests are counted as spent already, of which `withheld` are left to other users
    of the key, and `beyond` more can be reserved: `reserve` counts a number of requests of the day
    as spent and returns whether it did.
    While the vendor's quota is closed, or the account rests, no request may be spent. What the
    vendor's replies say about the account is noted here, so that it holds for every later
    request: `rests_until` and `outage` are stored when the lease ends.
    The lease lasts until `lease_until`; None: that is not known.
    """

    def __init__(
        self,
        reserved: int,
        beyond: int = 0,
        reserve: Callable[[int], bool] = _refuse,
        *,
        withheld: int = 0,
        opens_at: datetime | None = None,
        rests_until: datetime | None = None,
        rests_because: str | None = None,
        outage: Outage | None = None,
        lease_until: datetime | None = None,
    ) -> None:
        self._reserved = reserved
        self._withheld = withheld
        self._beyond = max(0, beyond)
        self._reserve = reserve
        self._opens_at = opens_at
        self.rests_until = rests_until
        self.rests_because = rests_because
        self.outage = outage or Outage()
        self.of_another_key = False
        """Whether the requests may be of another key than those that the account spent before."""
        self._failed_because = ""
        self.lease_until = lease_until
        self.spent = 0

    @property
    def unused(self) -> int:
        """The requests that are reserved and not spent."""
        return self._reserved - self.spent

    @property
    def left(self) -> int:
        """The requests that may still be spent, reserved or not."""
        return max(0, self.unused - self._withheld) + self._beyond

    def reopen(self) -> None:
        """Allow requests although the account may send none, because they are of another key."""
        self.of_another_key = True
        self._opens_at = self.rests_until = None

    def rest(self, now: datetime, pause: timedelta, because: str) -> datetime:
        """Spend no request before a pause is over; return when it is."""
        until = now + min(pause, LONGEST_REST)
        self.rests_until = max(until, self.rests_until or until)
        self.rests_because = because
        return self.rests_until

    def note_answer(self) -> None:
        """Note that the vendor has answered a request."""
        self.outage = self.outage.after_answer()

    def note_failure(
        self, subject: str, now: datetime, because: str, asked: timedelta = timedelta()
    ) -> datetime | None:
        """Note that the vendor has failed for a subject, and the pause that it `asked` for.

        Returns when the next request is due if the vendor fails for all, else None.
        """
        self._failed_because = because
        return self._note(self.outage.after_failure(subject, asked), now, because)

    def note_refusal(self, subject: str, now: datetime, because: str) -> datetime | None:
        """Note that the vendor refused a subject to an account that it serves.

        Returns as `note_failure`.
        """
        return self._note(self.outage.after_refusal(subject), now, because)

    def close(self, now: datetime) -> datetime | None:
        """End the lease: a test of the vendor without an answer is followed by a pause.

        Returns as `note_failure`.
        """
        return self._note(self.outage.after_lease(), now, self._failed_because)

    def _note(self, outage: Outage, now: datetime, because: str) -> datetime | None:
        before, self.outage = self.outage, outage
        if outage.attempts == before.attempts:
            return None
        return self.rest(now, outage.pause, because)

    def check_open(self) -> None:
        """Make sure that a request may be sent now.

        Raises:
            QuotaExceeded: the vendor's quota is closed.
            AccountResting: no request is to be sent for now.
        """
        if self._opens_at is not None:
            opens_at = iso(self._opens_at)
            raise QuotaExceeded(
                f"The day's quota is spent; it opens at {opens_at}.", self._opens_at
            )
        if self.rests_until is not None:
            until = iso(self.rests_until.replace(microsecond=0))
            because = f" {self.rests_because}" if self.rests_because else ""
            raise AccountResting(
                f"No request is sent to the vendor before {until}.{because}", self.rests_until
            )

    def ready(self) -> None:
        """Make sure that one request can be taken.

        Raises:
            QuotaExceeded, AccountResting: as `check_open` raises.
            BudgetSpent: the day has no request left.
            OutOfTime: the lease was lost.
        """
        self.check_open()
        if self.unused > self._withheld:
            return
        block = min(BLOCK, self._beyond)
        if not block:
            raise BudgetSpent("The day's budget of requests is spent; it begins anew at 00:00 UTC.")
        if not self._reserve(block):
            self._beyond = 0
            raise OutOfTime("The lease was lost: another invocation counts the day's requests.")
        self._reserved += block
        self._beyond -= block

    def take(self) -> None:
        """Spend one request.

        Raises:
            QuotaExceeded, AccountResting, BudgetSpent, OutOfTime: as `ready` raises.
        """
        self.ready()
        self.spent += 1

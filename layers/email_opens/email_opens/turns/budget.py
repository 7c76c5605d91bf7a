"""The requests of a day: reserved in blocks before they are spent, so that none is spent twice."""

from collections.abc import Callable
from datetime import datetime

from email_opens.errors import BudgetSpent, OutOfTime, QuotaExceeded
from email_opens.instants import iso

BLOCK = 60
"""Requests of a reservation: the most that an invocation wastes if it is killed."""


def _refuse(_: int) -> bool:
    return False


class Budget:
    """The requests that the holder of a lease may spend.

    `reserved` requests are counted as spent already, and `beyond` more can be reserved:
    `reserve` counts a number of requests of the day as spent and returns whether it did.
    While the vendor's quota is closed, no request may be spent. The lease lasts `lease_until`;
    None: that is not known.
    """

    def __init__(
        self,
        reserved: int,
        beyond: int = 0,
        reserve: Callable[[int], bool] = _refuse,
        *,
        opens_at: datetime | None = None,
        lease_until: datetime | None = None,
    ) -> None:
        self._reserved = reserved
        self._beyond = max(0, beyond)
        self._reserve = reserve
        self._opens_at = opens_at
        self.lease_until = lease_until
        self.spent = 0

    @property
    def unused(self) -> int:
        """The requests that are reserved and not spent."""
        return self._reserved - self.spent

    @property
    def left(self) -> int:
        """The requests that may still be spent, reserved or not."""
        return self.unused + self._beyond

    def reopen(self) -> None:
        """Allow requests although the quota is closed, because they are of another key."""
        self._opens_at = None

    def check_open(self) -> None:
        """Make sure that the vendor's quota is not closed.

        Raises:
            QuotaExceeded: it is.
        """
        if self._opens_at is not None:
            opens_at = iso(self._opens_at)
            raise QuotaExceeded(
                f"The day's quota is spent; it opens at {opens_at}.", self._opens_at
            )

    def ready(self) -> None:
        """Make sure that one request can be taken.

        Raises:
            QuotaExceeded: the vendor has closed the day.
            BudgetSpent: the day has no request left.
            OutOfTime: the lease was lost.
        """
        self.check_open()
        if self.unused:
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
            QuotaExceeded, BudgetSpent, OutOfTime: as `ready` raises.
        """
        self.ready()
        self.spent += 1

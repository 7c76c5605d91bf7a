"""A brief lease of an account, for a few requests beside its polls."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

from email_opens.discovery.ports import Campaigns
from email_opens.errors import AccountStopped, EmailOpensError, QuotaExceeded
from email_opens.instants import iso, next_day
from email_opens.ports import Clock, Tracking

LEASE = timedelta(seconds=15)
"""The longest for which a visit that was killed keeps polls away."""
COMMIT = timedelta(seconds=3)
"""Kept at the lease's end, to record what was found."""


@dataclass(slots=True)
class Visit:
    """How a visit went."""

    leased: bool = True
    requests: int = 0
    throttled: int = 0
    stopped: EmailOpensError | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Visits:
    """What visits need; `campaigns` gets the account and the requests that may be spent."""

    tracking: Tracking
    clock: Clock
    campaigns: Callable[[str, int], Campaigns]
    requests_per_day: int
    requests_per_second: int

    def visit(
        self,
        account_id: str,
        *,
        holder: str,
        before: datetime,
        work: Callable[[Campaigns, datetime], None],
    ) -> Visit:
        """Let `work` ask until an instant, under the lease; it is not called without one."""
        now = self.clock.now()
        most = int(LEASE.total_seconds() * self.requests_per_second) + 1
        account = self.tracking.lease(
            account_id,
            holder=holder,
            now=now,
            until=now + LEASE,
            reserve=most,
            budget=self.requests_per_day,
        )
        if account is None:
            return Visit(leased=False)
        budget = max(0, min(most, self.requests_per_day - account.requests_spent))
        campaigns = self.campaigns(account_id, budget)
        visit = Visit()
        closed_until = account.closed_until
        last_error = account.last_error
        try:
            # The vendor opens at midnight, whatever is stored.
            if closed_until and now < closed_until <= next_day(now):
                opens_at = iso(closed_until)
                raise QuotaExceeded(
                    f"The day's quota is spent; it opens at {opens_at}.", closed_until
                )
            # What is reserved is reserved of today.
            work(campaigns, min(before, now + LEASE - COMMIT, next_day(now)))
        except EmailOpensError as error:
            visit.stopped = error.with_traceback(None)
            if isinstance(error, QuotaExceeded):
                closed_until = error.until
            if isinstance(error, AccountStopped):
                last_error = str(error)
        finally:
            visit.requests, visit.throttled = campaigns.requests, campaigns.throttled
            # A poll's last word about the account stands, unless the visit has another.
            self.tracking.release(
                account_id,
                holder=holder,
                day=now.date().isoformat(),
                unused=budget - campaigns.requests,
                closed_until=closed_until,
                last_error=last_error,
            )
        return visit

"""A command's search for sends: a few requests under a brief lease, again and again.

Between two stretches the account is left alone, so that a search delays a turn only by moments.
"""

from collections.abc import Callable
from datetime import datetime, timedelta

from msgspec import Struct

from email_opens.account import Searches
from email_opens.allowance.budget import Budget
from email_opens.allowance.lease import Leases
from email_opens.discovery.ports import Campaigns
from email_opens.discovery.report import Found
from email_opens.discovery.search import Search
from email_opens.errors import AccountBusy, EmailOpensError, OutOfTime
from email_opens.ports import Clock

PAUSE = timedelta(seconds=2)
"""The pause between two stretches."""
LEASE = timedelta(seconds=15)
"""How long a search that was killed keeps turns away, at most."""
COMMIT = timedelta(seconds=3)
"""The end of a lease, kept to record what was found."""


class Discovery(Struct, frozen=True, kw_only=True):
    """Searches, each under leases of its own."""

    leases: Leases
    clock: Clock
    begin: Callable[[str], Search]
    """Begins the search of an account."""
    campaigns: Callable[[str, Budget], Campaigns]
    """Makes an account's campaigns within a budget."""

    def search(
        self,
        account_id: str,
        *,
        holder: str,
        before: datetime,
        wait: timedelta | None = None,
        on_wait: Callable[[str], None] | None = None,
    ) -> Found:
        """Track what an account has sent lately, and begin no request after `before`.

        `wait` is the longest wait for the first lease, by which `before` is put off; without it,
        the wait ends at `before`.
        What is not reached is left for the next search.
        """
        search = self.begin(account_id)
        found = search.found
        while True:
            left = search.left
            found.stopped = None
            began = self.clock.now()
            first_wait = None if found.leased else wait
            try:
                with self.leases.hold(
                    account_id,
                    holder=holder,
                    lasts=LEASE,
                    commit=COMMIT,
                    wait=before - began if first_wait is None else first_wait,
                    on_wait=on_wait,
                ) as lease:
                    found.leased = True
                    if first_wait is not None:
                        before += self.clock.now() - began
                    search.work(self.campaigns(account_id, lease.budget), min(before, lease.before))
                    if search.done:
                        now = self.clock.now()
                        lease.searches = Searches(completed_at=now, tried_at=now)
            except AccountBusy:
                found.stopped = OutOfTime("No time is left for the search.")
            except EmailOpensError as error:
                if not found.leased:
                    raise
                found.stopped = error.with_traceback(None)
            progressed = isinstance(found.stopped, OutOfTime) and search.left != left
            if search.done or (found.stopped and not progressed):
                return found
            if self.clock.now() + PAUSE >= before:
                found.stopped = found.stopped or OutOfTime("No time is left for the search.")
                return found
            self.clock.sleep(PAUSE.total_seconds())

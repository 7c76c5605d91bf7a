"""An account's turn: take the lease, spend what is worth it, give the lease back."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

from email_opens.errors import AccountStopped, OutOfTime, QuotaExceeded
from email_opens.instants import next_day
from email_opens.model import Account
from email_opens.poller import Poller
from email_opens.ports import Clock, Ledger, Publisher, Report, Tracking
from email_opens.turns.backlog import Backlog
from email_opens.turns.budget import BLOCK, Budget
from email_opens.turns.report import Decision, Failure, TurnReport
from email_opens.turns.roster import Roster
from email_opens.turns.turn import Turn

__all__ = ["Decision", "Failure", "TurnReport", "Turns"]

LEASE_AGAIN = timedelta(seconds=2)
LEASE_PATIENCE = timedelta(seconds=16)
"""So long does a turn wait for an account that another works on."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Turns:
    """What a turn needs of the outside; `report` gets the budget that it may spend."""

    tracking: Tracking
    ledger: Ledger
    publisher: Publisher
    clock: Clock
    report: Callable[[str, Budget], Report]
    lookback: timedelta
    requests_per_day: int
    """Those that are left to the polls of an account."""
    finished_after: timedelta = timedelta(days=60)
    campaigns_per_probe: int = 150

    def take_turn(
        self,
        account_id: str,
        *,
        holder: str,
        before: datetime,
        until: datetime,
        stay_until: datetime | None = None,
    ) -> TurnReport:
        """Work an account until nothing is worth a request, beginning none after `before`.

        It waits for what soon will be worth one until `stay_until`; None: it does not wait.
        The lease ends at `until`, the instant at which this invocation is dead for certain.
        """
        turn = TurnReport(account_id)
        patient_until = self.clock.now() + LEASE_PATIENCE
        while True:
            now = self.clock.now()
            account = self.tracking.lease(
                account_id,
                holder=holder,
                now=now,
                until=until,
                reserve=BLOCK,
                budget=self.requests_per_day,
            )
            if account is not None:
                break
            # Discovery holds the account for moments; another turn holds it for longer than this.
            if now + LEASE_AGAIN > min(before, patient_until):
                turn.leased = False
                return turn
            self.clock.sleep(LEASE_AGAIN.total_seconds())
        day = now.date().isoformat()
        budget = self._budget(account, holder, day)
        report = self.report(account_id, budget)
        # What is reserved is reserved of today.
        before = min(before, next_day(now))
        tracked = Roster(
            tracking=self.tracking,
            counter_trust=account.counter_trust,
            campaigns_per_probe=self.campaigns_per_probe,
        )
        work = Turn(
            turn=turn,
            closed_until=account.closed_until,
            tracked=tracked,
            budget=budget,
            report=report,
            poller=Poller(report, self.ledger, self.publisher, self.tracking, self.clock),
            clock=self.clock,
            lookback=self.lookback,
            finished_after=self.finished_after,
            before=before,
            stay_until=stay_until or now,
            backlog=Backlog(
                requests_per_day=self.requests_per_day, spent_before=account.requests_spent
            ),
        )
        try:
            work.work()
        except (AccountStopped, OutOfTime) as error:
            # Its traceback would hold the walk, and all that it knows, into the next invocation.
            turn.stopped = error.with_traceback(None)
        finally:
            turn.requests, turn.throttled = report.requests, report.throttled
            turn.requests_left = budget.left
            stopped = turn.stopped
            self.tracking.release(
                account_id,
                holder=holder,
                day=day,
                unused=budget.unused,
                closed_until=stopped.until if isinstance(stopped, QuotaExceeded) else None,
                last_error=str(stopped) if isinstance(stopped, AccountStopped) else None,
                counter_trust=None
                if tracked.counter_trust == account.counter_trust
                else tracked.counter_trust,
            )
        return turn

    def _budget(self, account: Account, holder: str, day: str) -> Budget:
        """Return what is left of the day; more of it is reserved as it is needed."""
        left = max(0, self.requests_per_day - account.requests_spent)
        reserved = min(BLOCK, left)
        counted = account.requests_spent + reserved

        def reserve(requests: int) -> bool:
            nonlocal counted
            kept = self.tracking.reserve(
                account.account_id, holder=holder, day=day, counted=counted, requests=requests
            )
            counted += requests if kept else 0
            return kept

        return Budget(reserved, left - reserved, reserve)

"""The turns of accounts: take the lease, spend what is worth it, and give the lease back."""

from collections.abc import Callable
from datetime import datetime, timedelta
from math import ceil

from msgspec import Struct

from email_opens.account import Chain, WakeUp
from email_opens.allowance.budget import Budget
from email_opens.allowance.lease import LONGEST, NO_WAIT, Lease, Leases
from email_opens.errors import AccountBusy, AccountStopped, NotAsked, OutOfTime, StaleWakeUp
from email_opens.polling.poller import Poller
from email_opens.ports import (
    Clock,
    Credentials,
    Decisions,
    Ledger,
    Publisher,
    Report,
    Tracking,
    WakeUps,
)
from email_opens.scheduling.wake_ups import ends_at, wake_up_after
from email_opens.turns.archive import archive_finished
from email_opens.turns.backlog import Backlog
from email_opens.turns.discovery import Discovery
from email_opens.turns.isolation import Isolation
from email_opens.turns.report import TurnReport
from email_opens.turns.roster import Roster
from email_opens.turns.searching import Searching
from email_opens.turns.turn import SHORT_SECONDS, Turn

LEASE_PATIENCE = timedelta(seconds=16)
"""How long a turn waits for the lease: a command holds it for moments, another turn for longer."""


class Turns(Struct, frozen=True, kw_only=True):
    """Takes turns with these ports; `report` makes the report of an account within a budget."""

    leases: Leases
    tracking: Tracking
    ledger: Ledger
    publisher: Publisher
    clock: Clock
    report: Callable[[str, Budget], Report]
    lookback: timedelta
    finished_after: timedelta = timedelta(days=60)
    campaigns_per_probe: int = 150
    decisions: Decisions | None = None
    """Where first opens are decided; None: they are not."""
    discovery: Discovery | None = None
    """The search for new sends; None: turns do not search."""
    credentials: Credentials | None = None
    """Where a turn with nothing to read looks its account up; None: it does not."""
    longest_wait_seconds: float = SHORT_SECONDS
    """The longest wait of a turn for what will be worth a request."""

    def poller(self, report: Report) -> Poller:
        """Return what polls the activities of a report with these ports."""
        return Poller(
            report, self.ledger, self.publisher, self.tracking, self.clock, self.decisions
        )

    def take_turn(
        self,
        account_id: str,
        *,
        holder: str,
        before: datetime | None = None,
        until: datetime | None = None,
        lasts: timedelta = LONGEST,
        commit: timedelta = timedelta(),
        wait: timedelta = LEASE_PATIENCE,
        on_wait: Callable[[str], None] | None = None,
        wake_ups: WakeUps | None = None,
        woken_by: str | None = None,
    ) -> TurnReport:
        """Work on an account until nothing is worth a request, and begin none after `before`.

        The lease ends after `lasts`, and at the latest at `until`, when this invocation has
        certainly ended; `commit` of it is kept to record what is in hand.
        If a request will be worth sending before the schedule's next turn, `wake_ups` is asked for
        a turn. `woken_by` is the token of the wake-up that started this turn; such a turn does not
        wait for the lease, because the lease's holder does the work. None: the schedule, a command
        or a person started it.
        """
        began_at = self.clock.now()
        if before is not None:
            wait = min(wait, before - began_at)
        turn_report = TurnReport(account_id, leased=False, woken=woken_by is not None)
        try:
            with self.leases.hold(
                account_id,
                holder=holder,
                until=until,
                lasts=lasts,
                commit=commit,
                wait=wait if woken_by is None else NO_WAIT,
                on_wait=on_wait,
                woken_by=woken_by,
            ) as lease:
                chain = _chain(lease, woken_by, began_at)
                turn_report.leased = True
                latest = min(before or lease.before, lease.before)
                if turn_report.woken:
                    # Then the schedule's next turn takes the lease.
                    latest = min(latest, ends_at(chain))
                self._work_or_stop(lease, turn_report, latest, chain)
                if wake_ups is not None and turn_report.requests_left:
                    lease.wake_up = wake_up_after(
                        chain,
                        token=holder,
                        next_in_seconds=turn_report.next_in_seconds,
                        now=self.clock.now(),
                    )
            if wake_ups is not None and lease.wake_up is not None:
                # Only now, so that the woken turn finds its token.
                self._ask(wake_ups, lease.wake_up, turn_report)
        except AccountBusy:
            pass
        except StaleWakeUp as error:
            turn_report.stopped = error.with_traceback(None)
        except (AccountStopped, OutOfTime) as error:
            # The lease itself may fail too, when it is taken or released.
            if turn_report.stopped is not error:
                raise
            # Its traceback would keep the walk and its window until the next invocation.
            turn_report.stopped = error.with_traceback(None)
        return turn_report

    def _work_or_stop(
        self, lease: Lease, turn_report: TurnReport, before: datetime, chain: Chain
    ) -> None:
        """Work until `before`; what stops the work is reported, and raised."""
        try:
            self._work(lease, turn_report, before, chain)
        except (AccountStopped, OutOfTime) as error:
            turn_report.stopped = error
            if turn_report.completed:
                lease.turn_completed_at = self.clock.now()
            raise
        lease.turn_completed_at = self.clock.now()

    def _ask(self, wake_ups: WakeUps, wake_up: WakeUp, turn_report: TurnReport) -> None:
        seconds = max(0, ceil((wake_up.due_at - self.clock.now()).total_seconds()))
        try:
            wake_ups.ask(turn_report.account_id, token=wake_up.token, seconds=seconds)
        except NotAsked as error:
            turn_report.not_asked = error
        else:
            turn_report.wake_up_in_seconds = seconds

    def _work(self, lease: Lease, turn_report: TurnReport, before: datetime, chain: Chain) -> None:
        account, budget = lease.account, lease.budget
        report = self.report(account.account_id, budget)
        roster = Roster(
            tracking=self.tracking,
            counter_trust=account.counter_trust,
            campaigns_per_probe=self.campaigns_per_probe,
            hours=account.hours,
            scheduled=[send.at for send in account.searches.expected],
        )
        backlog = Backlog(
            ledger=self.ledger,
            requests_per_day=lease.requests_per_day,
            spent_before=account.requests_spent,
        )
        searching = self._searching(lease, roster, turn_report, before)
        turn = Turn(
            turn_report=turn_report,
            roster=roster,
            budget=budget,
            report=report,
            isolation=Isolation(
                poller=self.poller(report),
                clock=self.clock,
                roster=roster,
                backlog=backlog,
                turn_report=turn_report,
                lookback=self.lookback,
                before=before,
            ),
            clock=self.clock,
            lookback=self.lookback,
            finished_after=self.finished_after,
            before=before,
            chain_began_at=chain.began_at,
            was_killed=account.lease_holder is not None,
            backlog=backlog,
            longest_wait_seconds=self.longest_wait_seconds,
            searching=searching,
        )
        # What this turn finds out about the account replaces what is stored.
        lease.closed_until = lease.last_error = None
        try:
            turn.work()
            if self.credentials and self.discovery is None and not roster.activities:
                # Without this, an account that does not exist would complete its turns.
                self.credentials.load(account.account_id)
            if not turn_report.woken:
                archive_finished(roster, turn_report, self.clock.now())
        finally:
            turn_report.requests, turn_report.throttled = report.requests, report.throttled
            turn_report.requests_left = budget.left
            if searching is not None:
                turn_report.requests += searching.campaigns.requests
                turn_report.throttled += searching.campaigns.throttled
                if searching.searches != account.searches:
                    lease.searches = searching.searches
                turn_report.search_overdue = searching.overdue(self.clock.now())
                completed_at = searching.searches.completed_at
                if completed_at is not None:
                    ago = self.clock.now() - completed_at
                    turn_report.searched_seconds_ago = ago.total_seconds()
            if roster.counter_trust != account.counter_trust:
                lease.counter_trust = roster.counter_trust
            if roster.hours != account.hours:
                lease.hours = roster.hours

    def _searching(
        self, lease: Lease, roster: Roster, turn_report: TurnReport, before: datetime
    ) -> Searching | None:
        if self.discovery is None:
            return None
        account_id = lease.account.account_id
        return Searching(
            search=self.discovery.begin(account_id),
            campaigns=self.discovery.campaigns(account_id, lease.budget),
            searches=lease.account.searches,
            requests_per_day=lease.requests_per_day,
            budget=lease.budget,
            clock=self.clock,
            before=before,
            turn_report=turn_report,
            roster=roster,
        )


def _chain(lease: Lease, woken_by: str | None, began_at: datetime) -> Chain:
    """Return the chain that a turn belongs to; one that was not woken begins a new one.

    Raises:
        StaleWakeUp: the chain is over.
    """
    wake_up = lease.account.wake_up
    if woken_by is None or wake_up is None:
        return Chain(began_at)
    if began_at >= ends_at(wake_up.chain):
        raise StaleWakeUp(
            f"A wake-up of account {lease.account.account_id} is ignored: it came too late, and "
            "the schedule starts the next turn. Nothing is lost."
        )
    return wake_up.chain

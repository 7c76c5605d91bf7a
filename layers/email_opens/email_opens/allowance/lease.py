"""The lease of an account: the right of one turn or command to work on it until an instant.

The lease guards the pace, the day's budget and the tokens of an account, so everything that sends
a request holds it. Here it is taken, waited for and given back, the day's requests are reserved,
and what an error says about the account is recorded.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from math import ceil

from msgspec import Struct

from email_opens.account import Account, CounterTrust, Hours, KeyShare, Searches, WakeUp
from email_opens.allowance.budget import BLOCK, Budget
from email_opens.allowance.outage import Outage
from email_opens.errors import (
    AccountBusy,
    AccountPaused,
    AccountResting,
    AccountStopped,
    QuotaExceeded,
    StaleWakeUp,
)
from email_opens.instants import iso, next_day
from email_opens.ports import Clock, Tracking

LONGEST = timedelta(minutes=15)
"""No invocation lasts longer, so no lease does, whatever is stored."""
AGAIN = timedelta(seconds=2)
"""The pause between two attempts to take a lease that another one holds."""
NO_WAIT = timedelta()
EARLY = timedelta(minutes=15)
"""So soon after midnight, a spent quota may be yesterday's."""
NEARLY_ALL = 0.95
"""Of its own budget: other users of the key have left an account what it was meant to spend."""
KEPT_OF_SHARE = 0.95
"""Of what could be spent, so that accounts that share a key do not exhaust it again."""
LASTS = 0.8
"""Of the day: if a key that is shared does not last for so long, to spend less does not help."""
LEAST_SHARE = 0.1
"""Of its own budget: a refusal early in the day, perhaps by mistake, silences no account."""


class Lease(Struct, kw_only=True):
    """A lease that is held, and what will be stored of the account when it is given back."""

    holder: str
    account: Account
    """The account as it was before, with its day turned if a new one has begun."""
    budget: Budget
    requests_per_day: int
    """The requests that may be spent of the day, those of earlier leases included."""
    until: datetime
    before: datetime
    """No request may begin later: the rest of the lease is kept to record what is in hand."""
    closed_until: datetime | None
    last_error: str | None
    counter_trust: CounterTrust | None = None
    """What was learned of the counters; None: nothing new."""
    hours: Hours | None = None
    """What was learned of the hours of the day; None: nothing new."""
    key_share: KeyShare | None = None
    """What other users of the key have left to the account; None: nothing new."""
    turn_completed_at: datetime | None = None
    """When a turn came to its end under this lease; None: none did."""
    searches: Searches | None = None
    """The account's searches, this lease's included; None: none was made under it."""
    wake_up: WakeUp | None = None
    """The wake-up that starts the next turn before the schedule does; None: there is none."""


class Leases(Struct, frozen=True, kw_only=True):
    """The leases of the accounts of one tracking table."""

    tracking: Tracking
    clock: Clock
    requests_per_day: int
    """The requests of a day that may be spent, those reserved for others excluded."""
    keeps_to_share: bool = True
    """Whether an account whose key is shared spends no more than its share."""

    @contextmanager
    def hold(
        self,
        account_id: str,
        *,
        holder: str,
        until: datetime | None = None,
        lasts: timedelta = LONGEST,
        commit: timedelta = timedelta(),
        wait: timedelta = NO_WAIT,
        on_wait: Callable[[str], None] | None = None,
        woken_by: str | None = None,
    ) -> Iterator[Lease]:
        """Hold the lease of an account; an unknown account is created.

        The lease ends after `lasts`, and at `until` at the latest; `commit` of it is kept to
        record what is in hand. If another holder has it, `wait` is the longest wait, and
        `on_wait` is called once with a sentence that says for whom. `woken_by` is the token of the
        wake-up that the lease is taken for; None: it is taken anyway, and a wake-up that is
        outstanding then starts no turn.

        Raises:
            AccountBusy: another one still holds the lease.
            StaleWakeUp: the wake-up is not the one that is outstanding.
            AccountStopped: what is stored of the account cannot be read.
        """
        account, now, until = self._take(account_id, holder, until, lasts, wait, on_wait, woken_by)
        day = now.date().isoformat()
        most = self.requests_per_day
        if self.keeps_to_share:
            most = account.requests_to_spend(most, now)
        lease = Lease(
            holder=holder,
            account=account,
            budget=self._budget(account, holder, most, now, until),
            requests_per_day=most,
            until=until,
            # The requests that are reserved belong to this day.
            before=min(until - commit, next_day(now)),
            closed_until=account.opens_at(now),
            last_error=account.last_error,
        )
        try:
            yield lease
        except AccountResting:
            lease.last_error = lease.budget.rests_because
            raise
        except AccountStopped as error:
            if isinstance(error, QuotaExceeded):
                lease.closed_until = error.until
                lease.key_share = self._share_after_refusal(lease, now)
            elif isinstance(error, AccountPaused) and error.until is not None:
                now = self.clock.now()
                lease.budget.rest(now, error.until - now, str(error))
            lease.last_error = str(error)
            raise
        finally:
            if lease.budget.close(self.clock.now()) is not None:
                lease.last_error = lease.budget.rests_because
                lease.wake_up = None
            self.tracking.release(
                account_id,
                holder=holder,
                day=day,
                unused=lease.budget.unused,
                closed_until=lease.closed_until,
                last_error=lease.last_error,
                counter_trust=lease.counter_trust,
                hours=lease.hours,
                rests_until=lease.budget.rests_until,
                outages=lease.budget.outage.attempts,
                turn_completed_at=lease.turn_completed_at,
                searches=lease.searches,
                key_share=lease.key_share,
                wake_up=lease.wake_up,
            )

    def _take(
        self,
        account_id: str,
        holder: str,
        until: datetime | None,
        lasts: timedelta,
        wait: timedelta,
        on_wait: Callable[[str], None] | None,
        woken_by: str | None,
    ) -> tuple[Account, datetime, datetime]:
        """Return the account, and when the lease begins and ends."""
        gives_up_at = self.clock.now() + wait
        while True:
            now = self.clock.now()
            ends = now + lasts if until is None else min(now + lasts, until)
            account = self.tracking.lease(
                account_id,
                holder=holder,
                now=now,
                until=ends,
                reserve=BLOCK,
                budget=self.requests_per_day,
                woken_by=woken_by,
            )
            if account is not None:
                return account, now, ends
            if now + AGAIN > gives_up_at:
                raise AccountBusy(f"{self._holder(account_id)}. Try again in a minute.")
            if on_wait is not None:
                on_wait(f"{self._holder(account_id)}; waiting for it.")
                on_wait = None
            self.clock.sleep(AGAIN.total_seconds())

    def _holder(self, account_id: str) -> str:
        """Return the start of a sentence that says who works on an account, and how long."""
        account = self.tracking.account(account_id)
        holder, until = (account.lease_holder, account.lease_until) if account else (None, None)
        command = " ".join((holder or "").split(" ")[:2])
        worker = f"`{command}`" if command.startswith("email-opens ") else "A turn of the function"
        ends = f", until {iso(until.replace(microsecond=0))} at the latest" if until else ""
        return f"{worker} is working on account {account_id}{ends}"

    def _budget(
        self, account: Account, holder: str, most: int, now: datetime, until: datetime
    ) -> Budget:
        """Return what is left of the day's `most`; more of it is reserved as it is needed."""
        day = now.date().isoformat()
        # The reservation was made before the account's share was read, so it may exceed it.
        reserved = min(BLOCK, max(0, self.requests_per_day - account.requests_spent))
        left = max(0, most - account.requests_spent)
        counted = account.requests_spent + reserved

        def reserve(requests: int) -> bool:
            nonlocal counted
            kept = self.tracking.reserve(
                account.account_id, holder=holder, day=day, counted=counted, requests=requests
            )
            counted += requests  # If they were not kept, the budget reserves no more.
            return kept

        return Budget(
            reserved,
            left - reserved,
            reserve,
            withheld=max(0, reserved - left),
            opens_at=account.opens_at(now),
            rests_until=account.rests_at(now),
            rests_because=account.last_error,
            outage=Outage(attempts=account.outages),
            lease_until=until,
        )

    def _share_after_refusal(self, lease: Lease, began: datetime) -> KeyShare | None:
        """Return what other users of the key have left to the account; None: that is not known.

        Nothing is learned
        - from a request that was not sent, because the quota was known to be closed,
        - from a request of another key than the day's other requests,
        - in the first minutes of a day, when the vendor may still count the day before,
        - across midnight: the requests of this lease are counted for the day on which it began,
        - if the account has spent nearly all of its own budget,
        - if the account has kept to a share and the quota was spent long before the evening: others
          spend whatever it leaves, so a smaller share would be followed by a smaller one each day.
        """
        now, account, budget = self.clock.now(), lease.account, lease.budget
        early = next_day(now) - now > timedelta(days=1) - EARLY
        turned = now.date() != began.date()
        if not budget.spent or budget.of_another_key or early or turned:
            return None
        spent = account.requests_spent + budget.spent
        most = account.requests_to_spend(self.requests_per_day, now)
        if spent > NEARLY_ALL * self.requests_per_day:
            return None
        if most < self.requests_per_day and next_day(now) - now > timedelta(days=1) * (1 - LASTS):
            return None
        # What commands spend beyond the share is taken from the others, so it does not raise it.
        left = int(min(spent, most) * KEPT_OF_SHARE)
        return KeyShare(max(left, ceil(LEAST_SHARE * self.requests_per_day)), now.date())


def check_wake_up(account: Account, woken_by: str | None) -> None:
    """Make sure that a turn that was woken may take the account's lease.

    Raises:
        StaleWakeUp: `woken_by` is a token, and not that of the account's wake-up.
    """
    token = account.wake_up.token if account.wake_up else None
    if woken_by is not None and woken_by != token:
        raise StaleWakeUp(
            f"A wake-up of account {account.account_id} is ignored: it came twice or late, or "
            "another turn or command came first. Nothing is lost."
        )


def is_held_by_another(account: Account, holder: str, now: datetime) -> bool:
    """Return whether another holder has the account's lease."""
    until = account.lease_until
    held = until is not None and now < until <= now + LONGEST
    return held and account.lease_holder != holder

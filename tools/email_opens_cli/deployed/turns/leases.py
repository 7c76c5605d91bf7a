"""An account's lease in the hands of a command.

A command waits until the turn in hand gives the lease back. Long work gives it back again and
again, so that the schedule's turns take place in between.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from uuid import uuid4

from email_opens.allowance.lease import Lease, Leases
from email_opens.errors import BudgetSpent, OutOfTime
from email_opens_cli.terminal.complaints import INTERRUPTED, complain
from email_opens_cli.terminal.plain import warn

HOLD = timedelta(seconds=60)
"""How long a command that was killed keeps turns away, at most."""
COMMIT = timedelta(seconds=30)
"""The end of a lease, kept to publish and record what is in hand."""
REST_SECONDS = 30.0
"""The pause between two leases, in which a turn of the schedule can begin."""
_LEAST_WAIT = timedelta(minutes=5)
"""The wait for a later lease of the same command, which a scheduled turn often has."""


@contextmanager
def hold(
    leases: Leases,
    account_id: str,
    command: str,
    *,
    wait: timedelta,
    on_wait: Callable[[str], None] | None = None,
) -> Iterator[Lease]:
    """Hold an account's lease for a command, named as it is typed.

    Raises:
        AccountBusy: another one still holds the lease after `wait`.
        AccountStopped: what is stored of the account cannot be read.
    """
    held = False
    try:
        with leases.hold(
            account_id,
            holder=f"email-opens {command} {uuid4()}",
            lasts=HOLD,
            commit=COMMIT,
            wait=wait,
            on_wait=on_wait or print_wait,
        ) as lease:
            held = True
            yield lease
    except KeyboardInterrupt:
        if held:
            raise
        complain(f"Stopped waiting for account {account_id}.", INTERRUPTED)


def print_wait(sentence: str) -> None:
    """Print why a command waits."""
    warn(f"{sentence} Ctrl-C stops waiting.")


def work_in_leases(
    leases: Leases,
    account_id: str,
    command: str,
    work: Callable[[Lease], bool],
    *,
    wait: timedelta,
) -> None:
    """Work under one lease after another, until `work` returns that it is done.

    `wait` is the longest wait for the first lease.

    Raises:
        AccountBusy: as `hold` raises.
        BudgetSpent: the day has no request left.
        EmailOpensError: as `work` raises.
    """
    while True:
        with hold(leases, account_id, command, wait=wait) as lease:
            try:
                done = work(lease)
            except BudgetSpent:
                raise
            except OutOfTime:
                done = False
        if done:
            return
        wait = max(wait, _LEAST_WAIT)
        leases.clock.sleep(REST_SECONDS)

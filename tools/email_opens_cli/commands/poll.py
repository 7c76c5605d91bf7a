"""Take the account's turn once, on this machine."""

from uuid import uuid4

import typer

from email_opens_cli.arguments.options import (
    LONGEST_WAIT,
    Account,
    Stack,
    Wait,
    parse_account,
    parse_wait,
)
from email_opens_cli.deployed.product import product
from email_opens_cli.deployed.turns.leases import print_wait
from email_opens_cli.deployed.turns.reports import COMMIT, TURN, failure_sentences, report_sentences
from email_opens_cli.terminal.complaints import FAILED
from email_opens_cli.terminal.console import say, warn


def poll(account: Account = "default", stack: Stack = None, wait: Wait = LONGEST_WAIT) -> None:
    """Poll the account once, from this machine, as the scheduled function does."""
    account_id, patience, wired = parse_account(account), parse_wait(wait), product(stack)
    turn = wired.turns.take_turn(
        account_id,
        holder=f"email-opens poll {uuid4()}",
        lasts=TURN,
        commit=COMMIT,
        wait=patience,
        on_wait=print_wait,
    )
    if turn.leased:
        say(*report_sentences(turn))
    activities = wired.tracking.activities(account_id) if turn.failures else ()
    failures = list(failure_sentences(turn, activities))
    if failures:
        warn(*failures)
        raise typer.Exit(FAILED)

"""Search for an account's new sends now, without waiting until a turn does."""

from collections.abc import Iterator
from datetime import timedelta
from typing import TYPE_CHECKING
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
from email_opens_cli.deployed.product import discovery
from email_opens_cli.deployed.turns.leases import print_wait
from email_opens_cli.terminal.complaints import FAILED, sentence_of
from email_opens_cli.terminal.console import say, warn
from email_opens_cli.terminal.words import count, named

if TYPE_CHECKING:
    from email_opens.discovery.report import Found

SEARCH = timedelta(minutes=2)
"""How long a search takes at most, as in Lambda."""


def discover(account: Account = "default", stack: Stack = None, wait: Wait = LONGEST_WAIT) -> None:
    """Find recent sends, and track them."""
    account_id, longest_wait = parse_account(account), parse_wait(wait)
    wired = discovery(stack)
    found = wired.discovery.search(
        account_id,
        holder=f"email-opens discover {uuid4()}",
        before=wired.clock.now() + SEARCH,
        wait=longest_wait,
        on_wait=print_wait,
    )
    say(*found_sentences(found))
    failures = list(failure_sentences(found))
    if failures:
        warn(*failures)
        raise typer.Exit(FAILED)


def found_sentences(found: "Found") -> Iterator[str]:
    """Yield what was found, in sentences."""
    for activity in found.tracked:
        yield f"Tracked {named(activity)}."
    for activity in found.woken:
        yield f"Sent again, and polled again: {named(activity)}."
    if found.left_out:
        yield f"Skipped because of their names: {count(len(found.left_out), 'campaign')}."
    if found.removed:
        yield (
            "Skipped because they were removed at Constant Contact: "
            f"{count(len(found.removed), 'campaign')}."
        )
    if found.forgotten:
        yield (
            "More was sent within DiscoveryLookbackDays than there is room for, so the search "
            f"skips the oldest {count(found.forgotten, 'send')}. Track any of them with "
            "`email-opens track E-MAIL`."
        )
    failed = found.failures or found.stopped
    if found.leased and not (found.tracked or found.woken or failed):
        yield "Every recent send is tracked already."


def failure_sentences(found: "Found") -> Iterator[str]:
    """Yield what failed, in sentences."""
    if not found.leased:
        yield f"Another turn or command works on account {found.account_id}; try again in a minute."
        return
    for failure in found.failures:
        yield f"Campaign {failure.campaign_id}: {sentence_of(failure.error)}"
    if found.stopped:
        yield str(found.stopped)

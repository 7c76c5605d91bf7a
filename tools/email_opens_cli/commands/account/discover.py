"""`email-opens discover`: find now what an account has sent, instead of within the interval."""

from collections.abc import Iterator
from datetime import timedelta
from typing import TYPE_CHECKING
from uuid import uuid4

from email_opens.errors import EmailOpensError
from email_opens.model import Activity, account_id
from email_opens_cli.deployed.product import discovery
from email_opens_cli.terminal.complaints import FAILED, complain, complaints
from email_opens_cli.terminal.options import Account, Stack

if TYPE_CHECKING:
    from email_opens.discovery.search import Found

SEARCH = timedelta(minutes=2)
"""As long as Lambda would search, and wait for polls to end."""


def discover(account: Account = "default", stack: Stack = None) -> None:
    """Find what was sent lately, and track it."""
    with complaints():
        who, wired = account_id(account), discovery(stack)
        found = wired.discovery.search(
            who, holder=f"email-opens discover {uuid4()}", before=wired.clock.now() + SEARCH
        )
        for sentence in told(found):
            print(sentence)
        wrong = list(complaints_of(found))
        if wrong:
            complain("\n".join(wrong), FAILED)


def told(found: "Found") -> Iterator[str]:
    """Yield what was found, in sentences."""
    for one in found.tracked:
        yield f"Tracked {_named(one)}."
    for one in found.woken:
        yield f"Sent again, and polled again: {_named(one)}."
    if found.left_out:
        yield f"Left out by their names: {len(found.left_out)} campaigns."
    if found.removed:
        yield f"Removed at the vendor, and left alone: {len(found.removed)} campaigns."
    if found.leased and not found.tracked and not found.woken:
        yield "Nothing was sent that is not tracked."


def complaints_of(found: "Found") -> Iterator[str]:
    """Yield what failed, in sentences."""
    if not found.leased:
        yield f"Another invocation works on account {found.account_id}; try again in a minute."
        return
    for failure in found.failures:
        known = isinstance(failure.error, EmailOpensError)
        why = str(failure.error) if known else f"unexpected {type(failure.error).__name__}"
        yield f"Campaign {failure.campaign_id}: {why}"
    if found.stopped:
        yield str(found.stopped)


def printable(text: str) -> str:
    """Return a name of the vendor's without what would steer a terminal."""
    return "".join(one if one.isprintable() else "�" for one in text)


def _named(activity: Activity) -> str:
    name = printable(activity.campaign_name or "without a name")
    return f"{activity.campaign_activity_id} (“{name}”)"

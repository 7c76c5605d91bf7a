"""Track sent e-mails, so that their opens are published."""

import math
from typing import Annotated

import typer

from email_opens.errors import InvalidInput
from email_opens_cli.arguments.options import (
    LONGEST_WAIT,
    Account,
    Emails,
    From,
    Since,
    Stack,
    Wait,
    parse_account,
    parse_since,
    parse_wait,
)
from email_opens_cli.deployed.product import product
from email_opens_cli.deployed.turns.leases import work_in_leases
from email_opens_cli.emails.track_request import TrackRequest

MOST_WEIGHT = 1000


def parse_weight(text: str | float) -> float:
    """Return a weight.

    Raises:
        InvalidInput: it is not a number from a thousandth to a thousand.
    """
    try:
        weight = float(text)
    except ValueError:
        weight = math.nan
    if not 1 / MOST_WEIGHT <= weight <= MOST_WEIGHT:
        raise InvalidInput(
            f"“{str(text)[:20]}” is not a weight: expected a number from {1 / MOST_WEIGHT:g} to "
            f"{MOST_WEIGHT}; with 2, each open counts twice."
        )
    return weight


def track(
    emails: Emails,
    since: Since = From.BEGINNING.value,
    weight: Annotated[
        float,
        typer.Option(
            metavar="W",
            parser=parse_weight,
            help="How much an open counts in deciding what to poll next.",
        ),
    ] = 1.0,
    account: Account = "default",
    stack: Stack = None,
    wait: Wait = LONGEST_WAIT,
) -> None:
    """Track sent e-mails: publish the opens that they already have, and each new one.

    A campaign stands for all of its e-mails, resends included.
    Names are looked up among the 500 campaigns that were sent last.
    """
    account_id, patience = parse_account(account), parse_wait(wait)
    wired = product(stack)
    request = TrackRequest(
        wired=wired,
        account_id=account_id,
        since=parse_since(since, wired.clock.now()),
        weight=weight,
    )
    if request.ask(emails):
        # Without credentials, no lease is needed, which would create the account.
        wired.credentials.load(account_id)
        work_in_leases(wired.leases, account_id, "track", request.work, wait=patience)

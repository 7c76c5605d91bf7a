"""Track sent e-mails, so that their opens are published."""

from typing import Annotated

import typer

from email_opens.errors import InvalidInput
from email_opens_cli.deployed.activities import track_each
from email_opens_cli.deployed.product import product
from email_opens_cli.terminal.complaints import complaints
from email_opens_cli.terminal.console import say
from email_opens_cli.terminal.options import (
    Account,
    From,
    Ids,
    Since,
    Stack,
    parse_account,
    parse_ids,
    parse_since,
)

MOST_WEIGHT = 1000


def track(
    activity_ids: Ids,
    since: Since = From.BEGINNING.value,
    weight: Annotated[
        float,
        typer.Option(metavar="W", help="How many times each open counts in what to poll first."),
    ] = 1.0,
    account: Account = "default",
    stack: Stack = None,
) -> None:
    """Track sent e-mails: their new opens are published from now on."""
    with complaints():
        account_id, wanted = parse_account(account), parse_ids(activity_ids)
        check_weight(weight)
        wired = product(stack)
        now = wired.clock.now()
        for sentence in track_each(
            wired.tracking,
            account_id,
            wanted,
            since=parse_since(since, now),
            now=now,
            weight=weight,
        ):
            say(sentence)


def check_weight(weight: float) -> None:
    """Refuse a weight out of bounds.

    Raises:
        InvalidInput: it is not between a thousandth and a thousand.
    """
    if not 1 / MOST_WEIGHT <= weight <= MOST_WEIGHT:
        raise InvalidInput(
            f"{weight:g} is not a weight: expected a number from {1 / MOST_WEIGHT:g} to "
            f"{MOST_WEIGHT}; 2 lets each open count twice."
        )

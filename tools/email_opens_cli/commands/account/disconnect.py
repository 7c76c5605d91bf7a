"""Disconnect an account: its polls end, and its reports can no longer be read from here."""

from contextlib import nullcontext
from datetime import timedelta
from typing import Annotated

import typer

from email_opens.errors import InvalidInput
from email_opens_cli.arguments.options import (
    LONGEST_WAIT,
    Stack,
    Wait,
    Yes,
    parse_account,
    parse_wait,
)
from email_opens_cli.deployed.ownership import another_stack
from email_opens_cli.deployed.product import aws, product
from email_opens_cli.deployed.turns.leases import hold
from email_opens_cli.terminal.console import confirm, say


def disconnect(
    account_id_: Annotated[
        str, typer.Argument(metavar="ACCOUNT", help="The account's name in email-opens.")
    ],
    stack: Stack = None,
    wait: Wait = LONGEST_WAIT,
    *,
    yes: Yes = False,
) -> None:
    """Delete an account's schedule and credentials, but not its e-mails or the ledger."""
    _disconnect(parse_account(account_id_), stack, parse_wait(wait), yes=yes)


def _disconnect(account_id: str, stack: str | None, wait: timedelta, *, yes: bool) -> None:
    # Imported late, or `--help` would load boto3.
    from email_opens_cli.deployed.turns.schedules import Schedules  # noqa: PLC0415

    wired = product(stack)
    schedules = None if stack is None else Schedules.of_stack(stack)
    stored = wired.tracking.account(account_id)
    other = another_stack(wired, account_id)
    users = f", which the stack {other} uses" if other else ""
    confirm(f"Delete the credentials of account {account_id}{users}?", yes=yes)
    sentences = []
    # The schedule goes first, or the turns that it starts would find no credentials.
    if schedules is None:
        sentences.append(
            "Its own schedule, if it has one, was not deleted: --stack NAME deletes it."
        )
    elif account_id == schedules.own_account_id:
        sentences.append(
            "The stack's own schedule keeps starting turns, which fail without credentials: run "
            "`make deploy PARAMETERS=ScheduleState=DISABLED` to stop it."
        )
    elif schedules.remove(account_id):
        # Printed before the wait for the lease, which can be interrupted.
        say("Its schedule is deleted.")
    # A turn in hand would store refreshed credentials again.
    with hold(wired.leases, account_id, "disconnect", wait=wait) if stored else nullcontext():
        deleted = _delete(wired.settings.credentials_prefix + account_id)
    if not deleted and stored is None:
        raise InvalidInput(f"There is no account {account_id}: nothing was deleted.")
    say(f"The credentials of account {account_id} {'are' if deleted else 'were already'} deleted.")
    say(*sentences)
    say(
        "Its tracked e-mails and its ledger stay: if you connect it again, nothing is published "
        "twice. The application keeps its access until you revoke it at Constant Contact."
    )


def _delete(parameter: str) -> bool:
    """Delete a parameter; return False if it did not exist."""
    from botocore.exceptions import ClientError  # noqa: PLC0415

    try:
        aws().client("ssm").delete_parameter(Name=parameter)
    except ClientError as error:
        if error.response["Error"]["Code"] != "ParameterNotFound":
            raise
        return False
    return True

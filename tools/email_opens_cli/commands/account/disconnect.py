"""Disconnect an account: nothing polls it any more, and nothing here may read its reports."""

from contextlib import nullcontext
from typing import Annotated

import typer

from email_opens.errors import InvalidInput
from email_opens.model import account_id
from email_opens_cli.consent import credentials as connected
from email_opens_cli.deployed.product import aws, product
from email_opens_cli.terminal.complaints import complaints
from email_opens_cli.terminal.console import confirm
from email_opens_cli.terminal.options import Stack, Yes


def disconnect(
    account_id_: Annotated[str, typer.Argument(metavar="ACCOUNT")],
    stack: Stack = None,
    *,
    yes: Yes = False,
) -> None:
    """Delete an account's schedule and credentials; what is tracked and published stays."""
    with complaints():
        who = account_id(account_id_)
        _disconnect(who, stack, yes=yes)


def _disconnect(who: str, stack: str | None, *, yes: bool) -> None:
    # Late, or `--help` would wait for boto3.
    from email_opens_cli.deployed.schedules import Schedules  # noqa: PLC0415

    wired = product(stack)
    schedules = None if stack is None else Schedules.of_stack(stack)
    known = wired.tracking.account(who)
    confirm(f"Delete the credentials of account {who}?", yes=yes)
    said = []
    # The schedule first: what it starts afterwards would find no credentials.
    if schedules is None:
        said.append("A schedule of its own, if there is one, stays: --stack NAME deletes it.")
    elif who == schedules.own_account_id:
        said.append(
            "The stack's own schedule goes on without them: deploy with ScheduleState=DISABLED to "
            "stop it."
        )
    elif schedules.remove(who):
        said.append("Its schedule is deleted.")
    # Held, or a turn in hand would store them once more.
    with connected.held(wired, who) if known else nullcontext():
        deleted = _delete(wired.settings.credentials_prefix + who)
    if not deleted and known is None:
        raise InvalidInput(f"There is no account {who}: nothing was there to delete.")
    credentials = "are deleted" if deleted else "were deleted already"
    print(f"The credentials of account {who} {credentials}.")
    for sentence in said:
        print(sentence)
    print(
        "What it tracks and the ledger stay: connected again, it publishes nothing twice. "
        "At Constant Contact the application keeps its access until it is revoked there."
    )


def _delete(parameter: str) -> bool:
    """Delete a parameter; return False if it was not there."""
    from botocore.exceptions import ClientError  # noqa: PLC0415

    try:
        aws().client("ssm").delete_parameter(Name=parameter)
    except ClientError as error:
        if error.response["Error"]["Code"] != "ParameterNotFound":
            raise
        return False
    return True

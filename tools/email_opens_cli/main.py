"""`email-opens`: what people type."""

import json
import sys
from typing import Annotated

import typer
from rich.console import Console

from email_opens.model import account_id
from email_opens_cli import tracked
from email_opens_cli.complaints import FAILED, complain, complaints
from email_opens_cli.environment import product

_WIDE = 240
"""Columns where no terminal says how many there are: nothing is cut in a file or a pipe."""

app = typer.Typer(
    help="Each new open of an e-mail sent by Constant Contact, once, on an SNS topic.",
    epilog="Settings come from the environment, as the function has them, or from --stack.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)

# Plain names: typer does not look into a `type`.
Account = Annotated[str, typer.Option("--account", help="Whose API key and credentials.")]
Stack = Annotated[
    str | None,
    typer.Option("--stack", metavar="NAME", help="Take the settings from this stack's outputs."),
]
Ids = Annotated[
    list[str], typer.Argument(metavar="ACTIVITY_ID…", help="campaign_activity_id: a UUID each.")
]


@app.command()
def demo() -> None:
    """Run the whole product on this machine: no account, no keys."""
    from email_opens_cli.demo import run  # noqa: PLC0415 - boto3 and the emulator

    with complaints():
        raise typer.Exit(run())


@app.command()
def connect(
    account_id_: Annotated[str, typer.Argument(metavar="ACCOUNT_ID")], stack: Stack = None
) -> None:
    """Store an account's credentials, read as JSON from standard input.

    Expected: {"client_id": …, "refresh_token": …}, and "client_secret" where the app has one.
    """
    from email_opens_cli import connected  # noqa: PLC0415

    with complaints():
        who = account_id(account_id_)
        tokens = connected.read(sys.stdin.read())
        product(stack).credentials.store(who, tokens)
        print(f"The credentials of account {who} are stored; the next poll uses them.")


@app.command()
def track(
    activity_ids: Ids,
    since: Annotated[
        str, typer.Option("--from", metavar="INSTANT", help="beginning, now, or an instant.")
    ] = tracked.From.BEGINNING.value,
    account: Account = "default",
    stack: Stack = None,
) -> None:
    """Track sent e-mails: their new opens are published from now on."""
    with complaints():
        who, activities = account_id(account), tracked.ids(activity_ids)
        wired = product(stack)
        now = wired.clock.now()
        begins = tracked.start(since, now)
        for sentence in tracked.track(wired.tracking, who, activities, since=begins, now=now):
            print(sentence)


@app.command()
def untrack(activity_ids: Ids, account: Account = "default", stack: Stack = None) -> None:
    """Stop tracking e-mails."""
    with complaints():
        who, activities = account_id(account), tracked.ids(activity_ids)
        unknown = tracked.untrack(product(stack).tracking, who, activities)
        for campaign_activity_id in activities:
            if campaign_activity_id not in unknown:
                print(
                    f"{campaign_activity_id} is no longer tracked. Its ledger stays: tracked "
                    "again, it publishes nothing twice."
                )
        if unknown:
            complain(f"Not tracked for account {who}: {', '.join(unknown)}.", FAILED)


@app.command()
def status(
    account: Account = "default",
    stack: Stack = None,
    *,
    as_json: Annotated[bool, typer.Option("--json", help="For machines.")] = False,
) -> None:
    """Show what is tracked, and how far it has come."""
    from email_opens.model import Account as Known  # noqa: PLC0415
    from email_opens_cli import status as shown  # noqa: PLC0415

    with complaints():
        who, wired = account_id(account), product(stack)
        known = wired.tracking.account(who) or Known(account_id=who)
        activities = wired.tracking.activities(who)
        budget, now = wired.settings.requests_per_day, wired.clock.now()
        if as_json:
            print(json.dumps(shown.as_json(known, activities, budget, now), indent=2))
            return
        console = _console()
        if activities:
            console.print(shown.table(activities))
        else:
            print("Nothing is tracked: email-opens track ACTIVITY_ID…")
        print(shown.account_line(known, budget, now))


@app.command()
def poll(account: Account = "default", stack: Stack = None) -> None:
    """Take the account's turn once, here, as the schedule would have the function do it."""
    from email_opens_cli import polling  # noqa: PLC0415

    with complaints():
        turn = polling.poll(product(stack), account_id(account))
        if turn.leased:
            for sentence in polling.told(turn):
                print(sentence)
        wrong = list(polling.complaints_of(turn))
        if wrong:
            complain("\n".join(wrong), FAILED)


def _console() -> Console:
    console = Console(highlight=False)
    return console if console.is_terminal else Console(highlight=False, width=_WIDE)

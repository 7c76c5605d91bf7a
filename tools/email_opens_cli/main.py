"""`email-opens`: what people type."""

import json
from typing import Annotated

import typer

from email_opens.errors import InvalidInput
from email_opens.model import account_id
from email_opens_cli.commands import doctor, explain, watch
from email_opens_cli.commands.account import campaigns, discover
from email_opens_cli.commands.account import connect as connecting
from email_opens_cli.commands.account import disconnect as disconnecting
from email_opens_cli.commands.activities import pause as pausing
from email_opens_cli.commands.activities import track as tracked
from email_opens_cli.commands.opens import audit, dead_letters, replay, tail
from email_opens_cli.deployed.product import product
from email_opens_cli.terminal.complaints import FAILED, complain, complaints
from email_opens_cli.terminal.console import console
from email_opens_cli.terminal.options import Account, Ids, Stack

app = typer.Typer(
    help="Each new open of an e-mail sent by Constant Contact, once, on an SNS topic.",
    epilog=(
        "Settings come from the environment, as the function has them, or from --stack. "
        "Exit codes: 0 all is done, 1 something failed, 2 what was typed or set cannot be used, "
        "130 given up by hand."
    ),
    no_args_is_help=True,
    pretty_exceptions_enable=False,
)


@app.command()
def demo() -> None:
    """Run the whole product on this machine: no account, no keys."""
    from email_opens_cli.demo.demo import run  # noqa: PLC0415 - boto3 and the emulator

    with complaints():
        raise typer.Exit(run())


app.command()(connecting.connect)
app.command()(disconnecting.disconnect)
app.command()(watch.watch)
app.command()(discover.discover)
app.command()(campaigns.campaigns)


@app.command()
def track(
    activity_ids: Ids,
    since: Annotated[
        str, typer.Option("--from", metavar="INSTANT", help="beginning, now, or an instant.")
    ] = tracked.From.BEGINNING.value,
    weight: Annotated[
        float, typer.Option(metavar="W", help="An open of theirs counts as many times.")
    ] = 1.0,
    account: Account = "default",
    stack: Stack = None,
) -> None:
    """Track sent e-mails: their new opens are published from now on."""
    with complaints():
        who, activities = account_id(account), tracked.ids(activity_ids)
        tracked.check_weight(weight)
        wired = product(stack)
        now = wired.clock.now()
        begins = tracked.start(since, now)
        for sentence in tracked.track(
            wired.tracking, who, activities, since=begins, now=now, weight=weight
        ):
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


app.command()(pausing.pause)
app.command()(pausing.resume)


@app.command()
def status(
    account: Account = "default",
    stack: Stack = None,
    *,
    as_json: Annotated[bool, typer.Option("--json", help="For machines.")] = False,
    redraw: Annotated[bool, typer.Option("--watch", help="Redraw it until Ctrl-C.")] = False,
) -> None:
    """Show what is tracked, and how far it has come."""
    from email_opens_cli.commands import status as shown  # noqa: PLC0415

    with complaints():
        if redraw and as_json:
            raise InvalidInput("--watch is for people and --json for machines: name one of them.")
        who, wired, screen = account_id(account), product(stack), console()
        if redraw:
            shown.watch(wired, who, screen)
            return
        now = shown.look(wired, who)
        if as_json:
            print(json.dumps(shown.as_json(now), indent=2))
            return
        if now.activities:
            screen.print(shown.table(now, screen.width))
        else:
            print("Nothing is tracked: email-opens track ACTIVITY_ID…")
        print(shown.account_line(now))


app.command()(explain.explain)


@app.command()
def poll(account: Account = "default", stack: Stack = None) -> None:
    """Take the account's turn once, here, as the schedule would have the function do it."""
    from email_opens_cli.deployed import turns as polling  # noqa: PLC0415

    with complaints():
        turn = polling.poll(product(stack), account_id(account))
        if turn.leased:
            for sentence in polling.told(turn):
                print(sentence)
        wrong = list(polling.complaints_of(turn))
        if wrong:
            complain("\n".join(wrong), FAILED)


app.command()(tail.tail)
app.command()(audit.audit)
app.command()(replay.replay)
app.command()(doctor.doctor)
app.add_typer(dead_letters.app, name="dead-letters")

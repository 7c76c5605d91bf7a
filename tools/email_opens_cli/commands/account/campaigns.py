"""What an account has sent, and what of it is tracked."""

from contextlib import nullcontext
from datetime import datetime
from typing import Annotated, Any

import typer

from email_opens.instants import iso
from email_opens_cli.arguments.options import (
    LONGEST_WAIT,
    Account,
    Json,
    Stack,
    Wait,
    parse_account,
    parse_wait,
    whole_number,
)
from email_opens_cli.deployed.product import discovery
from email_opens_cli.deployed.turns.leases import work_in_leases
from email_opens_cli.emails.listing import ListedCampaign, Listing
from email_opens_cli.emails.sent import MOST_CAMPAIGNS
from email_opens_cli.terminal.columns import Column, fitted, fitting, measured, table
from email_opens_cli.terminal.console import console, progress, say, say_json

_COLUMNS = (
    Column("Campaign", 20, 0, folds=True),
    Column("Last sent", 16, 2),
    Column("Tracked", 8, 1, folds=True),
    Column("Id", 36, 3),
)
_EMAIL_COLUMNS = (
    Column("Campaign", 12, 1, folds=True),
    Column("Sent", 16, 3),
    Column("Tracked", 8, 2),
    Column("Id", 36, 0),
)
_NOTHING = "-"


def campaigns(
    last: Annotated[
        int,
        typer.Option(
            metavar="N",
            parser=whole_number("--last", 1, MOST_CAMPAIGNS),
            help=f"How many campaigns to show, latest first, at most {MOST_CAMPAIGNS}.",
        ),
    ] = 20,
    account: Account = "default",
    stack: Stack = None,
    wait: Wait = LONGEST_WAIT,
    *,
    emails: Annotated[
        bool,
        typer.Option(
            "--emails",
            help="Show each e-mail of the campaigns with its id, resends included; this sends at "
            "least one request for each campaign.",
        ),
    ] = False,
    as_json: Json = False,
) -> None:
    """Show the campaigns that the account has sent, and which are tracked.

    `track` accepts every name and id that the command shows.
    """
    account_id, patience = parse_account(account), parse_wait(wait)
    wired = discovery(stack)
    listing = Listing(wired=wired, account_id=account_id, last=last, each=emails)
    with progress("Reading campaigns", None) if emails else nullcontext(None) as show_read:
        listing.on_read = show_read or listing.on_read
        work_in_leases(wired.leases, account_id, "campaigns", listing.work, wait=patience)
    found = listing.campaigns()
    if as_json:
        campaigns = [_plain(campaign) for campaign in found]
        say_json({"account_id": account_id, "campaigns": campaigns}, indent=2)
    elif not found:
        say("The account has sent nothing yet.")
    elif emails:
        _print_emails(found)
    else:
        screen = console()
        rows = [_cells(campaign) for campaign in found]
        screen.print(table(*fitted(_COLUMNS, rows, screen.width)))


def _cells(campaign: ListedCampaign) -> dict[str, str]:
    sent = campaign.sent
    return {
        "Campaign": sent.name or _NOTHING,
        "Last sent": _minute(sent.last_sent),
        "Tracked": campaign.tracked,
        "Id": sent.campaign_id,
    }


def _print_emails(found: list[ListedCampaign]) -> None:
    """Print each e-mail with its whole id, in lines of their own where a table is too wide."""
    rows = [
        {
            "Campaign": campaign.sent.name or _NOTHING,
            "Sent": _minute(email.sent_at),
            "Tracked": email.state or "no",
            "Id": email.activity_id,
        }
        for campaign in found
        for email in campaign.emails
    ]
    screen = console()
    columns = fitting(measured(_EMAIL_COLUMNS, rows), screen.width)
    if len(columns) == len(_EMAIL_COLUMNS):
        screen.print(table(columns, rows))
        return
    for row in rows:
        say(row["Campaign"], f"  {row['Id']}", f"  sent {row['Sent']}, tracked: {row['Tracked']}")


def _minute(instant: datetime | None) -> str:
    return f"{instant:%Y-%m-%d %H:%M}" if instant else _NOTHING


def _plain(campaign: ListedCampaign) -> dict[str, Any]:
    sent = campaign.sent
    return {
        "campaign_id": sent.campaign_id,
        "name": sent.name,
        "last_sent": sent.last_sent and iso(sent.last_sent),
        "left_out": campaign.left_out,
        "activities": [
            {
                "campaign_activity_id": email.activity_id,
                "state": email.state,
                "sent_at": email.sent_at and iso(email.sent_at),
            }
            for email in campaign.emails
        ],
    }

"""What an account has sent, and what of it is tracked."""

from collections import Counter, defaultdict
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Annotated, Any

import typer

from email_opens.discovery.campaigns import Summary
from email_opens.instants import iso
from email_opens.model import Activity
from email_opens_cli.deployed.leases import hold
from email_opens_cli.deployed.product import discovery
from email_opens_cli.terminal.columns import Column, fitting, table
from email_opens_cli.terminal.complaints import complaints
from email_opens_cli.terminal.console import console, say, say_json
from email_opens_cli.terminal.options import (
    LONGEST_WAIT,
    Account,
    Json,
    Stack,
    Wait,
    parse_account,
    parse_wait,
)

if TYPE_CHECKING:
    from email_opens.bootstrap import DiscoverCampaigns

_COLUMNS = (
    Column("Campaign", 12, 1, folds=True),
    Column("Last sent", 16, 3),
    Column("Tracked", 8, 2, folds=True),
    Column("Campaign id", 36, 4),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Sent:
    """A campaign that was sent, and what is tracked of it."""

    summary: Summary
    name: str | None
    activities: tuple[Activity, ...]
    left_out: bool

    @property
    def tracked(self) -> str:
        """The states of its tracked activities, in few words."""
        if self.activities:
            states = Counter(activity.state.value for activity in self.activities)
            several = len(self.activities) > 1
            return ", ".join(
                f"{count} {state}" if several else state for state, count in states.items()
            )
        return "left out" if self.left_out else "no"


def campaigns(
    last: Annotated[
        int, typer.Option(min=1, max=500, help="How many campaigns to show, latest first.")
    ] = 20,
    account: Account = "default",
    stack: Stack = None,
    wait: Wait = LONGEST_WAIT,
    *,
    as_json: Json = False,
) -> None:
    """Show what the account has sent, and what of it is tracked."""
    with complaints():
        account_id = parse_account(account)
        sent = _sent(discovery(stack), account_id, last, parse_wait(wait))
        if as_json:
            campaigns = [_plain(campaign) for campaign in sent]
            say_json({"account_id": account_id, "campaigns": campaigns}, indent=2)
        elif sent:
            screen = console()
            columns = fitting(_COLUMNS, screen.width)
            screen.print(table(columns, map(_cells, sent)))
        else:
            say("The account has sent nothing yet.")


def _sent(wired: "DiscoverCampaigns", account_id: str, last: int, wait: timedelta) -> list[Sent]:
    activities = wired.tracking.activities(account_id)
    seen = wired.seen.load(account_id).campaigns
    by_campaign: dict[str | None, list[Activity]] = defaultdict(list)
    for activity in activities:
        by_campaign[activity.campaign_id].append(activity)
    names: dict[str, str | None] = {key: campaign.left_out for key, campaign in seen.items()}
    names |= {key: tracked[0].campaign_name for key, tracked in by_campaign.items() if key}
    with hold(wired.leases, account_id, "campaigns", wait=wait) as lease:
        vendor = wired.campaigns(account_id, lease.budget)
        summaries = vendor.summaries(link=None, before=lease.before).summaries[:last]
        if any(not names.get(summary.campaign_id) for summary in summaries):
            names |= vendor.names(before=lease.before)
    left_out = {key for key, campaign in seen.items() if campaign.left_out is not None}
    return [
        Sent(
            summary=summary,
            name=names.get(summary.campaign_id),
            activities=tuple(by_campaign[summary.campaign_id]),
            left_out=summary.campaign_id in left_out,
        )
        for summary in summaries
    ]


def _cells(campaign: Sent) -> dict[str, str]:
    return {
        "Campaign": campaign.name or "-",
        "Last sent": f"{campaign.summary.last_sent:%Y-%m-%d %H:%M}",
        "Tracked": campaign.tracked,
        "Campaign id": campaign.summary.campaign_id,
    }


def _plain(campaign: Sent) -> dict[str, Any]:
    return {
        "campaign_id": campaign.summary.campaign_id,
        "name": campaign.name,
        "last_sent": iso(campaign.summary.last_sent),
        "left_out": campaign.left_out,
        "activities": [
            {"campaign_activity_id": activity.campaign_activity_id, "state": activity.state.value}
            for activity in campaign.activities
        ],
    }

"""`email-opens campaigns`: what an account has sent, and what of it is tracked."""

import json
from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Annotated, Any
from uuid import uuid4

import typer
from rich.markup import escape
from rich.table import Table

from email_opens.discovery.campaigns import Summary
from email_opens.errors import EmailOpensError
from email_opens.instants import iso
from email_opens.model import Activity, account_id
from email_opens_cli.commands.account.discover import printable
from email_opens_cli.deployed.product import discovery
from email_opens_cli.terminal.columns import Column, fitting, table
from email_opens_cli.terminal.complaints import complaints
from email_opens_cli.terminal.console import console
from email_opens_cli.terminal.options import Account, Stack

if TYPE_CHECKING:
    from email_opens.bootstrap import DiscoverCampaigns
    from email_opens.discovery.ports import Campaigns

WAIT = timedelta(minutes=1)
"""For a poll to end."""
TRY_AGAIN_SECONDS = 2.0

_COLUMNS = (
    Column("Campaign", 12, 1, folds=True),
    Column("Last sent", 16, 3),
    Column("Roster", 8, 2, folds=True),
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
        """Say what is tracked, in few words."""
        if self.activities:
            states = Counter(one.state.value for one in self.activities)
            several = len(self.activities) > 1
            return ", ".join(
                f"{count} {state}" if several else state for state, count in states.items()
            )
        return "left out" if self.left_out else "no"


def campaigns(
    last: Annotated[int, typer.Option(min=1, max=500, help="How many, the latest first.")] = 20,
    account: Account = "default",
    stack: Stack = None,
    *,
    as_json: Annotated[bool, typer.Option("--json", help="For machines.")] = False,
) -> None:
    """Show what the account has sent, and what of it is tracked."""
    with complaints():
        sent = _sent(discovery(stack), account_id(account), last)
        if as_json:
            print(json.dumps([_plain(one) for one in sent], indent=2))
        elif sent:
            screen = console()
            screen.print(_table(sent, screen.width))
        else:
            print("The account has sent nothing yet.")


def _sent(wired: "DiscoverCampaigns", who: str, last: int) -> list[Sent]:
    summaries: list[Summary] = []
    activities, seen = wired.tracking.activities(who), wired.seen.load(who)
    by_campaign: dict[str | None, list[Activity]] = defaultdict(list)
    for one in activities:
        by_campaign[one.campaign_id].append(one)
    names: dict[str, str | None] = {key: look.left_out for key, look in seen.items()}
    names |= {key: of[0].campaign_name for key, of in by_campaign.items() if key}

    def ask(vendor: "Campaigns", before: datetime) -> None:
        summaries.extend(vendor.summaries(link=None, before=before).summaries[:last])
        if any(not names.get(one.campaign_id) for one in summaries):
            names.update(vendor.names(before=before))

    _visit(wired, who, ask)
    return [
        Sent(
            summary=one,
            name=names.get(one.campaign_id),
            activities=tuple(by_campaign[one.campaign_id]),
            left_out=one.campaign_id in seen and seen[one.campaign_id].left_out is not None,
        )
        for one in summaries
    ]


def _visit(wired: "DiscoverCampaigns", who: str, ask: Any) -> None:
    """Ask under the account's lease, once who has it lets go.

    Raises:
        EmailOpensError: nobody lets go, or the vendor does not answer.
    """
    holder, gives_up_at = f"email-opens campaigns {uuid4()}", wired.clock.now() + WAIT
    while True:
        visit = wired.visits.visit(who, holder=holder, before=wired.clock.now() + WAIT, work=ask)
        if visit.stopped:
            raise visit.stopped
        if visit.leased:
            return
        if wired.clock.now() >= gives_up_at:
            raise EmailOpensError(
                f"Another invocation works on account {who}; try again in a minute."
            )
        wired.clock.sleep(TRY_AGAIN_SECONDS)


def _table(sent: Sequence[Sent], width: int) -> Table:
    shown = fitting(_COLUMNS, width)
    made = table(shown)
    for one in sent:
        cells = {
            "Campaign": escape(printable(one.name or "-")),
            "Last sent": f"{one.summary.last_sent:%Y-%m-%d %H:%M}",
            "Roster": one.tracked,
            "Campaign id": one.summary.campaign_id,
        }
        made.add_row(*(cells[column.name] for column in shown))
    return made


def _plain(one: Sent) -> dict[str, Any]:
    return {
        "campaign_id": one.summary.campaign_id,
        "name": one.name,
        "last_sent": iso(one.summary.last_sent),
        "left_out": one.left_out,
        "activities": [
            {"campaign_activity_id": activity.campaign_activity_id, "state": activity.state.value}
            for activity in one.activities
        ],
    }

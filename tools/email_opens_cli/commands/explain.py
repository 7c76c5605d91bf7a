"""Why an e-mail is polled when it is: its rate, what has accrued, the price, and what follows."""

import json
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from math import inf
from typing import TYPE_CHECKING, Annotated

import typer

from email_opens.instants import iso, next_day
from email_opens.model import Account as StoredAccount
from email_opens.model import account_id
from email_opens.ports import Tracking
from email_opens.scheduling.choice import Candidate, Plan, Why
from email_opens.scheduling.rates import rate_at
from email_opens.turns.roster import Roster
from email_opens_cli.commands.status import requests_today
from email_opens_cli.deployed.product import product
from email_opens_cli.terminal.columns import Column, fitting, table
from email_opens_cli.terminal.complaints import complaints
from email_opens_cli.terminal.console import console
from email_opens_cli.terminal.options import Account, Stack

if TYPE_CHECKING:
    from email_opens.config import Settings

COLUMNS = (
    Column("Activity", 36, 0),
    Column("Opens/h", 8, 2, right=True),
    Column("Waiting", 9, 4, right=True),
    Column("Price", 9, 5, right=True),
    Column("Next", 20, 1),
    Column("Why", 22, 3),
)


@dataclass(frozen=True, slots=True)
class Explained:
    """An e-mail as the next turn will look at it."""

    campaign_activity_id: str
    opens_an_hour: float
    waiting: float
    """Open-seconds that a poll would end now."""
    price: float | None
    """Open-seconds that it must end; None: there are no requests."""
    next_at: datetime | None
    why: str


def explain(
    account: Account = "default",
    stack: Stack = None,
    *,
    as_json: Annotated[bool, typer.Option("--json", help="For machines.")] = False,
) -> None:
    """Show why each e-mail is polled when it is: its rate, what has accrued, the price."""
    with complaints():
        who, wired = account_id(account), product(stack)
        known = wired.tracking.account(who) or StoredAccount(account_id=who)
        explained = reasons(known, wired.tracking, wired.settings, wired.clock.now())
    if as_json:
        told = [asdict(one) | {"next_at": one.next_at and iso(one.next_at)} for one in explained]
        print(json.dumps(told, indent=2))
        return
    if not explained:
        print("Nothing is polled: email-opens track ACTIVITY_ID…")
        return
    out = console()
    columns = fitting(COLUMNS, out.width)
    shown = table(columns)
    for one in explained:
        cells = _cells(one)
        shown.add_row(*(cells[column.name] for column in columns))
    out.print(shown)


def reasons(
    account: StoredAccount, tracking: Tracking, settings: "Settings", now: datetime
) -> list[Explained]:
    """Return what the next turn would make of each e-mail that is polled, the next one first."""
    tracked = Roster(
        tracking=tracking,
        counter_trust=account.counter_trust,
        campaigns_per_probe=settings.campaigns_per_probe,
    )
    tracked.take(tracking.activities(account.account_id), now)
    left = max(0, settings.requests_to_spend - requests_today(account, now))
    worth = tracked.plan(now, left, settings.requests_to_spend)
    explained = [
        _explained(one, worth, account.counter_trust.missed, now)
        for one in tracked.candidates.values()
    ]
    return sorted(explained, key=lambda one: one.next_at or next_day(now))


def _explained(one: Candidate, worth: Plan, missed: float, now: datetime) -> Explained:
    priced, why = worth.price < inf, one.why(worth)
    return Explained(
        campaign_activity_id=one.campaign_activity_id,
        opens_an_hour=rate_at(one.estimate, one.age) * 3600,
        waiting=one.waiting(missed),
        price=worth.price * one.cost if priced else None,
        next_at=now + timedelta(seconds=_seconds(one, worth, missed)) if priced else None,
        why="when it is worth its price" if why is Why.WORTH else why,
    )


def _seconds(one: Candidate, worth: Plan, missed: float) -> float:
    """Return in how many seconds it is polled next."""
    if one.first:
        return 0.0
    overdue = one.longest(worth) - one.idle()
    return max(0.0, min(overdue, one.seconds_until_worth(worth.price, missed)))


def _cells(one: Explained) -> dict[str, str]:
    return {
        "Activity": one.campaign_activity_id,
        "Opens/h": f"{one.opens_an_hour:.2f}",
        "Waiting": f"{one.waiting:.0f}",
        "Price": "-" if one.price is None else f"{one.price:.0f}",
        "Next": "at 00:00 UTC" if one.next_at is None else iso(one.next_at.replace(microsecond=0)),
        "Why": one.why,
    }

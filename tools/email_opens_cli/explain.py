"""Why an e-mail is polled when it is: its rate, what has accrued, the price, and what follows."""

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Annotated

import typer

from email_opens.lifetime import due
from email_opens.model import Account as Known
from email_opens.model import Activity, account_id, iso, next_day
from email_opens.prospects import prior_of, prospect_of
from email_opens.scheduling import Counters, Plan, plan, seconds_until_worth
from email_opens_cli.columns import Column, fitting, table
from email_opens_cli.complaints import complaints
from email_opens_cli.environment import product
from email_opens_cli.options import Account, Stack
from email_opens_cli.status import requests_today
from email_opens_cli.terminal import console

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
        known = wired.tracking.account(who) or Known(account_id=who)
        activities = wired.tracking.activities(who)
        explained = reasons(known, activities, wired.settings, wired.clock.now())
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
    account: Known, activities: Sequence[Activity], settings: "Settings", now: datetime
) -> list[Explained]:
    """Return what the next turn would make of each e-mail that is polled, the next one first."""
    prior = prior_of(activities)
    polled = [one for one in activities if due(one, now)]
    prospects = [prospect_of(one, now, prior, account.learned, changed=False) for one in polled]
    learned = account.learned
    counters = Counters(
        lag_seconds=learned.lag_seconds,
        missed=learned.missed,
        campaigns_a_request=settings.campaigns_per_probe,
    )
    left = max(0, settings.requests_to_spend - requests_today(account, now))
    seconds = (next_day(now) - now).total_seconds()
    worth = plan(prospects, requests=left, seconds=seconds, counters=counters)
    explained = [
        Explained(
            campaign_activity_id=one.campaign_activity_id,
            opens_an_hour=one.estimate.at(one.age) * 3600,
            waiting=one.waiting(learned.missed),
            price=None if left == 0 else worth.price * one.cost,
            next_at=_next(seconds_until_worth(one, worth), worth, now, first=one.first),
            why=one.why(worth.stretch) or "when it is worth its price",
        )
        for one in prospects
    ]
    return sorted(explained, key=lambda one: one.next_at or next_day(now))


def _next(seconds: float, worth: Plan, now: datetime, *, first: bool) -> datetime | None:
    """Return when it is polled next; None: not before the day has requests again."""
    if worth.price == float("inf"):
        return None
    return now if first else now + timedelta(seconds=max(0.0, seconds))


def _cells(one: Explained) -> dict[str, str]:
    return {
        "Activity": one.campaign_activity_id,
        "Opens/h": f"{one.opens_an_hour:.2f}",
        "Waiting": f"{one.waiting:.0f}",
        "Price": "-" if one.price is None else f"{one.price:.0f}",
        "Next": "at 00:00 UTC" if one.next_at is None else iso(one.next_at.replace(microsecond=0)),
        "Why": one.why,
    }

"""When each e-mail is polled next, and why: its rate, the waiting opens, and the price."""

from datetime import datetime, timedelta
from math import inf, sqrt
from typing import TYPE_CHECKING

from msgspec import Struct
from msgspec.structs import asdict

from email_opens.account import Account as StoredAccount
from email_opens.instants import iso, next_day
from email_opens.ports import Tracking
from email_opens.scheduling.candidates import Candidate
from email_opens.scheduling.choice import Why, reason, seconds_until_due
from email_opens.scheduling.plan import Plan
from email_opens.scheduling.rates import rate_at
from email_opens_cli.arguments.options import Account, Json, SomeEmails, Stack, parse_account
from email_opens_cli.deployed.planning import planned
from email_opens_cli.deployed.product import product
from email_opens_cli.emails.activities import choose
from email_opens_cli.terminal.columns import Column, fitted, table
from email_opens_cli.terminal.console import console, say, say_json
from email_opens_cli.terminal.words import age

if TYPE_CHECKING:
    from email_opens.config.settings import Settings

FARTHEST_SECONDS = 366 * 86_400.0
"""No poll is shown as later: an instant has an end."""
COLUMNS = (
    Column("E-mail", 14, 0, folds=True),
    Column("Next", 9, 1, right=True),
    Column("Why", 13, 2, folds=True),
    Column("Opens/h", 8, 3, right=True),
    Column("Waiting", 9, 5, right=True),
    Column("Price", 9, 6, right=True),
    Column("Id", 36, 4),
)


class Explanation(Struct, frozen=True):
    """An e-mail as the next turn will see it."""

    campaign_activity_id: str
    campaign_name: str | None
    opens_an_hour: float
    waiting: float
    """Open-seconds that a poll would end now."""
    price: float | None
    """Open-seconds that a poll is expected to end; None: no requests are left."""
    next_at: datetime | None
    why: str


def explain(
    emails: SomeEmails = None,
    account: Account = "default",
    stack: Stack = None,
    *,
    as_json: Json = False,
) -> None:
    """Show when each e-mail is polled next, and why: its rate, the waiting opens, and the price.

    The command needs a stack: it does not read the state file of `watch`.
    """
    account_id, wired = parse_account(account), product(stack)
    stored = wired.tracking.account(account_id) or StoredAccount(account_id=account_id)
    now = wired.clock.now()
    explained = explanations(stored, wired.tracking, wired.settings, now)
    if emails:
        chosen = {
            activity.campaign_activity_id for activity in choose(wired.tracking, account_id, emails)
        }
        explained = [item for item in explained if item.campaign_activity_id in chosen]
    if as_json:
        activities = [_plain(explanation) for explanation in explained]
        say_json({"account_id": account_id, "activities": activities}, indent=2)
        return
    if not explained:
        say(
            "None of these e-mails is polled: see `email-opens status`."
            if emails
            else "Nothing is polled. Track an e-mail with `email-opens track E-MAIL`."
        )
        return
    screen = console()
    rows = [_cells(explanation, now) for explanation in explained]
    screen.print(table(*fitted(COLUMNS, rows, screen.width)))


def explanations(
    account: StoredAccount, tracking: Tracking, settings: "Settings", now: datetime
) -> list[Explanation]:
    """Return what the next turn will make of each e-mail that is polled, the next one first."""
    activities, roster, plan = planned(account, tracking, settings, now)
    names = {activity.campaign_activity_id: activity.campaign_name for activity in activities}
    explained = [
        _explanation(
            candidate,
            names.get(candidate.campaign_activity_id),
            plan,
            account.counter_trust.missed,
            now,
        )
        for candidate in roster.candidates.values()
    ]
    return sorted(explained, key=lambda explanation: explanation.next_at or next_day(now))


def _explanation(
    candidate: Candidate, name: str | None, plan: Plan, missed: float, now: datetime
) -> Explanation:
    priced, due = plan.price < inf, seconds_until_due(candidate, plan, missed, now)
    why, seconds = reason(candidate, due, now), _seconds_to_poll(candidate, plan, missed, now)
    return Explanation(
        campaign_activity_id=candidate.campaign_activity_id,
        campaign_name=name,
        opens_an_hour=rate_at(candidate.estimate, candidate.age_seconds(now)) * 3600,
        waiting=candidate.waiting(missed, now),
        price=plan.price * candidate.cost if priced else None,
        next_at=now + timedelta(seconds=seconds) if priced else None,
        why="once enough opens are waiting" if why is Why.WORTH else why,
    )


def _seconds_to_poll(candidate: Candidate, plan: Plan, missed: float, now: datetime) -> float:
    """Return the seconds until the next poll, if the opens come as expected."""
    if candidate.first or candidate.changed:
        return 0.0
    due = seconds_until_due(candidate, plan, missed, now)
    waiting = candidate.waiting(missed, now)
    if waiting > 0:
        # What is waiting grows as the square of the time.
        growth = sqrt(plan.price * candidate.cost / waiting)
        due = min(due, candidate.idle_seconds(now) * (growth - 1))
    return min(max(0.0, due), FARTHEST_SECONDS)


def _plain(explanation: Explanation) -> dict[str, object]:
    next_at = explanation.next_at
    return asdict(explanation) | {"next_at": next_at and iso(next_at)}


def _cells(explanation: Explanation, now: datetime) -> dict[str, str]:
    next_at, price = explanation.next_at, explanation.price
    activity_id = explanation.campaign_activity_id
    return {
        "E-mail": explanation.campaign_name or activity_id,
        "Id": activity_id,
        "Opens/h": f"{explanation.opens_an_hour:.2f}",
        "Waiting": f"{explanation.waiting:.0f}",
        "Price": "-" if price is None else f"{price:.0f}",
        "Next": "00:00 UTC" if next_at is None else _wait(next_at - now),
        "Why": explanation.why,
    }


def _wait(until: timedelta) -> str:
    """Return how long it takes until a poll."""
    return f"in {age(until.total_seconds())}" if until > timedelta() else "now"

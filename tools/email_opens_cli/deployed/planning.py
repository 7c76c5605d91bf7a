"""The plan of an account's next turn: what is polled, and how many requests that needs today."""

from datetime import datetime
from typing import TYPE_CHECKING, NamedTuple

from email_opens.account import Account
from email_opens.model import Activity
from email_opens.ports import Tracking
from email_opens.scheduling.plan import Plan
from email_opens.turns.roster import Roster

if TYPE_CHECKING:
    from email_opens.config.settings import Settings


class Planned(NamedTuple):
    """What the next turn will see."""

    activities: list[Activity]
    roster: Roster
    plan: Plan


def planned(account: Account, tracking: Tracking, settings: "Settings", now: datetime) -> Planned:
    roster = Roster(
        tracking=tracking,
        counter_trust=account.counter_trust,
        campaigns_per_probe=settings.campaigns_per_probe,
        hours=account.hours,
        scheduled=[send.at for send in account.searches.expected],
    )
    activities = tracking.current(account.account_id)
    roster.load(activities, now)
    to_spend = account.requests_to_spend(settings.requests_to_spend, now)
    left = max(0, to_spend - account.requests_on(now))
    return Planned(activities, roster, roster.plan(now, left))

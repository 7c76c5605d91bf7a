"""The tracked activities that a command names, and changes of them."""

from collections.abc import Callable, Collection, Iterable
from datetime import datetime

from email_opens.errors import EmailOpensError, LostRace
from email_opens.instants import iso
from email_opens.model import UNREADABLE, Activity
from email_opens.ports import Tracking
from email_opens_cli.arguments.options import parse_account
from email_opens_cli.arguments.selection import Send, select_each, select_one
from email_opens_cli.deployed.product import product
from email_opens_cli.terminal.plain import say
from email_opens_cli.terminal.words import named

type Change = Callable[[Activity], tuple[Activity, str]]
"""Returns an activity changed, and the end of a sentence that says so."""

_KIND = "tracked e-mail"
_TRIES = 5
"""A poll may write the activity between a read and a write, but not each time."""


def send_of(activity: Activity) -> Send:
    """Return a tracked activity as it is chosen."""
    return Send(
        activity.campaign_activity_id,
        activity.campaign_id,
        activity.campaign_name,
        activity.sent_at,
    )


def choose(tracking: Tracking, account_id: str, queries: Iterable[str]) -> list[Activity]:
    """Return the tracked activities that the queries choose.

    Raises:
        NotSelected: a query chooses none, or those of several campaigns.
    """
    activities = _by_id(tracking, account_id)
    sends = map(send_of, activities.values())
    remedy = _remedy(account_id, activities)
    chosen = select_each(queries, sends, kind=_KIND, remedy=remedy)
    return [activities[send.activity_id] for send in chosen]


def choose_one(tracking: Tracking, account_id: str, query: str) -> Activity:
    """Return the tracked activity that a query chooses.

    Raises:
        NotSelected: it chooses none, or several.
    """
    activities = _by_id(tracking, account_id)
    sends = map(send_of, activities.values())
    chosen = select_one(query, sends, kind=_KIND, remedy=_remedy(account_id, activities))
    return activities[chosen.activity_id]


def _by_id(tracking: Tracking, account_id: str) -> dict[str, Activity]:
    return {activity.campaign_activity_id: activity for activity in tracking.activities(account_id)}


def _remedy(account_id: str, activities: Collection[str]) -> str:
    if not activities:
        return f"Nothing is tracked for account {account_id}."
    option = "" if account_id == "default" else f" --account {account_id}"
    return f"`email-opens status{option}` lists what is tracked."


def of_account(tracking: Tracking, account_id: str, wanted: Iterable[str]) -> list[Activity]:
    """Return the tracked activities of these ids, in their order.

    Raises:
        EmailOpensError: some are not tracked.
    """
    tracked = _by_id(tracking, account_id)
    ids = list(wanted)
    untracked = [activity_id for activity_id in ids if activity_id not in tracked]
    if untracked:
        raise EmailOpensError(
            f"Not tracked for account {account_id}: {', '.join(untracked)}. "
            "`email-opens status` lists what is tracked."
        )
    return [tracked[activity_id] for activity_id in ids]


def change_each(emails: list[str], account: str, stack: str | None, change: Change) -> None:
    """Change activities, and print a sentence about each."""
    account_id, tracking = parse_account(account), product(stack).tracking
    for activity in choose(tracking, account_id, emails):
        say(f"{named(activity)} {save_change(tracking, activity, change)}")


def save_change(tracking: Tracking, activity: Activity, change: Change) -> str:
    """Save a change over what a poll may have written meanwhile; return the sentence's end.

    Raises:
        LostRace: the activity was written between each read and write.
    """
    for _ in range(_TRIES):
        if activity.state in UNREADABLE:
            raise EmailOpensError(activity.last_error or "The stored activity cannot be read.")
        changed, ending = change(activity)
        if changed == activity:
            return ending
        try:
            tracking.save(changed)
        except LostRace:
            (activity,) = of_account(tracking, activity.account_id, [activity.campaign_activity_id])
        else:
            return ending
    raise LostRace(
        f"Activity {activity.campaign_activity_id} is being written all the time; try again."
    )


def track_each(
    tracking: Tracking,
    account_id: str,
    activity_ids: Iterable[str],
    *,
    since: datetime | None,
    now: datetime,
    weight: float = 1.0,
) -> list[str]:
    """Track activities; return a sentence about each."""
    begins = "the beginning" if since is None else iso(since)
    sentences = []
    for campaign_activity_id in activity_ids:
        added = tracking.add(
            Activity(
                account_id=account_id,
                campaign_activity_id=campaign_activity_id,
                tracked_at=now,
                tracked_from=since,
                weight=weight,
            )
        )
        sentences.append(
            f"{campaign_activity_id} is tracked, from {begins}."
            if added
            else f"{campaign_activity_id} is tracked already; nothing was changed."
        )
    return sentences

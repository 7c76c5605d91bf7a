"""Pause what is tracked, and resume it; nothing is lost in between."""

from collections.abc import Callable, Iterable
from dataclasses import replace

from email_opens.errors import EmailOpensError, LostRace
from email_opens.model import Activity, State, account_id
from email_opens.ports import Tracking
from email_opens_cli.commands.activities import track as tracked
from email_opens_cli.deployed.product import product
from email_opens_cli.terminal.complaints import complaints
from email_opens_cli.terminal.options import Account, Ids, Stack

type Change = Callable[[Activity], tuple[Activity, str]]
"""Returns an activity changed, and what is to be said of it."""

_TRIES = 5
"""A poll may write the activity between reading and writing, but not each time."""


def pause(activity_ids: Ids, account: Account = "default", stack: Stack = None) -> None:
    """Stop polling e-mails for a while; what opens meanwhile is published after resume."""
    _each(activity_ids, account, stack, paused)


def resume(activity_ids: Ids, account: Account = "default", stack: Stack = None) -> None:
    """Poll e-mails again that were paused, finished or gone."""
    _each(activity_ids, account, stack, resumed)


def paused(activity: Activity) -> tuple[Activity, str]:
    """Return an activity paused, and what is to be said of it."""
    match activity.state:
        case State.PAUSED:
            return activity, "is paused already; nothing was changed."
        case State.FINISHED:
            return activity, "is finished and not polled; nothing was changed."
        case _:
            return replace(activity, state=State.PAUSED), "is paused; resume polls it again."


def resumed(activity: Activity) -> tuple[Activity, str]:
    """Return an activity active again, and what is to be said of it."""
    match activity.state:
        case State.ACTIVE:
            return activity, "is active already; nothing was changed."
        case State.FINISHED:
            # Audited, or it would be finished again before it was read.
            again = replace(
                activity, state=State.ACTIVE, progress=replace(activity.progress, audited_at=None)
            )
            return again, "is active again: read whole at the next turn, finished if nothing came."
        case _:
            return replace(activity, state=State.ACTIVE), "is active again."


def of_account(tracking: Tracking, who: str, wanted: Iterable[str]) -> list[Activity]:
    """Return the tracked activities of these ids, in their order.

    Raises:
        EmailOpensError: some are not tracked.
    """
    known = {one.campaign_activity_id: one for one in tracking.activities(who)}
    ids = list(wanted)
    unknown = [one for one in ids if one not in known]
    if unknown:
        raise EmailOpensError(
            f"Not tracked for account {who}: {', '.join(unknown)}. See `email-opens status`."
        )
    return [known[one] for one in ids]


def _each(
    activity_ids: list[str],
    account: str,
    stack: str | None,
    change: Change,
) -> None:
    with complaints():
        who, wanted = account_id(account), tracked.ids(activity_ids)
        tracking = product(stack).tracking
        for activity in of_account(tracking, who, wanted):
            print(f"{activity.campaign_activity_id} {changed(tracking, activity, change)}")


def changed(
    tracking: Tracking,
    activity: Activity,
    change: Change,
) -> str:
    """Write a change over whatever a poll has written meanwhile; return what is to be said."""
    for _ in range(_TRIES):
        changed, said = change(activity)
        if changed == activity:
            return said
        try:
            tracking.save(changed)
        except LostRace:
            (activity,) = of_account(tracking, activity.account_id, [activity.campaign_activity_id])
        else:
            return said
    raise LostRace(
        f"Activity {activity.campaign_activity_id} is being written all the time; try again."
    )

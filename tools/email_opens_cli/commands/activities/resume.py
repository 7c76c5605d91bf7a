"""Poll paused, finished or gone e-mails again."""

from copy import replace

from email_opens.model import Activity, State
from email_opens_cli.arguments.options import Account, Emails, Stack
from email_opens_cli.emails.activities import change_each


def resume(emails: Emails, account: Account = "default", stack: Stack = None) -> None:
    """Poll paused, finished or gone e-mails again."""
    change_each(emails, account, stack, resumed)


def resumed(activity: Activity) -> tuple[Activity, str]:
    """Return an activity active again, and the end of a sentence that says so."""
    match activity.state:
        case State.ACTIVE if activity.missing_since is None:
            return activity, "is active already; nothing was changed."
        case State.FINISHED:
            # It is due for an audit, or it would be finished again before it was read.
            progress = replace(activity.progress, audited_at=None)
            again = replace(activity, state=State.ACTIVE, progress=progress)
            return again, "is active again: the next turn reads its whole report."
        case _:
            again = replace(activity, state=State.ACTIVE, missing_since=None)
            return again, "is active again."

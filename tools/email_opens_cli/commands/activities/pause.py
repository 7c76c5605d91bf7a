"""Stop polling e-mails until they are resumed."""

from copy import replace

from email_opens.model import Activity, State
from email_opens_cli.arguments.options import Account, Emails, Stack
from email_opens_cli.emails.activities import change_each


def pause(emails: Emails, account: Account = "default", stack: Stack = None) -> None:
    """Stop polling e-mails until `resume`; then the opens of that time are published."""
    change_each(emails, account, stack, paused)


def paused(activity: Activity) -> tuple[Activity, str]:
    """Return an activity paused, and the end of a sentence that says so."""
    match activity.state:
        case State.PAUSED:
            return activity, "is paused already; nothing was changed."
        case State.FINISHED:
            return activity, "is finished and not polled; nothing was changed."
        case _:
            return replace(activity, state=State.PAUSED), "is paused; `resume` polls it again."

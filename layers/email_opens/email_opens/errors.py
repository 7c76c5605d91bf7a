"""Errors, grouped by what the caller should do; every message is a sentence for the user.

No message contains a token, an e-mail address or a whole reply.
"""

import traceback
from datetime import datetime
from pathlib import Path


class EmailOpensError(Exception):
    """The base class of all errors that email-opens raises on purpose."""


class InvalidSettings(EmailOpensError):
    """A setting is invalid: the message names the variable and the values it may have."""


class InvalidInput(EmailOpensError):
    """Input from a person or a caller is invalid."""


# --- Skip this activity until the next poll. ---


class ActivityFailed(EmailOpensError):
    """A poll failed in a way that leaves other activities unaffected."""


class ReportUnavailable(ActivityFailed):
    """No retry returned a usable page: 5xx, time-outs, not JSON."""


class ActivityForbidden(ActivityFailed):
    """The vendor refuses this resource, though it serves the account."""


class PagingBroken(ActivityFailed):
    """A next link leads to a page already read, or to a host that is not the vendor's."""


class PublishFailed(ActivityFailed):
    """Neither the topic nor the dead-letter queue accepted a message."""


# --- Change the activity's state and continue with the others. ---


class LinkExpired(EmailOpensError):
    """A next link has expired: start again at the report's head."""


class ActivityGone(EmailOpensError):
    """The vendor has no such activity: stop polling it."""


class NotCounted(EmailOpensError):
    """The vendor has no counter for one of the campaigns: request the others without it."""


class LostRace(EmailOpensError):
    """Another writer was first: drop this write and keep the stored state."""


# --- Leave the item as it is, and do without it. ---


class NewerItem(EmailOpensError):
    """Only a newer version understands a stored item; the message names the remedy."""


# --- End the invocation normally. ---


class OutOfTime(EmailOpensError):
    """No time is left for another request: commit the work done so far."""


class BudgetSpent(OutOfTime):
    """The day's budget is spent; the next day begins at 00:00 UTC."""


class AccountBusy(EmailOpensError):
    """Another turn or command holds the account's lease."""


class StaleWakeUp(EmailOpensError):
    """A wake-up starts no turn: it came twice, too late, or after another turn or command."""


# --- Continue: the schedule starts the next turn. ---


class NotAsked(EmailOpensError):
    """A wake-up could not be asked for; the message names the remedy."""


# --- Stop the account: its other activities would fail too. ---


class AccountStopped(EmailOpensError):
    """Requests for this account cannot succeed for now."""


class AccountPaused(AccountStopped):
    """The account stops until an instant; without one, until the next turn."""

    def __init__(self, message: str, until: datetime | None = None) -> None:
        super().__init__(message)
        self.until = until


class Throttled(AccountPaused):
    """The vendor answered every attempt with a 429; `until`: when it allows another, if known."""


class VendorUnavailable(AccountPaused):
    """The vendor fails whatever is requested; `until` is when the next request is due."""


class AccountResting(AccountPaused):
    """The account sends no request before `until`, because of a reply to an earlier request."""


class QuotaExceeded(AccountStopped):
    """The day's quota of the API key is spent; `until` is when the next day begins."""

    def __init__(self, message: str, until: datetime) -> None:
        super().__init__(message)
        self.until = until


class AccountDisconnected(AccountStopped):
    """A person must reconnect the account, or grant its user the missing privilege."""


# --- Keep the opens of an alert, and post them later. ---


class WebhookUnusable(EmailOpensError):
    """There is no URL to post to; the message names the remedy."""


# --- Unexpected errors: their own text may contain an address or a token. ---


def unforeseen(error: Exception) -> str:
    """Return a sentence that names an unexpected error and its place, without its text."""
    code = getattr(error, "response", {}).get("Error", {}).get("Code")
    return f"Unexpected {code or type(error).__name__} at {_place(error)}."


def _place(error: Exception) -> str:
    """Return the last file and line of email-opens in an error's traceback."""
    frames = [
        (Path(frame.f_code.co_filename), line)
        for frame, line in traceback.walk_tb(error.__traceback__)
    ]
    if not frames:
        return "an unknown place"
    ours = [frame for frame in frames if "email_opens" in frame[0].parts]
    file, line = (ours or frames)[-1]
    return f"{file.name}:{line}"

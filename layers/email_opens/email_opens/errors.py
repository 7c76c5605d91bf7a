"""Errors, grouped by what the caller should do; every message is a sentence for a person.

No message holds a token, an e-mail address or a whole reply.
"""

import traceback
from datetime import datetime
from pathlib import Path


class EmailOpensError(Exception):
    """Whatever email-opens raises on purpose."""


class InvalidSettings(EmailOpensError):
    """Mend the settings: the message names the variable and what it should be."""


class InvalidInput(EmailOpensError):
    """Mend what was typed or sent."""


# --- Give up on this activity for this round; the next round tries again. ---


class ActivityFailed(EmailOpensError):
    """This activity fails alone."""


class ReportUnavailable(ActivityFailed):
    """The vendor did not give a usable page within the retries: 5xx, time-outs, no JSON."""


class PagingBroken(ActivityFailed):
    """A next link leads in a circle, or to a host that is not the vendor's."""


class PublishFailed(ActivityFailed):
    """Neither the topic nor the dead-letter queue took what had to be delivered."""


# --- Change the activity's state and go on with the others. ---


class LinkExpired(EmailOpensError):
    """A next link no longer works: begin again from the report's head."""


class ActivityGone(EmailOpensError):
    """The vendor does not know this activity: stop asking for it."""


class NotCounted(EmailOpensError):
    """The vendor knows no counter of one of the campaigns: ask without it."""


class LostRace(EmailOpensError):
    """Somebody else wrote first: drop the write, the winner's state stands."""


# --- Stop for this invocation; nothing is wrong. ---


class OutOfTime(EmailOpensError):
    """No time is left for another request: commit what is in hand."""


class BudgetSpent(OutOfTime):
    """The day has no request left; the next one begins at 00:00 UTC."""


class AccountBusy(EmailOpensError):
    """Another turn or command holds the account's lease."""


# --- Stop the account: no other activity would fare better. ---


class AccountStopped(EmailOpensError):
    """No request of this account can succeed for now."""


class Throttled(AccountStopped):
    """The vendor went on answering "Too Many Requests": leave it alone for this round."""


class QuotaExceeded(AccountStopped):
    """The day's quota of the API key is spent; `until` is when the next day begins."""

    def __init__(self, message: str, until: datetime) -> None:
        super().__init__(message)
        self.until = until


class AccountDisconnected(AccountStopped):
    """A person must connect the account again, or give its user the missing privilege."""


# --- An error that nobody foresaw: its own words may hold an address or a token. ---


def unforeseen(error: Exception) -> str:
    """Say which error it is and where it arose, as a sentence."""
    code = getattr(error, "response", {}).get("Error", {}).get("Code")
    return f"Unexpected {code or type(error).__name__} at {_place(error)}."


def _place(error: Exception) -> str:
    """Return the file and line of ours from which an error came, however deep it arose."""
    frames = [
        (Path(frame.f_code.co_filename), line)
        for frame, line in traceback.walk_tb(error.__traceback__)
    ]
    if not frames:
        return "a place unknown"
    ours = [one for one in frames if "email_opens" in one[0].parts]
    file, line = (ours or frames)[-1]
    return f"{file.name}:{line}"

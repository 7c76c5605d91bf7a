"""Which sends are tracked, and from when on."""

from collections.abc import Iterable
from datetime import datetime
from enum import StrEnum

from email_opens.errors import InvalidInput
from email_opens.instants import iso, utc
from email_opens.model import Activity, activity_id
from email_opens.ports import Tracking

MOST_WEIGHT = 1000


class From(StrEnum):
    """Words for where tracking begins; anything else is an instant."""

    BEGINNING = "beginning"
    NOW = "now"


def start(text: str, now: datetime) -> datetime | None:
    """Return the instant from which opens are published; None: from the beginning.

    Raises:
        InvalidInput: it is neither a word nor an instant, or lies in the future.
    """
    if text == From.BEGINNING:
        return None
    if text == From.NOW:
        return now
    try:
        instant = utc(text)
    except ValueError:
        raise InvalidInput(
            f"“{text[:60]}” is no instant: expected beginning, now, or an instant with its offset "
            "from UTC such as 2026-03-02T14:07:00Z."
        ) from None
    if instant > now:
        raise InvalidInput(f"{iso(instant)} lies in the future; it is {iso(now)}.")
    return instant


def ids(texts: Iterable[str]) -> list[str]:
    """Return activity ids in their canonical form, each once; refuse all if one is none."""
    return list(dict.fromkeys(activity_id(text) for text in texts))


def check_weight(weight: float) -> None:
    """Refuse what is no weight.

    Raises:
        InvalidInput: it is not between a thousandth and a thousand.
    """
    if not 1 / MOST_WEIGHT <= weight <= MOST_WEIGHT:
        raise InvalidInput(
            f"{weight:g} is no weight: expected a number from {1 / MOST_WEIGHT:g} to "
            f"{MOST_WEIGHT}; 2 lets an open count twice."
        )


def track(
    tracking: Tracking,
    account_id: str,
    activity_ids: Iterable[str],
    *,
    since: datetime | None,
    now: datetime,
    weight: float = 1.0,
) -> list[str]:
    """Track activities; return a sentence for each."""
    said = []
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
        begins = "the beginning" if since is None else iso(since)
        said.append(
            f"{campaign_activity_id} is tracked, from {begins}."
            if added
            else f"{campaign_activity_id} is tracked already; nothing was changed."
        )
    return said


def untrack(tracking: Tracking, account_id: str, activity_ids: Iterable[str]) -> list[str]:
    """Stop tracking activities; return those that were not tracked."""
    return [one for one in activity_ids if not tracking.remove(account_id, one)]

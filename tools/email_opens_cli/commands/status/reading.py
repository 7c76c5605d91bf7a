"""What the status of an account says, read from its tables or its state file."""

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from msgspec import Struct

from email_opens.account import Account
from email_opens.events import bucket
from email_opens.model import Activity, State
from email_opens.ports import Ledger
from email_opens_cli.commands.watch.state import StateReader

if TYPE_CHECKING:
    from email_opens.bootstrap.product import EmailOpens

HOURS = 24

_FIRST_BUCKET, _LAST_BUCKET = "0", "~"
"""Before and after every bucket of the ledger, that of the rejected rows included."""
_AT_ONCE = 8
"""Activities whose hours are read from the ledger side by side."""


class Status(Struct, frozen=True, kw_only=True):
    """The status of an account."""

    account: Account
    activities: Sequence[Activity]
    """The latest send first."""
    by_hour: dict[str, list[int]]
    """By activity: the opens published of each of the last hours."""
    differences: dict[str, int | None]
    """By activity: as `difference` returns them."""
    requests_per_day: int
    """What the key allows."""
    requests_to_spend: int
    """What turns may spend of these today."""
    now: datetime


def read_status(wired: "EmailOpens | StateReader", account_id: str) -> Status:
    """Read the status of an account."""
    now = wired.clock.now()
    activities = wired.tracking.activities(account_id)
    ledger = wired.ledger

    def read(activity: Activity) -> tuple[list[int], int | None]:
        return opens_by_hour(ledger, activity, now), difference(ledger, activity)

    read_each = dict(
        zip(
            [activity.campaign_activity_id for activity in activities],
            _side_by_side(wired, read, activities),
            strict=True,
        )
    )
    account = wired.tracking.account(account_id) or Account(account_id=account_id)
    return Status(
        account=account,
        activities=sorted(
            activities, key=lambda activity: activity.sent_at or activity.tracked_at, reverse=True
        ),
        by_hour={activity_id: hours for activity_id, (hours, _) in read_each.items()},
        differences={activity_id: differs for activity_id, (_, differs) in read_each.items()},
        requests_per_day=wired.settings.requests_per_day,
        requests_to_spend=account.requests_to_spend(wired.settings.requests_to_spend, now),
        now=now,
    )


def opens_by_hour(ledger: Ledger, activity: Activity, now: datetime) -> list[int]:
    """Return the published opens of each of the last hours, the current hour last."""
    hours = [bucket(now - timedelta(hours=ago)) for ago in reversed(range(HOURS))]
    if activity.progress.watermark is None or bucket(activity.progress.watermark) < hours[0]:
        return [0] * HOURS
    found = ledger.fingerprints(activity.campaign_activity_id, hours[0], hours[-1])
    return [len(found.get(hour, ())) for hour in hours]


def difference(ledger: Ledger, activity: Activity) -> int | None:
    """Return the rows published or set aside, less those that the last audit counted.

    Below zero, some are missing. Above zero, some were published twice; once the report was read
    again after the audit, opens that came later look the same, and so it is None.
    """
    counts, progress = activity.counts, activity.progress
    if counts.reported is None:
        return None
    differs = counts.published + counts.rejected - counts.reported
    if differs < 0:
        # Of an e-mail that is tracked again, the ledger also has what was published before.
        found = ledger.fingerprints(activity.campaign_activity_id, _FIRST_BUCKET, _LAST_BUCKET)
        differs = max(differs, sum(map(len, found.values())) - counts.reported)
    return None if differs > 0 and progress.worked_at != progress.audited_at else differs


def delay_seconds(activity: Activity, now: datetime) -> float | None:
    """Return the seconds since the last poll: an open may have waited for that long."""
    if activity.state is not State.ACTIVE or activity.progress.polled_at is None:
        return None
    return max(0.0, (now - activity.progress.polled_at).total_seconds())


def _side_by_side[T](
    wired: "EmailOpens | StateReader", read: Callable[[Activity], T], activities: list[Activity]
) -> list[T]:
    """Read something of each activity: at once, except from a file, which is one thread's."""
    if isinstance(wired, StateReader):
        return [read(activity) for activity in activities]
    with ThreadPoolExecutor(max_workers=_AT_ONCE) as threads:
        return list(threads.map(read, activities))

"""What is due now. Pure."""

from datetime import datetime, timedelta

from email_opens.model import Activity, State
from email_opens.walk import Depth

DAY = timedelta(days=1)
SWEEP_EVERY = timedelta(minutes=15)
AUDIT_EVERY = DAY
FINISHED_AFTER = timedelta(days=60)
"""An activity is finished when nobody has opened it for so long."""

BACKFILL_AHEAD = timedelta(hours=1)
"""So far ahead of the clock may backfill spend the day's budget."""


def due(activity: Activity, now: datetime) -> bool:
    """Say whether an activity is polled now.

    One that the vendor did not know is asked for again daily: an error of the vendor's must not
    end the tracking of a send for good.
    """
    if activity.state is State.GONE:
        return activity.polled_at is None or now - activity.polled_at >= AUDIT_EVERY
    return activity.state is State.ACTIVE


def depth_due(activity: Activity, now: datetime) -> Depth:
    """Return how deep an activity is to be walked now; a first and a last read are audits."""
    if activity.audited_at is None or now - activity.audited_at >= AUDIT_EVERY:
        return Depth.AUDIT
    if activity.audited_at < quiet_from(activity) <= now:
        return Depth.AUDIT
    if activity.swept_at is None or now - activity.swept_at >= SWEEP_EVERY:
        return Depth.SWEEP
    return Depth.TAIL


def quiet_from(activity: Activity) -> datetime:
    """Return the instant from which nothing will have happened to an activity for long enough.

    An audit that comes later is its last, and it is finished.
    """
    news = (activity.sent_at, activity.watermark, activity.tracked_at)
    return max(instant for instant in news if instant) + FINISHED_AFTER


def finished(activity: Activity) -> bool:
    """Say whether an activity was audited whole since it became quiet."""
    audited_at = activity.audited_at
    return audited_at is not None and audited_at >= quiet_from(activity) and not activity.gaps


def backfill_budget(requests_per_day: int, now: datetime) -> int:
    """Return what may have been spent of the day for backfill to go on.

    It follows the clock, so that the evening's tails find their requests.
    """
    share = (_of_the_day(now) + BACKFILL_AHEAD) / DAY
    return int(requests_per_day * min(1.0, share))


def forecast(requests_spent: int, requests_per_day: int, now: datetime) -> int:
    """Return how many requests the whole day takes at the pace so far.

    What backfill may spend ahead of the clock is no pace, and left out.
    """
    ahead = requests_per_day * (BACKFILL_AHEAD / DAY)
    elapsed = max(_of_the_day(now), BACKFILL_AHEAD)
    return int(max(0.0, requests_spent - ahead) * (DAY / elapsed))


def _of_the_day(now: datetime) -> timedelta:
    return now - now.replace(hour=0, minute=0, second=0, microsecond=0)

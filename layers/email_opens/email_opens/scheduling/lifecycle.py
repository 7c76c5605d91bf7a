"""How a tracked send lives: whether it is polled, how deep, how rarely, and when it is over. Pure.

`scheduling` says what a poll is worth; here is what holds whatever it is worth.
"""

from datetime import datetime, timedelta

from email_opens.model import Activity, State
from email_opens.walk import Depth

SWEEP_EVERY = timedelta(minutes=15)
AUDIT_EVERY = timedelta(days=1)
AUDIT_ROWS_A_DAY = 1000
"""An audit of a long report comes so much more rarely that it costs two requests a day."""
COOLS_AFTER = timedelta(hours=6)
COLD_AFTER = timedelta(days=1)
"""An activity is polled hourly at least while it is opened, and daily at least when it is not."""
WOKEN_FOR = timedelta(days=365)
"""A finished activity whose last news is older is not woken by its campaign's counter."""


def due(activity: Activity, now: datetime) -> bool:
    """Say whether an activity is polled at all.

    One that the vendor did not know is asked for again daily: an error of the vendor's must not
    end the tracking of a send for good.
    """
    if activity.state is State.GONE:
        polled_at = activity.progress.polled_at
        return polled_at is None or now - polled_at >= AUDIT_EVERY
    return activity.state is State.ACTIVE


def depth_due(activity: Activity, now: datetime, finished_after: timedelta) -> Depth:
    """Return how deep an activity is to be walked now; a first and a last read are audits."""
    rows = max(activity.counts.reported or 0, activity.counts.published)
    audit_every = AUDIT_EVERY * max(1.0, rows / AUDIT_ROWS_A_DAY)
    if activity.progress.audited_at is None or now - activity.progress.audited_at >= audit_every:
        return Depth.AUDIT
    if activity.progress.audited_at < quiet_from(activity, finished_after) <= now:
        return Depth.AUDIT
    # Where nothing came for long, what still appears below the watermark is late by as long.
    swept_at = activity.progress.swept_at
    if swept_at is None or now - swept_at >= longest_interval(activity, now):
        return Depth.SWEEP
    return Depth.TAIL


def quiet_from(activity: Activity, finished_after: timedelta) -> datetime:
    """Return the instant from which nothing will have happened to an activity for long enough.

    An audit that comes later is its last, and it is finished.
    """
    return _last_news(activity) + finished_after


def finished(activity: Activity, finished_after: timedelta) -> bool:
    """Say whether an activity was audited whole since it became quiet."""
    audited_at, quiet = activity.progress.audited_at, quiet_from(activity, finished_after)
    return audited_at is not None and audited_at >= quiet and not activity.progress.gaps


def wakes(activity: Activity, now: datetime) -> bool:
    """Say whether a changed counter of its campaign lets an activity be polled again."""
    over = activity.state in (State.FINISHED, State.GONE)
    return over and now - _last_news(activity) < WOKEN_FOR


def longest_interval(activity: Activity, now: datetime) -> timedelta:
    """Return how long an activity may be left alone, whatever the rates say."""
    newest = max(
        filter(None, (activity.sent_at, activity.progress.watermark)), default=activity.tracked_at
    )
    if now - newest < COOLS_AFTER:
        return SWEEP_EVERY
    return timedelta(hours=1) if now - newest < COLD_AFTER else timedelta(days=1)


def _last_news(activity: Activity) -> datetime:
    news = (activity.sent_at, activity.progress.watermark, activity.tracked_at)
    return max(instant for instant in news if instant)

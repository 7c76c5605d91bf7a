"""What is due now. Pure."""

from datetime import datetime, timedelta

from email_opens.model import Activity
from email_opens.walk import Depth

SWEEP_EVERY = timedelta(minutes=15)
AUDIT_EVERY = timedelta(days=1)
FINISHED_AFTER = timedelta(days=60)
"""An activity is finished when nobody has opened it for so long."""


def depth_due(activity: Activity, now: datetime) -> Depth:
    """Return how deep an activity is to be walked now; a first read is an audit."""
    if activity.audited_at is None or now - activity.audited_at >= AUDIT_EVERY:
        return Depth.AUDIT
    if activity.swept_at is None or now - activity.swept_at >= SWEEP_EVERY:
        return Depth.SWEEP
    return Depth.TAIL


def quiet(activity: Activity, now: datetime) -> bool:
    """Say whether nothing has happened to an activity for so long that it may be finished."""
    news = (activity.sent_at, activity.watermark, activity.tracked_at)
    return now - max(instant for instant in news if instant) >= FINISHED_AFTER

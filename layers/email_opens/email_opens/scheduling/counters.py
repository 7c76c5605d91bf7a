"""What readings of the campaigns' counters say about activities. Pure.

A counter lets an activity be polled sooner, or be left alone a little longer, but never for good.
"""

from collections.abc import Iterable
from copy import replace
from datetime import datetime, timedelta

from email_opens.account import CounterTrust
from email_opens.model import Activity, CounterReadings

ARCHIVE_EVERY_SECONDS = 3600
"""How often counters of archived activities are read, a page of them each time."""
LAG_SHARE = 0.05
FAILED_SHARE = 0.25
"""A failed probe counts as if the counters had missed this share of the opens that they count."""


def campaigns_to_probe(
    polled: Iterable[Activity], asleep: Iterable[Activity], campaigns_per_probe: int, hour: int
) -> list[str]:
    """Return the campaigns whose counters to read: those of polled activities, each once.

    The rest of the last request is filled with those of activities that are no longer polled, the
    latest first. If these are more than fit, each `hour` reads the next ones.
    """
    wanted = list(dict.fromkeys(filter(None, (activity.campaign_id for activity in polled))))
    room = -len(wanted) % campaigns_per_probe if wanted else campaigns_per_probe
    latest = sorted(
        asleep,
        key=lambda activity: activity.progress.polled_at or activity.tracked_at,
        reverse=True,
    )
    more = dict.fromkeys(filter(None, (activity.campaign_id for activity in latest)))
    others = [campaign_id for campaign_id in more if campaign_id not in wanted]
    if not room or len(others) <= room:
        return wanted + others[:room]
    first = hour * room % len(others)
    return wanted + [*others[first:], *others[:first]][:room]


def page_is_due(trust: CounterTrust, now: datetime) -> bool:
    """Return whether this hour's page of archived activities is still to be read."""
    if trust.archived_at is None:
        return True
    hours = {instant.timestamp() // ARCHIVE_EVERY_SECONDS for instant in (trust.archived_at, now)}
    return len(hours) > 1


def has_moved(activity: Activity, readings: CounterReadings) -> bool:
    """Return whether the counter of an activity's campaign shows that rows are unread."""
    count = _count(activity, readings)
    if count is None:
        return False
    if activity.profile.counter is None:
        # Opens may have come between the poll and the count.
        return _is_recent(activity, readings)
    return count > activity.profile.counter


def after_reading(activity: Activity, readings: CounterReadings) -> Activity:
    """Return an activity after a probe.

    If a counter that is more recent than the last poll is lower than expected, it becomes the new
    baseline: it does not count every row, or rows were withdrawn.
    """
    profile, count = activity.profile, _count(activity, readings)
    if activity.campaign_id in readings.missing:
        return replace(activity, profile=replace(profile, uncounted=True))
    if count is None or has_moved(activity, readings):
        return activity
    if profile.counter is None or _is_recent(activity, readings):
        return replace(activity, profile=replace(profile, counter=count))
    return activity


def _count(activity: Activity, readings: CounterReadings) -> int | None:
    if activity.profile.uncounted:
        return None
    return readings.opens.get(activity.campaign_id or "")


def _is_recent(activity: Activity, readings: CounterReadings) -> bool:
    """Return whether the counters were refreshed after an activity's last poll."""
    refreshed_at, polled_at = readings.refreshed_at, activity.progress.polled_at
    return refreshed_at is not None and polled_at is not None and refreshed_at > polled_at


def trust_after(
    trust: CounterTrust, readings: CounterReadings, read_at: datetime, now: datetime
) -> CounterTrust:
    """Return how far the counters can be trusted after a probe that succeeded."""
    lag = trust.lag_seconds
    if readings.refreshed_at is not None:
        age = max(timedelta(), now - readings.refreshed_at).total_seconds()
        lag += LAG_SHARE * (age - lag)
    return replace(trust, read_at=read_at, current_until=readings.refreshed_at, lag_seconds=lag)


def trust_after_failure(trust: CounterTrust, read_at: datetime) -> CounterTrust:
    """Return how far the counters can be trusted after a probe that failed."""
    missed = trust.missed + FAILED_SHARE * (1 - trust.missed)
    return replace(trust, read_at=read_at, current_until=None, missed=missed)

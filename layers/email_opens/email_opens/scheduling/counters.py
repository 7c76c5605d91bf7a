"""The counters of an account's campaigns: one request tells who was opened of many.

A counter lets an activity be read sooner, or be left alone a little longer; never for good.
"""

from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime, timedelta

from email_opens.model import Activity, CounterReadings

LAG_SHARE = 0.05
FAILED_SHARE = 0.25
"""A failure counts as if the counters had missed so many of the opens that they had told of."""


def campaigns_of(
    countable: Iterable[Activity], asleep: Iterable[Activity], at_once: int
) -> list[str]:
    """Return whose counters to ask for: those of activities that are polled, each once.

    Where the last request has room, of those that are polled no more, the latest first.
    """
    wanted = list(dict.fromkeys(one.campaign_id for one in countable if one.campaign_id))
    room = -len(wanted) % at_once if wanted else at_once
    latest = sorted(asleep, key=lambda one: one.progress.polled_at or one.tracked_at, reverse=True)
    more = dict.fromkeys(one.campaign_id for one in latest if one.campaign_id)
    return wanted + [one for one in more if one not in wanted][:room]


def baseline(activity: Activity, readings: CounterReadings) -> tuple[Activity, bool]:
    """Return an activity after a probe, and whether its counter says that there is more to read.

    A counter that counts up to after the last read is taken as it is where it says less than was
    expected of it: it does not count all rows, or some were withdrawn.
    """
    campaign_id, read_at = activity.campaign_id, activity.progress.polled_at
    if campaign_id in readings.missing:
        return replace(activity, profile=replace(activity.profile, uncounted=True)), False
    count = readings.opens.get(campaign_id or "")
    if count is None or activity.profile.uncounted:
        return activity, False
    fresh = (
        readings.refreshed_at is not None
        and read_at is not None
        and readings.refreshed_at > read_at
    )
    counted = replace(activity, profile=replace(activity.profile, counter=count))
    if activity.profile.counter is None:
        # It may have been opened between the read and the count.
        return (activity, True) if fresh else (counted, False)
    if count > activity.profile.counter:
        return activity, True
    return (counted if fresh else activity), False


def lag_after(lag_seconds: float, readings: CounterReadings, now: datetime) -> float:
    """Return how old counters are, after a probe."""
    if readings.refreshed_at is None:
        return lag_seconds
    seen = max(timedelta(), now - readings.refreshed_at).total_seconds()
    return lag_seconds + LAG_SHARE * (seen - lag_seconds)

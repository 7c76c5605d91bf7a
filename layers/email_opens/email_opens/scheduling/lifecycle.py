"""The life of a tracked send: whether it is polled, how deep, how rarely, and when it ends. Pure.

`choice` says what a poll is worth; these rules apply whatever it is worth.
"""

from collections.abc import Iterable
from copy import replace
from datetime import datetime, timedelta

from email_opens.model import Activity, Depth, State
from email_opens.scheduling.rates import expected

MINUTE = timedelta(minutes=1)
"""The grain of the report's instants."""
SWEEP_EVERY = timedelta(minutes=15)
AUDIT_EVERY = timedelta(days=1)
AUDIT_ROWS_A_DAY = 1000
"""Longer reports are audited more rarely in proportion, so that an audit costs two requests a day.
"""
SWEEP_ROWS_A_REQUEST = 48
"""The most rows that sweeps of an activity read for each request of a day, on average: about a
tenth of a page, so a tenth of the day's requests."""
LONGEST_SWEEP_PAUSE = timedelta(days=1)
COOLS_AFTER = timedelta(hours=6)
COLD_AFTER = timedelta(days=1)
"""An activity is polled at least hourly while it is opened, and at least daily once it is cold."""
EARLY = timedelta(seconds=10)
"""By this much, pauses are shorter than whole minutes: a poll ends a little after its turn has
begun, and its pause must be over when a later turn begins, a whole number of minutes later."""
MISSING_PAUSES = tuple(timedelta(minutes=minutes) - EARLY for minutes in (1, 5, 15, 60))
"""The pauses between the polls of an activity that the vendor does not know."""
GONE_AFTER = timedelta(days=1)
MOST_FINISHED = 50
"""Finished activities that turns go on reading, besides those with news since `ARCHIVED_AFTER`."""
ARCHIVED_AFTER = timedelta(weeks=4)
WOKEN_FOR = timedelta(days=365)
"""How long after its last news the counter of its campaign can wake a finished activity."""


def due(activity: Activity, now: datetime) -> bool:
    """Return whether an activity is polled at all.

    One that the vendor does not know is polled after growing pauses, and in the end once a day, so
    that an error of the vendor does not end the tracking of a send.
    """
    polled_at = activity.progress.polled_at
    if polled_at is not None and polled_at > now:
        polled_at = None  # The clock has jumped back.
    if activity.state is State.GONE:
        return polled_at is None or now - polled_at >= AUDIT_EVERY
    if activity.state is State.ACTIVE and activity.missing_since and polled_at:
        return now - polled_at >= _missing_pause(polled_at - activity.missing_since)
    return activity.state is State.ACTIVE


def missing(activity: Activity, now: datetime) -> Activity:
    """Return an activity after the vendor has answered that it does not know it.

    After a day of such answers only, it is gone.
    """
    since = min(activity.missing_since or now, now)
    gone = now - since >= GONE_AFTER
    return replace(activity, missing_since=since, state=State.GONE if gone else activity.state)


def _missing_pause(missing_for: timedelta) -> timedelta:
    """Return the pause until the next poll of an activity that has been missing for this long."""
    asked_after = timedelta()
    for pause in MISSING_PAUSES:
        asked_after += pause
        if missing_for < asked_after:
            return pause
    return MISSING_PAUSES[-1]


def born(activity: Activity) -> datetime:
    """Return the instant from which the age of an activity counts: that of its latest send."""
    sent_at, surged_at = activity.sent_at or activity.tracked_at, activity.profile.surged_at
    return max(sent_at, surged_at) if surged_at else sent_at


def depth_due(
    activity: Activity,
    now: datetime,
    finished_after: timedelta,
    lookback: timedelta,
    *,
    requests_per_day: int,
) -> Depth:
    """Return how deep an activity is to be walked now; its first and last walk are audits."""
    progress, counts = activity.progress, activity.counts
    rows = max(counts.reported or 0, counts.published)
    audit_every = AUDIT_EVERY * max(1.0, rows / AUDIT_ROWS_A_DAY)
    if progress.audited_at is None or now - progress.audited_at >= audit_every:
        return Depth.AUDIT
    if progress.audit_at is not None and now >= progress.audit_at:
        return Depth.AUDIT
    if progress.audited_at < quiet_from(activity, finished_after) <= now:
        return Depth.AUDIT
    # After a long time without opens, a row that appears below the watermark is late by as long.
    swept_at = progress.swept_at
    pause = _sweep_pause(activity, now, lookback, requests_per_day)
    every = max(longest_interval(activity, now), pause)
    if swept_at is None or now - swept_at >= every:
        return Depth.SWEEP
    return Depth.TAIL


def _sweep_pause(
    activity: Activity, now: datetime, lookback: timedelta, requests_per_day: int
) -> timedelta:
    """Return the shortest time between two sweeps, so that they take a share of a day's requests.

    Of a send to a million contacts, two hours are hundreds of pages.
    """
    estimate = activity.profile.estimate
    if estimate is None:
        return timedelta()
    age = now - born(activity)
    since = (age - lookback).total_seconds()
    rows = expected(estimate, max(0.0, since), max(0.0, age.total_seconds()))
    days = rows / (SWEEP_ROWS_A_REQUEST * max(1, requests_per_day))
    return min(1.0, days) * LONGEST_SWEEP_PAUSE


def stops_in_minute(activity: Activity, depth: Depth, now: datetime) -> bool:
    """Return whether a walk may stop within the watermark's minute, at a page without news.

    A minute may have more rows than a page. It is read whole once it is over, and by sweeps;
    other polls of its rows would only repeat one another.
    """
    watermark, head_at = activity.progress.watermark, activity.progress.head_at
    if depth is not Depth.TAIL or watermark is None or head_at is None:
        return False
    over_at = watermark + MINUTE
    return now < over_at or over_at <= head_at <= now


def quiet_from(activity: Activity, finished_after: timedelta) -> datetime:
    """Return the instant from which an activity has had no news for `finished_after`.

    The first audit after it is the last one, and finishes the activity.
    """
    return _last_news(activity) + finished_after


def finished(activity: Activity, finished_after: timedelta) -> bool:
    """Return whether an activity has been audited to the end since it became quiet."""
    audited_at, quiet = activity.progress.audited_at, quiet_from(activity, finished_after)
    return audited_at is not None and audited_at >= quiet and not activity.progress.gaps


def to_archive(activities: Iterable[Activity], now: datetime) -> list[Activity]:
    """Return the finished activities that turns need not read, those without news longest first.

    From the latest ones, turns learn at what rate e-mails are opened and when sends are repeated.
    """
    over = [activity for activity in activities if activity.state is State.FINISHED]
    over.sort(key=_last_news)
    return [
        activity
        for activity in over[: max(0, len(over) - MOST_FINISHED)]
        if now - _last_news(activity) >= ARCHIVED_AFTER
    ]


def wakes(activity: Activity, now: datetime) -> bool:
    """Return whether an activity is polled again if its campaign's counter moves."""
    over = activity.state in (State.FINISHED, State.GONE)
    missing_now = activity.state is State.ACTIVE and activity.missing_since is not None
    return (over or missing_now) and now - _last_news(activity) < WOKEN_FOR


def revived(activity: Activity, now: datetime) -> Activity:
    """Return an activity that the vendor did not know, due again.

    Any other activity is returned unchanged; what a person has paused stays paused.
    """
    if activity.state is not State.GONE and activity.missing_since is None:
        return activity
    overdue_since = now - longest_interval(activity, now)
    read_at = min(activity.missing_since or overdue_since, overdue_since)
    polled_at = activity.progress.polled_at
    if activity.sent_at is not None and polled_at is not None and polled_at >= activity.sent_at:
        # The send was read before, so it must not count as unread.
        read_at = max(read_at, activity.sent_at)
    return replace(
        activity,
        state=State.ACTIVE if activity.state is State.GONE else activity.state,
        progress=replace(activity.progress, polled_at=read_at),
        missing_since=None,
        last_error=None,
    )


def longest_interval(activity: Activity, now: datetime) -> timedelta:
    """Return the longest interval between two polls of an activity, whatever the rates say."""
    news = filter(None, (activity.sent_at, activity.progress.watermark))
    quiet_for = now - max(news, default=activity.tracked_at)
    if quiet_for < COOLS_AFTER:
        return SWEEP_EVERY
    return timedelta(hours=1) if quiet_for < COLD_AFTER else timedelta(days=1)


def _last_news(activity: Activity) -> datetime:
    news = (activity.sent_at, activity.progress.watermark, activity.tracked_at)
    return max(instant for instant in news if instant)

"""From an activity to what a poll of it is worth, and what a poll teaches. Pure."""

from collections.abc import Iterable, Iterator
from dataclasses import replace
from datetime import datetime, timedelta
from math import exp, log

from email_opens.model import Activity, CounterTrust, Estimate
from email_opens.poller import Polled
from email_opens.scheduling.choice import Candidate
from email_opens.scheduling.lifecycle import SWEEP_EVERY, longest_interval
from email_opens.scheduling.rates import learn

UNKNOWN_RATE = 0.02
"""Opens a second just after a send of which nothing is known, nor of any other."""
DAY = timedelta(days=1)
WEEK = timedelta(weeks=1)
WEEKS = 4 * WEEK
"""What was sent in these may be sent again."""
HOT_FOR = timedelta(hours=1)
"""So long is a send fresh, where its instant is known."""
GRAIN = timedelta(minutes=1)
"""Of the vendor's instants."""
PAGES_SHARE = 0.2
MISSED_SHARE = 0.02
MOST_TOLD = 20
"""Opens of one poll that count when it is learned what the counters miss."""


def prior_of(activities: Iterable[Activity]) -> Estimate:
    """Return what to expect of an activity that was never read: one open at the usual rate."""
    estimates = [activity.profile.estimate for activity in activities]
    rates = [estimate.opens_a_second for estimate in estimates if estimate]
    usual = exp(sum(map(log, rates)) / len(rates)) if rates else UNKNOWN_RATE
    return Estimate(1.0, 1.0 / usual)


def born(activity: Activity) -> datetime:
    """Return the instant from which an activity's age counts."""
    return activity.sent_at or activity.tracked_at


def unread(activity: Activity, now: datetime) -> bool:
    """Say whether an activity was not read since it was sent, for the first or another time."""
    if activity.progress.polled_at is None:
        return True
    return activity.sent_at is not None and activity.progress.polled_at < activity.sent_at <= now


def candidate_of(
    activity: Activity,
    now: datetime,
    prior: Estimate,
    counter_trust: CounterTrust,
    *,
    changed: bool,
) -> Candidate:
    """Return what a poll of an activity would end now."""
    start, first = born(activity), unread(activity, now)
    longest = longest_interval(activity, now)
    read_at = activity.progress.polled_at
    if read_at is None or first:
        read_at = min(start, now)
    elif read_at > now:
        # The clock has jumped back: nobody waits for it to come again.
        read_at = now - longest
    return Candidate(
        campaign_activity_id=activity.campaign_activity_id,
        weight=activity.weight,
        cost=activity.profile.pages,
        estimate=prior if first or activity.profile.estimate is None else activity.profile.estimate,
        age=_seconds(now - start),
        read_age=_seconds(read_at - start),
        seen_age=_seconds(max(read_at, _told_at(activity, now, counter_trust) or read_at) - start),
        longest_seconds=_seconds(longest),
        hot_until=_seconds(HOT_FOR) if activity.sent_at else 0.0,
        first=first,
        changed=changed,
        countable=countable(activity),
    )


def coming(activities: Iterable[Activity], now: datetime, prior: Estimate) -> Iterator[Candidate]:
    """Yield what will be sent within a day if it goes as in the last weeks, at the same hours.

    Each has a share of a send's weight and cost, for it came in one of these weeks.
    """
    sent = [
        (one, one.sent_at)
        for one in activities
        if one.sent_at and timedelta() <= now - one.sent_at < WEEKS
    ]
    weeks = max((1 + (now - instant) // WEEK for _, instant in sent), default=0)
    for one, instant in sent:
        again = instant + WEEK * (1 + (now - instant) // WEEK)
        if again - now < DAY:
            age = _seconds(now - again)
            yield Candidate(
                campaign_activity_id="",
                weight=one.weight / weeks,
                cost=1.0 / weeks,
                estimate=one.profile.estimate or prior,
                age=age,
                read_age=age,
                seen_age=age,
                longest_seconds=_seconds(SWEEP_EVERY),
                hot_until=_seconds(HOT_FOR),
                countable=countable(one),
            )


def countable(activity: Activity) -> bool:
    """Say whether the counter of an activity's campaign can be asked for."""
    return activity.campaign_id is not None and not activity.profile.uncounted


def after_poll(
    activity: Activity, seen: Polled, prior: Estimate, told: int | None, lookback: timedelta
) -> Activity:
    """Return an activity with what a poll of its head has taught.

    `told` is what its campaign's counter said last. Opens that are older than the read covers
    teach nothing of the rate: backfill, or what an audit finds.
    """
    before, start = seen.before, born(activity)
    first = unread(before, seen.at)
    if before.progress.polled_at is None or first:
        since = max(filter(None, (start, before.tracked_from, seen.down_to)))
        oldest, estimate = since, prior
    else:
        since = min(before.progress.polled_at, seen.at)
        oldest, estimate = since - lookback, before.profile.estimate or prior
    found = sum(oldest <= created for created in seen.opens)
    counter = told
    if before.profile.counter is not None:
        counter = max(told or 0, before.profile.counter + len(seen.opens))
    if not first or seen.at - since >= GRAIN:
        # Within the grain of the rows' instants nobody can say how long they took to come.
        since_age = max(0.0, _seconds(since - start))
        estimate = learn(estimate, found, since_age, _seconds(seen.at - start))
    return replace(
        activity,
        profile=replace(
            activity.profile,
            estimate=estimate,
            pages=before.profile.pages
            + (0 if first else PAGES_SHARE * (seen.pages - before.profile.pages)),
            counter=counter,
            uncounted=activity.profile.uncounted
            and activity.progress.audited_at == before.progress.audited_at,
        ),
    )


def missed_after(missed: float, candidate: Candidate, start: datetime, seen: Polled) -> float:
    """Return the share of opens of which counters do not tell, after a poll's opens.

    A counter that has not moved says that there is nothing older; one that has, told.
    """
    if not candidate.changed and candidate.seen_age <= candidate.read_age:
        return missed
    until = start + timedelta(seconds=candidate.seen_age) - GRAIN
    untold = [not candidate.changed and created < until for created in seen.opens]
    share = sum(untold) / max(1, len(untold))
    return share + (missed - share) * (1 - MISSED_SHARE) ** min(MOST_TOLD, len(untold))


def _told_at(activity: Activity, now: datetime, counter_trust: CounterTrust) -> datetime | None:
    """Return up to when an activity's counter tells that there was nothing new."""
    if (
        not countable(activity)
        or activity.profile.counter is None
        or counter_trust.current_until is None
    ):
        return None
    return min(counter_trust.current_until, now)


def _seconds(time: timedelta) -> float:
    return time.total_seconds()

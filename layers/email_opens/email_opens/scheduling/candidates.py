"""Candidates: activities as the scheduler sees them, and what a poll teaches. Pure."""

from collections.abc import Iterable, Iterator
from copy import replace
from datetime import datetime, timedelta
from math import exp, log

from msgspec import Struct

from email_opens.account import CounterTrust, Hours
from email_opens.model import Activity, Estimate, Polled
from email_opens.scheduling.hours import after_opens, factors, parts
from email_opens.scheduling.lifecycle import SWEEP_EVERY, born, longest_interval
from email_opens.scheduling.rates import (
    SURGING,
    exposure,
    is_surge,
    is_surprise,
    learn,
    waiting,
)

UNKNOWN_RATE = 0.02
"""Opens a second just after a send, if nothing is known of it or of any other send."""
DAY = timedelta(days=1)
WEEK = timedelta(weeks=1)
WEEKS = 4 * WEEK
"""Sends of these weeks are expected to come again at the same hours."""
HOT_FOR = timedelta(hours=1)
"""How long a send is fresh, if the instant of the send is known."""
GRAIN = timedelta(minutes=1)
"""The grain of the vendor's instants."""
SETTLED = timedelta(minutes=10)
"""The opens of a send's first minutes, some of them by scanners, are not counted by hour."""
PAGES_SHARE = 0.2
MISSED_SHARE = 0.02
MOST_MISSED = 20
"""The most opens of one poll that count in the share of opens that the counters miss."""


class Candidate(Struct, frozen=True, kw_only=True):
    """An activity that may be polled, or a send that is expected to come."""

    campaign_activity_id: str
    weight: float
    cost: float
    """Requests that a poll takes, on average."""
    estimate: Estimate
    born_at: datetime
    """The instant from which its age counts: its send if that is known, else its tracking."""
    read_at: datetime
    """When its report was last read."""
    clear_at: datetime
    """Until when nothing was unread, by the last read or by its campaign's counter."""
    longest_seconds: float
    """The longest interval between two polls, whatever they are worth."""
    hot_until: datetime
    """The end of its time as a fresh send."""
    continued_at: datetime | None = None
    """When a walk that goes on below its head was last left or continued; None: not known."""
    first: bool = False
    """It has not been read since it was sent, so it is polled at once."""
    changed: bool = False
    """Its campaign's counter has moved since its report was read."""
    countable: bool = False
    """Its campaign has a counter that can be read."""

    def age_seconds(self, now: datetime) -> float:
        return (now - self.born_at).total_seconds()

    def idle_seconds(self, now: datetime) -> float:
        """Return the time since the last read."""
        return (now - self.read_at).total_seconds()

    def is_hot(self, now: datetime) -> bool:
        """Return whether it is a fresh send."""
        return now < self.hot_until

    def waiting(self, missed: float, now: datetime) -> float:
        """Return the weighted open-seconds that a poll would end.

        `missed` is the share of opens that the counters do not count in time.
        """
        age, clear_age = self.age_seconds(now), self.age_seconds(self.clear_at)
        uncounted = waiting(self.estimate, clear_age, age)
        if missed and self.read_at < self.clear_at:
            unread = waiting(self.estimate, self.age_seconds(self.read_at), age)
            uncounted += missed * (unread - uncounted)
        return self.weight * uncounted


def prior_of(activities: Iterable[Activity]) -> Estimate:
    """Return what to expect of an activity that was never read: one open at the usual rate."""
    estimates = [activity.profile.estimate for activity in activities]
    rates = [estimate.opens_a_second for estimate in estimates if estimate]
    usual = exp(sum(map(log, rates)) / len(rates)) if rates else UNKNOWN_RATE
    return Estimate(1.0, 1.0 / usual)


def unread(activity: Activity, now: datetime) -> bool:
    """Return whether an activity has not been read since it was sent, or sent again."""
    polled_at = activity.progress.polled_at
    if polled_at is None:
        return True
    return activity.sent_at is not None and polled_at < activity.sent_at <= now


def candidate_of(
    activity: Activity,
    now: datetime,
    prior: Estimate,
    trust: CounterTrust,
    hours: Hours,
    *,
    changed: bool,
) -> Candidate:
    """Return an activity as a candidate, with its rate at this hour of the day."""
    born_at, first = born(activity), unread(activity, now)
    longest = longest_interval(activity, now)
    read_at = activity.progress.polled_at
    if read_at is None or first:
        read_at = min(born_at, now)
    elif read_at > now:
        # The clock has jumped back: the activity must not wait until it reaches that time again.
        read_at = now - longest
    audit_at = activity.progress.audit_at
    if audit_at and read_at < audit_at:
        # The next poll must not come long after the audit is due.
        longest = min(longest, max(SWEEP_EVERY, audit_at - read_at))
    return Candidate(
        campaign_activity_id=activity.campaign_activity_id,
        weight=activity.weight,
        cost=activity.profile.pages,
        estimate=at_hour(prior if first else activity.profile.estimate or prior, hours, now),
        born_at=born_at,
        read_at=read_at,
        clear_at=_clear_at(activity, read_at, now, trust),
        longest_seconds=longest.total_seconds(),
        hot_until=activity.sent_at + HOT_FOR if activity.sent_at else born_at,
        continued_at=activity.progress.continued_at,
        first=first,
        changed=changed,
        countable=countable(activity),
    )


def at_hour(estimate: Estimate, hours: Hours, now: datetime) -> Estimate:
    """Return an estimate of a day's mean as one of this hour of the day."""
    return replace(estimate, opens=estimate.opens * factors(hours)[now.hour])


def coming(
    activities: Iterable[Activity],
    scheduled: Iterable[datetime],
    now: datetime,
    prior: Estimate,
    hours: Hours,
) -> Iterator[Candidate]:
    """Yield the scheduled sends, and those of the last weeks that may be repeated within a day.

    A send of the last weeks counts as a fraction of a send, because it came in only one of them.
    """
    for at in scheduled:
        if at > now:
            yield _to_come(at, now, at_hour(prior, hours, now))
    sent = [
        (activity, activity.sent_at)
        for activity in activities
        if activity.sent_at and timedelta() <= now - activity.sent_at < WEEKS
    ]
    weeks = max((1 + (now - sent_at) // WEEK for _, sent_at in sent), default=0)
    for activity, sent_at in sent:
        again_at = sent_at + WEEK * (1 + (now - sent_at) // WEEK)
        if again_at - now < DAY:
            estimate = at_hour(activity.profile.estimate or prior, hours, now)
            send = _to_come(again_at, now, estimate)
            yield replace(send, weight=activity.weight / weeks, cost=1.0 / weeks)


def _to_come(at: datetime, now: datetime, estimate: Estimate) -> Candidate:
    return Candidate(
        campaign_activity_id="",
        weight=1.0,
        cost=1.0,
        estimate=estimate,
        born_at=at,
        read_at=now,
        clear_at=now,
        longest_seconds=SWEEP_EVERY.total_seconds(),
        hot_until=at + HOT_FOR,
    )


def countable(activity: Activity) -> bool:
    """Return whether the counter of an activity's campaign can be read."""
    return activity.campaign_id is not None and not activity.profile.uncounted


def after_poll(
    activity: Activity,
    polled: Polled,
    prior: Estimate,
    count: int | None,
    lookback: timedelta,
    hours: Hours,
) -> tuple[Activity, Hours]:
    """Return an activity, and the hours of the day, with what a poll of its head has taught.

    `count` is the last reading of its campaign's counter. Opens older than the time that the
    poll covers, such as those of backfill and audits, say nothing about the rate.
    """
    before, born_at = polled.before, born(activity)
    profile, first = before.profile, unread(before, polled.at)
    if before.progress.polled_at is None or first:
        since = max(filter(None, (born_at, before.tracked_from, polled.down_to)))
        oldest, estimate = since, prior
    else:
        since = min(before.progress.polled_at, polled.at)
        oldest, estimate = since - lookback, profile.estimate or prior
    found = [created for created in polled.opens if oldest <= created]
    if profile.counter is not None:
        count = max(count or 0, profile.counter + len(polled.opens))
    if not first or polled.at - since >= GRAIN:
        # Within the grain of the rows' instants, the time in which they came is unknown.
        hourly = list(parts(factors(hours), since, polled.at))
        exposures = [
            (begins, _exposure(begins, ends, born_at), factor) for begins, ends, factor in hourly
        ]
        exposed = sum(seconds * factor for _, seconds, factor in exposures)
        usual = not first and not is_surprise(estimate, len(found), exposed)
        if usual and since - born_at >= SETTLED and polled.at - since < DAY:
            rate = estimate.opens_a_second
            expected = ((begins, rate * seconds) for begins, seconds, _ in exposures)
            hours = after_opens(hours, found, expected)
        if not first and is_surge(estimate, len(found), exposed):
            # The rate falls from here on as after a send.
            profile, estimate = replace(profile, surged_at=since), SURGING
            exposed = sum(
                _exposure(begins, ends, since) * factor for begins, ends, factor in hourly
            )
        estimate = learn(estimate, len(found), exposed)
    pages = profile.pages + (0 if first else PAGES_SHARE * (polled.pages - profile.pages))
    audited = activity.progress.audited_at != before.progress.audited_at
    uncounted = activity.profile.uncounted and not audited
    learned = replace(profile, estimate=estimate, pages=pages, counter=count, uncounted=uncounted)
    return replace(activity, profile=learned), hours


def _exposure(since: datetime, until: datetime, born_at: datetime) -> float:
    return exposure(
        max(0.0, (since - born_at).total_seconds()), max(0.0, (until - born_at).total_seconds())
    )


def missed_after(missed: float, candidate: Candidate, polled: Polled) -> float:
    """Return the share of opens that the counters miss, after a poll's opens.

    A counter that has not moved implies that nothing older is unread; a poll tests that. If the
    counter has moved, its campaign was counted.
    """
    if not candidate.changed and candidate.clear_at <= candidate.read_at:
        return missed
    until = candidate.clear_at - GRAIN
    were_missed = [not candidate.changed and created < until for created in polled.opens]
    share = sum(were_missed) / max(1, len(were_missed))
    return share + (missed - share) * (1 - MISSED_SHARE) ** min(MOST_MISSED, len(were_missed))


def _clear_at(
    activity: Activity, read_at: datetime, now: datetime, trust: CounterTrust
) -> datetime:
    """Return until when nothing was unread, by the last read or by the counter."""
    if trust.current_until is None or activity.profile.counter is None or not countable(activity):
        return read_at
    return max(read_at, min(trust.current_until, now))

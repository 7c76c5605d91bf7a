"""How often an account's new sends are searched for. Pure.

The opens of a send wait until a search finds the send. With μ sends a second and a search every T
seconds, this waiting grows as μT² a second; so with a given number of searches a day, it is least
if T is proportional to μ^(-1/3). The rate is that of the same hours of the last weeks.
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta

from email_opens.account import ExpectedSend, Searches
from email_opens.instants import next_day

SHARE = 0.05
"""The largest share of the day's requests, and of those that are left, for searches."""
SCHEDULES_SHARE = 0.01
"""The part of `SHARE` for reading the schedules of sends; the rest is for searches."""
REQUESTS_A_SEND = 12
"""What a new send takes besides the regular searches: those at its scheduled minute, the reading of
its campaign, and of the schedules once more."""
STRETCH_REQUESTS = 8
"""Requests of a stretch of a search; after that, other work comes first."""
SHORTEST = timedelta(seconds=50)
"""A little less than the minute between two turns, since a search ends after its turn began."""
LONGEST = timedelta(minutes=30)
"""The longest interval, if `SHARE` allows it."""
LONGEST_PAUSE = timedelta(hours=1)
"""The longest pause after failures."""
PRIOR_SENDS = 1.0
"""Sends that are added to those of the last weeks, spread evenly over the hours of the week."""

AGAIN = timedelta(seconds=10)
"""The shortest pause between two searches for a scheduled send."""
AGAIN_SHARE = 0.25
"""The pause as a share of the time since the send was due; it is at most `SHORTEST`."""
LATE = timedelta(minutes=10)
"""After this time, a scheduled send that was not found is left to the usual searches."""

OVERDUE = timedelta(hours=2)
"""Longer than any pause between two searches, unless the day's requests are few."""
FAILURES_OVERDUE = 7
"""So many failures in a row last about as long, where no search was ever completed."""

_DAY, _WEEK, _HOUR = timedelta(days=1), timedelta(weeks=1), timedelta(hours=1)
_WEEKS = 4 * _WEEK
_HOURS = 7 * 24


def is_due(searches: Searches, every: timedelta, requests_left: int, now: datetime) -> bool:
    """Return whether a search is due; one that was not completed continues in the next turn.

    For a scheduled send, a search is due as `next_for_send` says.
    """
    tried_at = searches.tried_at
    if tried_at is None or tried_at > now:
        return True
    if searches.failures:
        pause = min(SHORTEST * (1 << min(searches.failures, 10)), LONGEST_PAUSE)
        return now - tried_at >= max(every, pause)
    for_send = next_for_send(searches, now)
    if for_send is not None and for_send <= now:
        return True
    unfinished = searches.completed_at != tried_at and continues(requests_left)
    return unfinished or now - tried_at >= every


def overdue(searches: Searches, every: timedelta, now: datetime) -> bool:
    """Return whether no search was completed for so long that new sends are likely to be missed.

    `every` is the interval between searches: an account with few requests searches seldom.
    """
    if searches.completed_at is None:
        return searches.failures >= FAILURES_OVERDUE
    return now - searches.completed_at > max(OVERDUE, 2 * every)


def next_for_send(searches: Searches, now: datetime) -> datetime | None:
    """Return when a scheduled send is to be searched for; None: none is expected.

    That is at its instant, and then again and again until a search finds it: the vendor may send
    it, or list it, somewhat later.
    """
    tried_at = searches.tried_at
    instants = [send.at for send in searches.expected if send.at > now]
    begun = [send.at for send in searches.expected if send.at <= now < send.at + LATE]
    if begun:
        last = max(begun)
        if tried_at is None or not last <= tried_at <= now:
            return last
        instants.append(tried_at + min(SHORTEST, max(AGAIN, AGAIN_SHARE * (tried_at - last))))
    return min(instants, default=None)


def continues(requests_left: int) -> bool:
    """Return whether a search may go on at once after a stretch."""
    return requests_left * SHARE >= STRETCH_REQUESTS


def expected_after(
    expected: Iterable[ExpectedSend], found: Mapping[str, datetime], now: datetime
) -> tuple[ExpectedSend, ...]:
    """Return the scheduled sends that are still to come or to be found.

    `found` are the last sends of the campaigns that a search has listed.
    """
    return tuple(
        send
        for send in expected
        if now < send.at + LATE
        and not (send.campaign_id in found and found[send.campaign_id] > send.at - LATE / 2)
    )


def schedules_due(searches: Searches, requests_left: int, now: datetime) -> bool:
    """Return whether the schedules are to be read; an instant that is too far away is ignored."""
    due_at = searches.schedules_due_at
    waits = due_at is not None and now < due_at <= now + _WEEKS
    return continues(requests_left) and not waits


def schedules_pause(
    requests: int, now: datetime, *, requests_per_day: int, requests_left: int
) -> timedelta:
    """Return the pause after a reading of the schedules that took so many requests."""
    rest = (next_day(now) - now).total_seconds()
    frequency = SCHEDULES_SHARE * min(requests_per_day / _DAY.total_seconds(), requests_left / rest)
    return min(_WEEKS, timedelta(seconds=requests / frequency)) if frequency > 0 else _DAY


def interval(
    sends: Iterable[datetime], now: datetime, *, requests_per_day: int, requests_left: int
) -> timedelta:
    """Return the interval between searches of one request, by the instants of an account's sends.

    Searches at these intervals take at most their share of a day's requests, and of those left,
    less what the sends of an average day take; at least half of that share.
    """
    sends = [sent_at for sent_at in sends if timedelta() <= now - sent_at < _WEEKS]
    roots = [rate ** (1 / 3) for rate in rates(sends, now)]
    midnight = next_day(now) - _DAY
    share = SHARE - SCHEDULES_SHARE
    of_sends = REQUESTS_A_SEND * len(sends) / (_WEEKS / _DAY)
    share = max(share / 2, share - of_sends / max(1, requests_per_day))
    day = _frequency(roots, now, midnight, share * requests_per_day)
    rest = _frequency(roots, now, now, share * requests_left)
    frequency = min(day, rest)
    return max(SHORTEST, timedelta(seconds=1 / frequency)) if frequency > 0 else _DAY


def rates(sends: Iterable[datetime], now: datetime) -> list[float]:
    """Return the rate of sends in each hour of the week, from Monday on, by the last weeks."""
    counts = [0.0] * _HOURS
    for sent_at in sends:
        if timedelta() <= now - sent_at < _WEEKS:
            counts[_hour(sent_at)] += 1
    prior = PRIOR_SENDS / _HOURS
    return [
        prior + (counts[hour - 1] + 2 * counts[hour] + counts[(hour + 1) % _HOURS]) / 4
        for hour in range(_HOURS)
    ]


def _frequency(roots: Sequence[float], now: datetime, since: datetime, searches: float) -> float:
    """Return the searches a second at `now` if this many are made from `since` to midnight.

    At least one is made in each longest interval; the others are in proportion to the roots.
    """
    seconds = (next_day(now) - since).total_seconds()
    least = min(1 / LONGEST.total_seconds(), searches / seconds)
    total, at = 0.0, since
    while at < next_day(now):
        until = min(at.replace(minute=0, second=0, microsecond=0) + _HOUR, next_day(now))
        total += roots[_hour(at)] * (until - at).total_seconds()
        at = until
    return least + (searches - least * seconds) * roots[_hour(now)] / total


def _hour(instant: datetime) -> int:
    return 24 * instant.weekday() + instant.hour

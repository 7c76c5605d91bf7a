"""At which hours of the day an account's e-mails are opened, learned from polls. Pure."""

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime, timedelta
from functools import lru_cache

from email_opens.account import Hours

HOUR = timedelta(hours=1)
DAY = timedelta(days=1)
MEMORY_OPENS = 400.0
"""An hour's numbers are kept below this many opens, so the latest ones count most."""
NEIGHBOUR = 0.5
"""The weight of what is known of the hours before and after."""
LEAST_FACTOR = 0.02


@lru_cache(maxsize=8)
def factors(hours: Hours) -> tuple[float, ...]:
    """Return each hour's rate relative to the day's mean rate; the mean of these is about 1."""
    opens, expected = _smooth(hours.opens), _smooth(hours.expected)
    ratios = [came / due for came, due in zip(opens, expected, strict=True)]
    mean = sum(ratios) / len(ratios)
    return tuple(max(LEAST_FACTOR, ratio / mean) for ratio in ratios)


def parts(
    factors: Sequence[float], since: datetime, until: datetime
) -> Iterator[tuple[datetime, datetime, float]]:
    """Split a period at the hours of the day, and yield each part with its hour's factor.

    A period of more than a day is one part, with the day's mean.
    """
    if until - since > DAY:
        yield since, until, 1.0
        return
    while since < until:
        ends = min(until, since.replace(minute=0, second=0, microsecond=0) + HOUR)
        yield since, ends, factors[since.hour]
        since = ends


def after_opens(
    hours: Hours, opens: Iterable[datetime], expected: Iterable[tuple[datetime, float]]
) -> Hours:
    """Return the hours with opens added by their instants, and expected opens by theirs."""
    came, due = list(hours.opens), list(hours.expected)
    for opened in opens:
        came[opened.hour] += 1
    for at, number in expected:
        due[at.hour] += number
    pairs = list(zip(came, due, strict=True))
    kept = [min(1.0, MEMORY_OPENS / max(pair)) for pair in pairs]
    return Hours(
        tuple(number * share for (number, _), share in zip(pairs, kept, strict=True)),
        tuple(number * share for (_, number), share in zip(pairs, kept, strict=True)),
    )


def _smooth(numbers: Sequence[float]) -> list[float]:
    return [
        number + NEIGHBOUR * (numbers[hour - 1] + numbers[(hour + 1) % len(numbers)])
        for hour, number in enumerate(numbers)
    ]

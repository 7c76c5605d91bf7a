"""How fast the rest of the day's requests is spent: faster while more opens are expected. Pure.

At the optimum, polls come in proportion to the square roots of the rates (`choice` sees to that),
so the requests of an hour are in proportion to the sum of the roots of its expected rates.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta
from math import ceil, inf, sqrt

from msgspec import Struct

from email_opens.account import Hours
from email_opens.scheduling.candidates import Candidate
from email_opens.scheduling.hours import factors, parts
from email_opens.scheduling.rates import fall, root_exposure

HOT_SECONDS = 25.0
"""The longest interval between two polls of a fresh send, if the budget allows it."""
FLOORS_SHARE = 0.1
"""The largest share of the requests for polls that are due only because of the last one's age."""
HOT_SHARE = 0.1
"""The largest share of the day's remaining requests for the longest interval of fresh sends."""
DAY_SECONDS = 86_400.0


class Plan(Struct, frozen=True, kw_only=True):
    """How the rest of the day's requests is best spent, by what is known now."""

    requests_a_second: float = 0.0
    """How fast requests are spent now."""
    price: float = 0.0
    """Open-seconds that a request is expected to end; infinite: no request is left."""
    stretch: float = 1.0
    """The factor by which the longest intervals are lengthened, so that the budget covers them."""
    lengthened_to: float = inf
    """Seconds beyond which none is lengthened: a day, if the budget covers daily polls of all."""
    hot_seconds: float = HOT_SECONDS
    """The longest interval of fresh sends."""
    shortfall: int = 0
    """Requests that the longest intervals need beyond those that are left."""


def plan(
    candidates: Sequence[Candidate],
    *,
    now: datetime,
    requests: float,
    seconds: float,
    hours: Hours,
) -> Plan:
    """Plan how these requests last for these seconds.

    A candidate with `born_at` after `now` is a send that is still to come.
    """
    if not candidates:
        return Plan()
    if requests <= 0:
        return Plan(price=inf)
    midnight = now + timedelta(seconds=seconds)
    roots = [
        sqrt(candidate.weight * candidate.cost * candidate.estimate.opens_a_second)
        for candidate in candidates
    ]
    ages = [candidate.age_seconds(now) for candidate in candidates]
    needed_now = sum(
        root * sqrt(fall(age)) for root, age in zip(roots, ages, strict=True) if age >= 0
    )
    needed = _mean_scale(now, midnight, hours) * sum(
        root * root_exposure(age, age + seconds) for root, age in zip(roots, ages, strict=True)
    )
    if not needed:
        return Plan()  # All are sends to come after the day.
    polled = [
        (candidate.longest_seconds, candidate.cost * max(0.0, seconds + min(0.0, age)))
        for candidate, age in zip(candidates, ages, strict=True)
    ]
    floors = sum(cost_seconds / longest for longest, cost_seconds in polled)
    daily = sum(cost_seconds for _, cost_seconds in polled) / DAY_SECONDS
    hot = sum(
        candidate.cost
        * max(
            0.0, (min(midnight, candidate.hot_until) - max(now, candidate.born_at)).total_seconds()
        )
        for candidate in candidates
        if candidate.is_hot(now)
    )
    return Plan(
        requests_a_second=requests * needed_now / needed,
        price=(needed / requests) ** 2 / 2,
        stretch=max(1.0, floors / (FLOORS_SHARE * requests)),
        lengthened_to=DAY_SECONDS if daily <= FLOORS_SHARE * requests else inf,
        hot_seconds=HOT_SECONDS * max(1.0, hot / HOT_SECONDS / (HOT_SHARE * requests)),
        shortfall=max(0, ceil(floors - requests)),
    )


def _mean_scale(now: datetime, midnight: datetime, hours: Hours) -> float:
    """Return the mean root of the hours' factors until midnight, relative to that of this hour."""
    by_hour = factors(hours)
    scaled = (
        sqrt(factor / by_hour[now.hour]) * (ends - begins).total_seconds()
        for begins, ends, factor in parts(by_hour, now, midnight)
    )
    return sum(scaled) / (midnight - now).total_seconds()

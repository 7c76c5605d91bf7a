"""How often an activity is opened: a rate that falls after a send, learned from reads. Pure.

After a send the rate falls as `(1 + t/3h)^-1.6`, close to what mailers publish about their sends.
Its start is learned: opens over *exposure*, the integral of that fall (a Gamma-Poisson estimate).
Old opens are forgotten as new ones come, so the estimate follows a send that behaves differently,
or that is sent again: after far more opens than expected, the age counts from then.
All ages and spans are in seconds.
"""

import math

from email_opens.model import Estimate

SCALE_SECONDS = 3 * 3600.0
POWER = 1.6
MEMORY_OPENS = 40.0
"""An estimate rests on at most this many opens, the latest ones."""
SURPRISE = 4.0
"""Standard deviations from what was expected beyond which an estimate starts again."""
SURGE = 2.0
"""How many times the expected opens a read must find, to look like another send."""
SURGING = Estimate(1.0, 60.0)
"""What is known of such a send before that read."""


def rate_at(estimate: Estimate, age_seconds: float) -> float:
    """Return the rate at an age of the send, in opens a second."""
    return estimate.opens_a_second * fall(age_seconds)


def learn(estimate: Estimate, opens: int, exposed_seconds: float) -> Estimate:
    """Return the estimate after a read found some opens of an exposure.

    After a surprise, such as another send, what was learned before counts as one open.
    """
    if is_surprise(estimate, opens, exposed_seconds):
        estimate = Estimate(1.0, 1.0 / estimate.opens_a_second)
    total = estimate.opens + opens
    kept = min(1.0, MEMORY_OPENS / total)
    return Estimate(total * kept, (estimate.exposure_seconds + exposed_seconds) * kept)


def is_surprise(estimate: Estimate, opens: int, exposed_seconds: float) -> bool:
    """Return whether so many, or so few, opens are hardly possible at the estimated rate."""
    due = estimate.opens_a_second * exposed_seconds
    return abs(opens - due) > SURPRISE * math.sqrt(due + 1) + 1


def is_surge(estimate: Estimate, opens: int, exposed_seconds: float) -> bool:
    """Return whether so many opens suggest that the e-mail was sent again."""
    due = estimate.opens_a_second * exposed_seconds
    return opens >= SURGE * due and is_surprise(estimate, opens, exposed_seconds)


def expected(estimate: Estimate, since_seconds: float, until_seconds: float) -> float:
    """Return the opens that are expected between two ages."""
    return estimate.opens_a_second * exposure(since_seconds, until_seconds)


def waiting(estimate: Estimate, since_seconds: float, until_seconds: float) -> float:
    """Return how long the opens since an age have waited at a later one, in open-seconds."""
    return estimate.opens_a_second * waited(since_seconds, until_seconds)


def fall(age_seconds: float) -> float:
    """Return the rate at an age, as a share of the rate at the send."""
    return math.pow(_u(age_seconds), -POWER)


def exposure(since_seconds: float, until_seconds: float) -> float:
    """Return the integral of the fall between two ages."""
    if until_seconds <= since_seconds:
        return 0.0
    power = POWER - 1
    return (
        SCALE_SECONDS
        / power
        * (math.pow(_u(since_seconds), -power) - math.pow(_u(until_seconds), -power))
    )


def waited(since_seconds: float, until_seconds: float) -> float:
    """Return the integral of the fall at s, times (until - s), over s between two ages."""
    span = until_seconds - since_seconds
    if span <= 0:
        return 0.0
    low, high = _u(since_seconds), _u(until_seconds)
    if high - low < low / 100:
        # The closed form would subtract nearly equal numbers; the fall is nearly straight here.
        return fall(since_seconds + span / 3) * span**2 / 2
    first = high / (POWER - 1) * (math.pow(low, 1 - POWER) - math.pow(high, 1 - POWER))
    second = (math.pow(high, 2 - POWER) - math.pow(low, 2 - POWER)) / (2 - POWER)
    return SCALE_SECONDS**2 * (first - second)


def root_exposure(since_seconds: float, until_seconds: float) -> float:
    """Return the integral of the square root of the fall, which says what polls are worth."""
    power = 1 - POWER / 2
    rooted = math.pow(_u(until_seconds), power) - math.pow(_u(since_seconds), power)
    return max(0.0, SCALE_SECONDS / power * rooted)


def _u(age_seconds: float) -> float:
    return 1 + max(0.0, age_seconds) / SCALE_SECONDS

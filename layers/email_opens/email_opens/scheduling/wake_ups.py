"""When a turn is to be followed by another one before the schedule starts it. Pure."""

from datetime import datetime, timedelta
from math import ceil

from email_opens.account import Chain, WakeUp

CHAIN = timedelta(minutes=1)
"""How long a chain lasts: after that, the schedule starts the next one."""
MOST_WAKE_UPS = 12
"""The most in a chain: Lambda stops a function that starts itself some sixteen times in a row."""
SHORTEST_SECONDS = 1


def wake_up_after(
    chain: Chain, *, token: str, next_in_seconds: float | None, now: datetime
) -> WakeUp | None:
    """Return the wake-up that a turn of a chain asks for; None: the schedule comes first.

    The next request will be worth sending in `next_in_seconds`; None: that is not known.
    """
    delay = delay_seconds(
        next_in_seconds,
        left_seconds=(ends_at(chain) - now).total_seconds(),
        wake_ups_left=MOST_WAKE_UPS - chain.wake_ups,
    )
    if delay is None:
        return None
    due_at = now + timedelta(seconds=delay)
    return WakeUp(token=token, due_at=due_at, chain=Chain(chain.began_at, chain.wake_ups + 1))


def delay_seconds(
    next_in_seconds: float | None, *, left_seconds: float, wake_ups_left: int
) -> int | None:
    """Return in how many whole seconds the next turn is to be woken; None: it is not.

    The wake-ups that are left are spread over the rest of the chain, so that it does not use them
    up at its beginning.
    """
    if next_in_seconds is None or wake_ups_left <= 0 or next_in_seconds >= left_seconds:
        return None
    left_seconds = min(left_seconds, CHAIN.total_seconds())
    delay = ceil(max(SHORTEST_SECONDS, next_in_seconds, left_seconds / wake_ups_left))
    return delay if delay < left_seconds else None


def ends_at(chain: Chain) -> datetime:
    """Return when the schedule starts the next chain."""
    return chain.began_at + CHAIN

"""Pauses between attempts: exponential, with jitter so that failed clients do not retry together.

Calls to AWS pause for `pause_seconds`; requests to the vendor go through `Retries`, which also
limits the attempts and respects a deadline.
"""

import random
from datetime import datetime

from email_opens.errors import EmailOpensError
from email_opens.ports import Clock

FIRST_SECONDS = 0.1
MOST_SECONDS = 5.0
MOST_ATTEMPTS = 4
ATTEMPT_SECONDS = 1.0
"""No request to the vendor starts with less time than this before its deadline."""

_FIRST_VENDOR_SECONDS = 1.0
_MOST_VENDOR_SECONDS = 8.0


def pause_seconds(failures: int) -> float:
    """Return a pause that doubles with each failure, reduced by a random amount of up to half."""
    longest = _longest_seconds(failures, FIRST_SECONDS, MOST_SECONDS)
    return longest * random.uniform(0.5, 1)  # noqa: S311 - jitter is not a secret


class Retries:
    """The pauses between the attempts at one request to the vendor: full jitter, and a deadline."""

    def __init__(self, clock: Clock, before: datetime) -> None:
        self._clock = clock
        self._before = before
        self._failures = 0

    def wait(self, failure: EmailOpensError, seconds: float | None = None) -> None:
        """Wait before the next attempt, for the `seconds` that the vendor requested if any.

        Raises:
            EmailOpensError: `failure`, since no attempt or no time for one is left.
        """
        if not self.again(seconds):
            raise failure

    def again(self, seconds: float | None = None, *, attempts: int = MOST_ATTEMPTS) -> bool:
        """Wait before the next of at most `attempts` attempts, as in `wait`.

        Returns False, without a wait, if no attempt or no time for one is left.
        """
        self._failures += 1
        if seconds is None:
            longest = _longest_seconds(self._failures, _FIRST_VENDOR_SECONDS, _MOST_VENDOR_SECONDS)
            seconds = random.uniform(0, longest)  # noqa: S311 - jitter is not a secret
        left = (self._before - self._clock.now()).total_seconds()
        if self._failures >= attempts or seconds + ATTEMPT_SECONDS > left:
            return False
        self._clock.sleep(seconds)
        return True


def _longest_seconds(failures: int, first: float, most: float) -> float:
    return min(most, first * 2.0 ** (failures - 1))

"""When the next post may be sent: the pace, and the pauses that follow from replies."""

from datetime import datetime, timedelta

from email_opens.alerts.deduplication import Outcome
from email_opens.alerts.verdicts import Verdict

FIRST_PAUSE = timedelta(seconds=30)
LONGEST_PAUSE = timedelta(minutes=15)
LONGEST_WAIT = timedelta(hours=11)
"""SQS hides a message for 12 hours at most, its time with the function included."""


def pause_after(failures: int) -> timedelta:
    """Return the pause after so many failures in a row: 30 seconds, doubling, to 15 minutes."""
    return min(LONGEST_PAUSE, FIRST_PAUSE * (1 << min(max(failures, 1) - 1, 10)))


class Pace:
    """The pace of posts to one webhook; a pause ends with the container at the latest."""

    def __init__(self) -> None:
        self.paused_until: datetime | None = None
        self._next_at: datetime | None = None
        self._failures = 0

    def pause_left(self, now: datetime) -> timedelta:
        if self.paused_until is None:
            return timedelta()
        return max(timedelta(), min(self.paused_until - now, LONGEST_WAIT))

    def wait(self, now: datetime, apart: timedelta) -> timedelta:
        """Return how long to wait before the next post: at most `apart`, even if a clock jumps."""
        if self._next_at is None:
            return timedelta()
        return max(timedelta(), min(self._next_at - now, apart))

    def note(self, verdict: Verdict, now: datetime, apart: timedelta) -> None:
        """Set when the next post may be sent, after a verdict on this one."""
        self._next_at = now + apart
        if verdict.outcome is Outcome.SENT:
            self._failures = 0
            return
        self._failures += 1
        if verdict.about_the_message and self._failures == 1:
            return
        if verdict.wait is not None:
            self.paused_until = now + min(verdict.wait, LONGEST_WAIT)
        else:
            self.paused_until = now + pause_after(self._failures)

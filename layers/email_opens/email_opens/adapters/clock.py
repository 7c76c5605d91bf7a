"""The system clock: the one place where the product sleeps, so that tests need not wait."""

import time
from datetime import UTC, datetime


class SystemClock:
    def now(self) -> datetime:
        return datetime.now(UTC)

    def sleep(self, seconds: float) -> None:
        time.sleep(seconds)  # Everything else waits through a Clock.

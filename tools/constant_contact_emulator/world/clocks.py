"""Clocks for the emulated world: callables that return an aware UTC `datetime`."""

import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

type Clock = Callable[[], datetime]


def system_clock() -> datetime:
    return datetime.now(UTC)


class ManualClock:
    """A clock that moves only when `advance` or `set` is called."""

    def __init__(self, now: datetime) -> None:
        self._now = now.astimezone(UTC)

    def __call__(self) -> datetime:
        return self._now

    def advance(self, by: timedelta) -> None:
        self._now += by

    def set(self, now: datetime) -> None:
        self._now = now.astimezone(UTC)


class FastClock:
    """A clock that runs `speed` times as fast as real time, from `start` (default: now)."""

    def __init__(self, speed: float, start: datetime | None = None) -> None:
        self._speed = speed
        self._start = (start or system_clock()).astimezone(UTC)
        self._started_seconds = time.monotonic()

    def __call__(self) -> datetime:
        elapsed_seconds = time.monotonic() - self._started_seconds
        return self._start + timedelta(seconds=elapsed_seconds * self._speed)

"""Simulated time in which many calls go on at once: `Interleaving`.

Each call runs in a thread of its own, of which one runs at a time; a sleep lets the call continue
that is due next. So what happens is the same in each run.
"""

import threading
from collections.abc import Callable
from datetime import datetime, timedelta
from heapq import heappop, heappush
from itertools import count

from tests.fakes import FakeClock


class Interleaving(FakeClock):
    """A clock whose sleeps let other calls run, and the loop that starts the calls."""

    def __init__(self, now: datetime) -> None:
        super().__init__(now)
        self._due: list[tuple[datetime, int, Callable[[], None]]] = []
        self._numbers = count()
        self._idle = threading.Semaphore(0)
        """Released when the call that runs sleeps or ends."""
        self._error: BaseException | None = None
        self.most_at_once = 0
        self._running = 0

    def at(self, instant: datetime, call: Callable[[], None]) -> None:
        """Start a call at an instant."""
        self._add(instant, lambda: self._start(call))

    def sleep(self, seconds: float) -> None:
        woken = threading.Semaphore(0)
        self._add(self.instant + timedelta(seconds=seconds), woken.release)
        self._idle.release()
        woken.acquire()

    def run(self) -> None:
        """Run all calls, those that calls start included, until none is left."""
        while self._due:
            self.instant, _, proceed = heappop(self._due)
            proceed()
            self._idle.acquire()
            if self._error:
                raise self._error

    def _add(self, instant: datetime, proceed: Callable[[], None]) -> None:
        heappush(self._due, (instant, next(self._numbers), proceed))

    def _start(self, call: Callable[[], None]) -> None:
        self._running += 1
        self.most_at_once = max(self.most_at_once, self._running)

        def work() -> None:
            try:
                call()
            except BaseException as error:  # noqa: BLE001 - raised again by `run`
                self._error = error
            finally:
                self._running -= 1
                self._idle.release()

        threading.Thread(target=work, daemon=True).start()

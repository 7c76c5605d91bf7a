"""An invocation of the function that stops before each call of a port until it may continue.

Two or three invocations can so be interleaved at every call, and each call can have a fate.
"""

import threading
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any


class Fate(StrEnum):
    """What happens to a call."""

    SUCCEEDS = "succeeds"
    KILLED_BEFORE = "killed before"
    """The process ends before the call."""
    KILLED_AFTER = "killed after"
    """The call succeeds, then the process ends."""
    FAILS = "fails"
    """The call is refused: a table is throttled, the topic is down, the connection fails."""
    PARTLY = "partly"
    """Part of the call succeeds, then it fails; a call without parts has no effect."""
    REPLY_LOST = "reply lost"
    """The call succeeds, but its reply is lost."""


@dataclass(frozen=True, slots=True)
class Message:
    """A wake-up in the queue."""

    account_id: str
    token: str
    due_at: datetime


class Killed(BaseException):
    """The process has ended: none of its code runs any more, not even a `finally`."""


class Invocation:
    """One run of `work` in a thread of its own; only one such thread runs at a time."""

    def __init__(
        self,
        work: Callable[["Invocation"], Any],
        deadline: datetime,
        *,
        times_out: bool,
        first_request: int = 0,
    ) -> None:
        self.first_request = first_request
        """How many requests had been sent when it began."""
        self.deadline = deadline
        self.times_out = times_out
        self.overdue = False
        self.calls = 0
        self.ended = False
        self.error: BaseException | None = None
        self.result: Any = None
        self._fate = Fate.SUCCEEDS
        self._dead = False
        self._go, self._stopped = threading.Semaphore(0), threading.Semaphore(0)
        self._work = work
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()
        self._stopped.acquire()

    def step(self, fate: Fate = Fate.SUCCEEDS) -> None:
        """Make the next call, with a fate, and run up to the call after it or to the end."""
        if self.ended:
            return
        self._fate = fate
        self._go.release()
        self._stopped.acquire()

    def finish(self) -> None:
        while not self.ended:
            self.step()

    def kill(self) -> None:
        """End the process: none of its code runs any more."""
        while not self.ended:
            self.step(Fate.KILLED_BEFORE)

    def call[Reply](
        self,
        action: Callable[[], Reply],
        failure: Callable[[], Exception],
        part: Callable[[], object] = lambda: None,
    ) -> Reply:
        """Make a call according to its fate."""
        self._stop()
        if self._dead or self._fate is Fate.KILLED_BEFORE:
            self._die()
        self.calls += 1
        match self._fate:
            case Fate.FAILS:
                raise failure()
            case Fate.PARTLY:
                part()
                raise failure()
        reply = action()
        match self._fate:
            case Fate.KILLED_AFTER:
                self._die()
            case Fate.REPLY_LOST:
                raise failure()
        return reply

    def _stop(self) -> None:
        if not self._dead:
            self._stopped.release()
            self._go.acquire()

    def _die(self) -> None:
        self._dead = True
        raise Killed

    def _run(self) -> None:
        try:
            self._stop()
            self.result = self._work(self)
        except Killed as error:
            self.error = error
        except Exception as error:  # noqa: BLE001 - the simulation checks it
            self.error = error
        finally:
            self.ended = True
            self._stopped.release()

"""An invocation of the function that stops before each call of a port, until it is let go on.

So two or three of them can be interleaved at every call, and each call can be given its fate.
"""

import threading
from collections.abc import Callable
from datetime import datetime
from enum import StrEnum
from typing import Any


class Fate(StrEnum):
    """What becomes of a call."""

    WORKS = "works"
    KILLED_BEFORE = "killed before"
    """The process is gone before the call."""
    KILLED_AFTER = "killed after"
    """The call was worked, then the process is gone."""
    FAILS = "fails"
    """The call is refused: a throttled table, a topic that is down, a connection that fails."""
    PARTLY = "partly"
    """A part of the call is worked, then it fails; a call without parts is not worked at all."""
    ANSWER_LOST = "answer lost"
    """The call was worked, and its answer does not come."""


class Killed(BaseException):
    """The process is gone: nothing of it runs any more, no `finally` either."""


class Invocation:
    """One run of `work` in a thread of its own, of which one at a time is awake."""

    def __init__(
        self, work: Callable[["Invocation"], Any], deadline: datetime, *, mortal: bool
    ) -> None:
        self.deadline = deadline
        self.mortal = mortal
        self.overdue = False
        self.calls = 0
        self.ended = False
        self.error: BaseException | None = None
        self.result: Any = None
        self._fate = Fate.WORKS
        self._dead = False
        self._go, self._stopped = threading.Semaphore(0), threading.Semaphore(0)
        self._work = work
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()
        self._stopped.acquire()

    def step(self, fate: Fate = Fate.WORKS) -> None:
        """Let it make the call before which it stands, and come to the next one, or its end."""
        if self.ended:
            return
        self._fate = fate
        self._go.release()
        self._stopped.acquire()

    def finish(self) -> None:
        while not self.ended:
            self.step()

    def kill(self) -> None:
        """Let nothing of it run any more."""
        self.step(Fate.KILLED_BEFORE)

    def call[Answer](
        self,
        act: Callable[[], Answer],
        failure: Callable[[], Exception],
        part: Callable[[], object] = lambda: None,
    ) -> Answer:
        """Make a call as its fate is."""
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
        answer = act()
        match self._fate:
            case Fate.KILLED_AFTER:
                self._die()
            case Fate.ANSWER_LOST:
                raise failure()
        return answer

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
        except Exception as error:  # noqa: BLE001 - judged by the simulation
            self.error = error
        finally:
            self.ended = True
            self._stopped.release()

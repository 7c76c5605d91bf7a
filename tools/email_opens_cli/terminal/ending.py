"""Ctrl-C, a hang-up and SIGTERM as a request to end, so that nothing is left half done."""

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from types import FrameType
from typing import Self

from email_opens.errors import OutOfTime
from email_opens.ports import Clock

GRACE_SECONDS = 1.0
"""How long work in hand may continue after a signal; the program then ends within two seconds."""

_SIGNALS = [
    getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP") if hasattr(signal, name)
]


class Interrupted(OutOfTime):
    """A signal has cut a wait."""

    def __init__(self) -> None:
        super().__init__("Interrupted.")


class Ending:
    """Within it, the first signal sets `requested` and cuts a wait; a second ends the process.

    Implements `email_opens.adapters.waits.Waits`.
    """

    def __init__(self, grace_seconds: float = GRACE_SECONDS) -> None:
        self.requested = False
        self.exit_code = 0
        """128 and the number of the signal, as a shell reports it; 0: there was none."""
        self._grace_seconds = grace_seconds
        self._over = False
        """The grace after the signal is over."""
        self._cut_at_once = self._cut_after_grace = False
        """Whether there is a wait of this kind."""
        self._before = {number: signal.getsignal(number) for number in _SIGNALS}

    def __enter__(self) -> Self:
        for number in _SIGNALS:
            signal.signal(number, self._note)
        return self

    def __exit__(self, *_: object) -> None:
        signal.setitimer(signal.ITIMER_REAL, 0)
        self._restore()

    def check(self) -> None:
        if self.requested:
            raise Interrupted

    @contextmanager
    def for_news(self) -> Iterator[None]:
        outer, self._cut_at_once = self._cut_at_once, True
        try:
            self.check()
            yield
        finally:
            self._cut_at_once = outer

    @contextmanager
    def for_what_is_in_hand(self) -> Iterator[None]:
        outer, self._cut_after_grace = self._cut_after_grace, True
        try:
            if self._over:
                raise Interrupted
            yield
        finally:
            self._cut_after_grace = outer

    # What a handler raises is raised where the program waits.

    def _note(self, number: int, frame: FrameType | None) -> None:
        del frame
        self.requested, self.exit_code = True, 128 + number
        self._restore()
        signal.signal(signal.SIGALRM, self._end_grace)
        signal.setitimer(signal.ITIMER_REAL, self._grace_seconds)
        if self._cut_at_once:
            raise Interrupted

    def _end_grace(self, number: int, frame: FrameType | None) -> None:
        del number, frame
        self._over = True
        if self._cut_after_grace:
            raise Interrupted

    def _restore(self) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)


@dataclass(frozen=True, slots=True)
class InterruptibleClock:
    """A clock whose sleep a signal cuts."""

    clock: Clock
    ending: Ending

    def now(self) -> datetime:
        return self.clock.now()

    def sleep(self, seconds: float) -> None:
        with self.ending.for_news():
            self.clock.sleep(seconds)

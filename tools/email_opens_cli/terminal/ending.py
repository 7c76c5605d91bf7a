"""Ctrl-C, a hang-up and SIGTERM as a request to end, so that nothing is left half done."""

import _thread
import signal
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime
from threading import Timer
from types import FrameType
from typing import Protocol, Self

from msgspec import Struct

from email_opens.errors import OutOfTime
from email_opens.ports import Clock

GRACE_SECONDS = 1.0
"""How long work in hand may continue after a signal; the program then ends within two seconds."""

_SIGNALS = [
    getattr(signal, name)
    for name in ("SIGINT", "SIGTERM", "SIGHUP", "SIGBREAK")
    if hasattr(signal, name)
]


class Interrupted(OutOfTime):
    """A signal has cut a wait."""

    def __init__(self) -> None:
        super().__init__("Interrupted.")


type Handler = Callable[[int, FrameType | None], None]


class Alarm(Protocol):
    """Calls a handler in the main thread after a while."""

    def set(self, seconds: float, handler: Handler) -> None: ...

    def cancel(self) -> None: ...


class ThreadAlarm:
    """An alarm for Windows, whose timers send no signals.

    The handler runs as soon as the main thread is back in Python: after the request in hand.
    """

    def __init__(self) -> None:
        self._timer: Timer | None = None

    def set(self, seconds: float, handler: Handler) -> None:
        signal.signal(signal.SIGTERM, handler)
        self._timer = Timer(seconds, _thread.interrupt_main, (signal.SIGTERM,))
        self._timer.daemon = True
        self._timer.start()

    def cancel(self) -> None:
        if self._timer is not None:
            self._timer.cancel()


if sys.platform == "win32":
    SystemAlarm = ThreadAlarm
else:

    class SystemAlarm:
        """The timer of the process, which also ends a wait in the system."""

        def set(self, seconds: float, handler: Handler) -> None:
            signal.signal(signal.SIGALRM, handler)
            signal.setitimer(signal.ITIMER_REAL, seconds)

        def cancel(self) -> None:
            signal.setitimer(signal.ITIMER_REAL, 0)


class Ending:
    """Within it, the first signal sets `requested` and cuts a wait; a second ends the process.

    Implements `email_opens.adapters.waits.Waits`.
    """

    def __init__(self, grace_seconds: float = GRACE_SECONDS, alarm: Alarm | None = None) -> None:
        self.requested = False
        self.exit_code = 0
        """128 and the number of the signal, as a shell reports it; 0: there was none."""
        self._alarm = alarm or SystemAlarm()
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
        self._alarm.cancel()
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
        self._alarm.set(self._grace_seconds, self._end_grace)
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


class InterruptibleClock(Struct, frozen=True):
    """A clock whose sleep a signal cuts."""

    clock: Clock
    ending: Ending

    def now(self) -> datetime:
        return self.clock.now()

    def sleep(self, seconds: float) -> None:
        with self.ending.for_news():
            self.clock.sleep(seconds)

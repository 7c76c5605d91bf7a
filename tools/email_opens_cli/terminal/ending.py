"""Ctrl-C, a hang-up and SIGTERM as a wish to end, so that nothing is left half-done."""

import signal
from types import FrameType
from typing import Self

_SIGNALS = [
    getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP") if hasattr(signal, name)
]


class Ending:
    """Within it the first signal is only noted; a second one ends at once, as ever."""

    def __init__(self) -> None:
        self.wished = False
        self._before = {one: signal.getsignal(one) for one in _SIGNALS}

    def __enter__(self) -> Self:
        for one in _SIGNALS:
            signal.signal(one, self._note)
        return self

    def __exit__(self, *_: object) -> None:
        self._restore()

    def _note(self, number: int, frame: FrameType | None) -> None:
        del number, frame
        self.wished = True
        self._restore()

    def _restore(self) -> None:
        for one, handler in self._before.items():
            signal.signal(one, handler)

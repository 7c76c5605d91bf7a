"""How much work a parser does, counted and not timed.

Counted are the lines of Python that run, in the standard library too; what C does within a call
is not, so what is handed to C is looked at by `calls`.
"""

import gc
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from threading import get_ident
from types import CodeType
from typing import Any

_TOOL = 4
"""An id that neither coverage, profilers, debuggers nor Hypothesis take."""
_EVENTS = sys.monitoring.events


@contextmanager
def _watching(event: int, note: Callable[..., Any]) -> Iterator[None]:
    gc.disable()  # Hypothesis listens to it, and its lines would be counted.
    sys.monitoring.use_tool_id(_TOOL, __name__)
    sys.monitoring.register_callback(_TOOL, event, note)
    sys.monitoring.set_events(_TOOL, event)
    try:
        yield
    finally:
        sys.monitoring.set_events(_TOOL, _EVENTS.NO_EVENTS)
        sys.monitoring.register_callback(_TOOL, event, None)
        sys.monitoring.free_tool_id(_TOOL)
        gc.enable()


def lines(work: Callable[[], object]) -> int:
    """Return how many lines some work runs."""
    run, here = 0, get_ident()

    def note(_code: CodeType, _line: int) -> None:
        nonlocal run
        run += get_ident() == here  # Servers of other tests may be at work in other threads.

    with _watching(_EVENTS.LINE, note):
        work()
    return run


def calls(work: Callable[[], object]) -> list[tuple[object, object]]:
    """Return what some work calls, each with its first argument."""
    made: list[tuple[object, object]] = []
    here = get_ident()

    def note(_code: CodeType, _offset: int, called: object, first: object) -> None:
        if get_ident() == here:
            made.append((called, first))

    with _watching(_EVENTS.CALL, note):
        work()
    return made


def growth(work: Callable[[Any], object], smaller: Any, larger: Any) -> float:
    """Return by how much the work grows from one input to another.

    It is done once before, so that what is made at first use is not counted.
    """
    work(smaller)
    return lines(lambda: work(larger)) / lines(lambda: work(smaller))

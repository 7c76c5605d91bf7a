"""The work that a parser does, as a count of lines rather than a time.

The count includes the Python lines of the standard library. Work that C does within one call is
not counted; `calls` shows what is passed to C.
"""

import gc
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from threading import get_ident
from types import CodeType
from typing import Any

_TOOL = 4
"""An id that coverage, profilers, debuggers and Hypothesis leave free."""
_EVENTS = sys.monitoring.events


@contextmanager
def _monitored(event: int, note: Callable[..., Any]) -> Iterator[None]:
    gc.disable()  # Hypothesis hooks into it, and its lines would be counted.
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
    """Return how many lines of Python some work runs."""
    run, here = 0, get_ident()

    def note(_code: CodeType, _line: int) -> None:
        nonlocal run
        run += get_ident() == here  # Other threads may run the servers of other tests.

    with _monitored(_EVENTS.LINE, note):
        work()
    return run


def calls(work: Callable[[], object]) -> list[tuple[object, object]]:
    """Return the calls that some work makes, each with its first argument."""
    made: list[tuple[object, object]] = []
    here = get_ident()

    def note(_code: CodeType, _offset: int, function: object, first: object) -> None:
        if get_ident() == here:
            made.append((function, first))

    with _monitored(_EVENTS.CALL, note):
        work()
    return made


def growth(work: Callable[[Any], object], smaller: Any, larger: Any) -> float:
    """Return the factor by which the work grows from one input to another.

    The work runs once beforehand on both, so that anything made at first use is not counted.
    """
    work(larger)
    work(smaller)
    return lines(lambda: work(larger)) / lines(lambda: work(smaller))

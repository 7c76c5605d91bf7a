"""What the running command was given, for the places that no argument reaches.

A message names commands that work when they are pasted, so it needs the stack and the account; and
all parts of a command share one session of AWS.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

from msgspec import Struct, field


class Invocation(Struct):
    """One run of a command."""

    stack: str | None = None
    region: str | None = None
    """The region of that stack, if a file of the folder names it."""
    account_id: str | None = None
    shared: dict[object, Any] = field(default_factory=dict)
    """What its parts share, by a name."""


_current: ContextVar[Invocation | None] = ContextVar("invocation", default=None)


@contextmanager
def begun() -> Iterator[Invocation]:
    """Begin an invocation, the current one until the end of the `with` block."""
    invocation = Invocation()
    token = _current.set(invocation)
    try:
        yield invocation
    finally:
        _current.reset(token)


def current() -> Invocation:
    """Return the current invocation; outside a command, a new one."""
    return _current.get() or Invocation()

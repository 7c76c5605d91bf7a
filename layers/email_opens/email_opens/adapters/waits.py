"""Waits that a program may cut short when a signal asks it to end.

Adapters mark the waits that may be cut; publishing, recording and storing are never cut. A function
receives no signals, so there nothing cuts a wait.
"""

from contextlib import AbstractContextManager, nullcontext
from typing import Protocol


class Waits(Protocol):
    """The ways to wait; each raises `OutOfTime` when a signal cuts the wait."""

    def check(self) -> None:
        """Make sure that nothing new begins after a signal."""

    def for_news(self) -> AbstractContextManager[None]:
        """Wait for something that can be requested again: a signal cuts the wait at once."""

    def for_what_is_in_hand(self) -> AbstractContextManager[None]:
        """Wait for the end of work that is not to be repeated: a signal cuts it a moment later."""


class UncutWaits:
    """Implements `Waits` for a program that handles no signals."""

    def check(self) -> None:
        return

    def for_news(self) -> AbstractContextManager[None]:
        return nullcontext()

    def for_what_is_in_hand(self) -> AbstractContextManager[None]:
        return nullcontext()


UNCUT = UncutWaits()

"""Waits that a program may cut short when a signal asks it to end.

An adapter marks its waits, and these only: what is being published, recorded or stored is never
cut. In a function, which no signal reaches, nothing cuts them.
"""

from contextlib import AbstractContextManager, nullcontext
from typing import Protocol


class Waits(Protocol):
    """The ways to wait; each raises `OutOfTime` when a signal cuts the wait."""

    def check(self) -> None:
        """Begin nothing after a signal."""

    def for_news(self) -> AbstractContextManager[None]:
        """Wait for what is lost without harm: a signal cuts it at once."""

    def for_what_is_in_hand(self) -> AbstractContextManager[None]:
        """Wait for what would have to be repeated: a signal cuts it after a moment."""


class UncutWaits:
    """Implements `Waits` for a program that handles no signals."""

    def check(self) -> None:
        return

    def for_news(self) -> AbstractContextManager[None]:
        return nullcontext()

    def for_what_is_in_hand(self) -> AbstractContextManager[None]:
        return nullcontext()


UNCUT = UncutWaits()

"""The requests of a day: reserved in blocks before they are spent, so that none is spent twice."""

from collections.abc import Callable

from email_opens.errors import OutOfTime

BLOCK = 60
"""What an invocation that is killed wastes at most."""


def _refuse(_: int) -> bool:
    return False


class Budget:
    """What an invocation may spend: what it has reserved, and what it can still reserve.

    `reserve` counts so many more requests of the day as spent, and says whether it did.
    """

    def __init__(
        self, reserved: int, beyond: int = 0, reserve: Callable[[int], bool] = _refuse
    ) -> None:
        self._reserved = reserved
        self._beyond = max(0, beyond)
        self._reserve = reserve
        self.spent = 0

    @property
    def unused(self) -> int:
        """How many are reserved and not spent."""
        return self._reserved - self.spent

    @property
    def left(self) -> int:
        """How many may be spent yet, those that are not reserved included."""
        return self.unused + self._beyond

    def ready(self) -> None:
        """See that one request can be taken.

        Raises:
            OutOfTime: the day has none left.
        """
        if self.unused:
            return
        block = min(BLOCK, self._beyond)
        if not block:
            raise OutOfTime("No request of the day's budget is left; polls go on at 00:00 UTC.")
        if not self._reserve(block):
            self._beyond = 0
            raise OutOfTime("The day's requests are counted by another invocation by now.")
        self._reserved += block
        self._beyond -= block

    def take(self) -> None:
        """Spend one request.

        Raises:
            OutOfTime: the day has none left.
        """
        self.ready()
        self.spent += 1

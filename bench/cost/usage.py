"""Counted units by service line, and the time that passes while they are used."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from threading import Lock

from bench.cost.prices import PRICES
from tests.fakes import FakeClock

type Units = Mapping[str, float]
"""Units by service line, as `prices` names them."""


def added(*parts: Units) -> dict[str, float]:
    """Return the sum of units."""
    return {line: sum(part.get(line, 0.0) for part in parts) for line in PRICES}


def scaled(units: Units, factor: float) -> dict[str, float]:
    return {line: number * factor for line, number in units.items()}


def cost(units: Units) -> float:
    """Return what units cost, in USD."""
    return sum(PRICES[line].cost(number) for line, number in units.items())


@dataclass(slots=True)
class Meter:
    """Counts units and calls, and lets the time of a call pass; threads may share it."""

    clock: FakeClock
    units: dict[str, float] = field(default_factory=lambda: dict.fromkeys(PRICES, 0.0))
    calls: Counter[str] = field(default_factory=Counter)
    """By operation, such as `PutItem`."""
    _lock: Lock = field(default_factory=Lock)

    def use(self, units: Units, operation: str | None = None, seconds: float = 0.0) -> None:
        """Count units, and the call that uses them, which takes so many seconds."""
        with self._lock:
            for line, number in units.items():
                self.units[line] += number
            if operation:
                self.calls[operation] += 1
            if seconds:
                self.clock.sleep(seconds)

    def reset(self) -> None:
        """Forget what was counted."""
        self.units.update(dict.fromkeys(PRICES, 0.0))
        self.calls.clear()

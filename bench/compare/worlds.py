"""The worlds of the comparison: when rows appear, and which faults happen to the polls."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum, auto
from random import Random
from typing import NamedTuple

from constant_contact_emulator import Ties

POLLED_AT_SECOND = 30
"""The second within a minute at which polls run: some of the minute's opens come later."""
BACKLOG_ROWS = 4500
"""More than the 200 pages that a poll has time for."""


class Fault(StrEnum):
    """What happens to the next poll that gets to this point."""

    KILLED_READING = auto()
    """While reading its second page."""
    KILLED_BEFORE_PUBLISHING = auto()
    KILLED_AFTER_PUBLISHING = auto()
    HALF_PUBLISHED = auto()
    """The topic fails after half of the opens."""


class Arrival(NamedTuple):
    """A row: when it appears, and its `created_time`, both in seconds from the start."""

    visible: float
    created: float
    contact: str


type Arrivals = Callable[[Random, int], Iterator[Arrival]]
"""From a random generator and the duration of the world in minutes."""


@dataclass(frozen=True, slots=True)
class World:
    arrivals: Arrivals
    ties: Ties = Ties.NEWEST_FIRST
    faults: Sequence[Fault] = ()
    """One at each tenth minute, while a burst is read."""


def arrival(chance: Random, visible: float, late_minutes: float = 0) -> Arrival:
    return Arrival(visible, visible - late_minutes * 60, f"{chance.getrandbits(64):016x}")


def calm(chance: Random, minutes: int) -> Iterator[Arrival]:
    for minute in range(minutes):
        for _ in range(chance.randint(0, 4)):
            yield arrival(chance, (minute + chance.random()) * 60)


def bursts(chance: Random, minutes: int) -> Iterator[Arrival]:
    """More than one page arrives between two polls, at each tenth minute."""
    yield from calm(chance, minutes)
    for minute in range(10, minutes, 10):
        for _ in range(chance.randint(30, 150)):
            yield arrival(chance, (minute - 0.5 + chance.random()) * 60)


def late_rows(chance: Random, minutes: int) -> Iterator[Arrival]:
    """About every fifth row is late, by minutes to an hour."""
    for row in calm(chance, minutes):
        late = chance.random() < 0.2
        yield arrival(chance, row.visible, chance.uniform(2, 58)) if late else row


def twins(chance: Random, minutes: int) -> Iterator[Arrival]:
    """A contact opens two or three times within a minute, on one device."""
    yield from calm(chance, minutes)
    for minute in range(0, minutes, 5):
        first = arrival(chance, minute * 60 + 1)
        for _ in range(chance.randint(2, 3)):
            yield first._replace(visible=minute * 60 + chance.uniform(1, 59))


def drift(chance: Random, minutes: int) -> Iterator[Arrival]:
    """Rows arrive while the pages of a burst are read."""
    yield from bursts(chance, minutes)
    for minute in range(10, minutes, 10):
        for _ in range(chance.randint(2, 8)):
            yield arrival(chance, minute * 60 + POLLED_AT_SECOND + chance.random())


def backlog(chance: Random, minutes: int) -> Iterator[Arrival]:
    """Ten days of rows exist before the first poll, and more opens arrive."""
    yield from calm(chance, minutes)
    for _ in range(BACKLOG_ROWS):
        yield arrival(chance, -chance.uniform(0, 10 * 24 * 3600))


WORLDS: Mapping[str, World] = {
    "calm": World(calm),
    "bursts": World(bursts),
    "late rows": World(late_rows),
    "twins": World(twins),
    "drift": World(drift, Ties.SHUFFLED),
    "backlog": World(backlog),
    "crashes": World(bursts, faults=tuple(Fault) * 4),
}

"""Worlds in which clients of a newest-first feed lose and repeat opens, as steps to play."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import count

from bench.peers.counting import OpenKey

PAGE = 500


@dataclass(frozen=True, slots=True)
class Row:
    contact: int
    minutes_ago: int
    """The age of its `created_time` when the world begins."""

    def key(self, begins: datetime) -> OpenKey:
        created = begins - timedelta(minutes=self.minutes_ago)
        contact_id = f"{self.contact:08x}-0000-4000-8000-{self.contact:012x}"
        return OpenKey(contact_id, created, ("mobile", "computer")[self.contact % 2])


@dataclass(frozen=True, slots=True)
class Appear:
    rows: Sequence[Row]


@dataclass(frozen=True, slots=True)
class Poll:
    meanwhile: Mapping[int, Sequence[Row]] = field(default_factory=dict)
    """The rows that appear before its nth request for a page."""


@dataclass(frozen=True, slots=True)
class PollKilledReading:
    nth: int
    """The request for a page at which it is killed."""


@dataclass(frozen=True, slots=True)
class PollKilledWriting:
    """A poll that is killed in the midst of its output, unless it ends before."""

    lines: int
    """The lines after which it is killed."""


@dataclass(frozen=True, slots=True)
class Wait:
    minutes: int


type Step = Appear | Poll | PollKilledReading | PollKilledWriting | Wait


@dataclass(frozen=True, slots=True)
class World:
    steps: Sequence[Step]
    ties: str = "newest_first"
    begins_with_a_minute: bool = False

    def rows(self) -> Iterator[Row]:
        """Yield all rows that appear."""
        for step in self.steps:
            match step:
                case Appear(rows):
                    yield from rows
                case Poll(meanwhile):
                    for rows in meanwhile.values():
                        yield from rows
                case _:
                    pass


def worlds(*, waiting: bool) -> dict[str, World]:
    """Return the worlds by name; `waiting`: also that in which a quarter of an hour passes."""
    found = {
        "ties": ties(),
        "ties over a page": ties_over_a_page(),
        "late": late(),
        "drift": drift(),
        "twins": twins(),
        "burst": burst(),
        "killed reading": killed(PollKilledReading(5), PollKilledReading(3)),
        "killed writing": killed(PollKilledWriting(1_500), PollKilledWriting(650)),
        "idle": idle(),
    }
    return found | ({"late, below the first page": late_below_a_page()} if waiting else {})


def steadily(contacts: Iterator[int], rows: int, minutes: int, newest: int = 0) -> list[Row]:
    """Return rows spread evenly over minutes, the oldest first."""
    ages = (newest + minutes - 1 - place * minutes // rows for place in range(rows))
    return [Row(next(contacts), age) for age in ages]


def ties() -> World:
    """Rows of one minute appear between polls, above and below those that were read."""
    contacts = count()
    steps: list[Step] = [Appear(steadily(contacts, 40, 20, newest=1))]
    for _ in range(5):
        steps += [Appear(steadily(contacts, 4, 1)), Poll()]
    return World([*steps, Poll()], ties="shuffled")


def ties_over_a_page() -> World:
    """A minute has more rows than a page; some appear below those that were read."""
    contacts = count()
    steps: list[Step] = [Appear(steadily(contacts, PAGE + 20, 1)), Poll()]
    steps += [Appear(steadily(contacts, 30, 1)), Poll(), Wait(minutes=1), Poll(), Poll()]
    return World(steps, ties="oldest_first", begins_with_a_minute=True)


def late() -> World:
    """Rows appear 5 to 50 minutes late, within the first page."""
    contacts = count()
    steps: list[Step] = [Appear(steadily(contacts, 300, 100)), Poll()]
    for _ in range(3):
        steps += [Appear(steadily(contacts, 4, 45, newest=5)), Poll()]
    return World([*steps, Poll()])


def late_below_a_page() -> World:
    """Rows appear late, where only a deeper read finds them, and a quarter of an hour passes."""
    contacts = count()
    steps: list[Step] = [Appear(steadily(contacts, 3 * PAGE, 60)), Poll()]
    steps += [Appear(steadily(contacts, 12, 30, newest=28)), Poll(), Wait(minutes=16)]
    return World([*steps, Poll(), Poll()])


def drift() -> World:
    """Rows appear, and move the others to later pages, while a first read and a burst are read."""
    contacts = count()
    first, burst = steadily(contacts, 5 * PAGE, 600, newest=30), steadily(contacts, 1_200, 20, 5)
    while_first = {nth: steadily(contacts, 7, 1, newest=29) for nth in (2, 4)}
    while_burst = {nth: steadily(contacts, 5, 1, newest=4) for nth in (2, 3)}
    return World([Appear(first), Poll(while_first), Appear(burst), Poll(while_burst), Poll()])


def twins() -> World:
    """A contact opens two or three times within a minute, on one device."""
    contacts = count()
    steps: list[Step] = [Appear(steadily(contacts, 60, 30, newest=1)), Poll()]
    for number in range(4):
        row = Row(next(contacts), 0)
        steps += [Appear([row] * 2), Poll()]
        if number % 2:  # The third appears after the first two were read.
            steps += [Appear([row]), Poll()]
    return World([*steps, Poll()])


def burst() -> World:
    """More than two pages appear between two polls."""
    contacts = count()
    first, more = steadily(contacts, 200, 60, newest=30), steadily(contacts, 1_300, 26, newest=2)
    return World([Appear(first), Poll(), Appear(more), Poll(), Poll()])


def killed(in_first_read: Step, in_burst: Step) -> World:
    """A client is killed in a first read, and again in a burst."""
    contacts = count()
    first, burst = steadily(contacts, 6 * PAGE, 600, newest=30), steadily(contacts, 1_300, 26, 2)
    steps = [Appear(first), in_first_read, Poll(), Appear(burst), in_burst, Poll(), Poll()]
    return World(steps)


def idle() -> World:
    """Nothing appears after the first read."""
    return World([Appear(steadily(count(), 700, 60)), *[Poll()] * 4])

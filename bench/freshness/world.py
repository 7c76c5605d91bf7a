"""Sends and the instants of their opens, drawn from a seed.

Every instant is in seconds from the start of the world, a Monday at 00:00 UTC.
"""

import math
from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from random import Random

from email_opens.scheduling.rates import POWER, SCALE_SECONDS, exposure

HOUR = 3600.0
DAY = 24 * HOUR
WEEK = 7 * DAY
LIVE_SECONDS = 4 * WEEK
"""How long a send is tracked, so the sends of four weeks are live at any time."""
BACKLOG_LASTS = 2 * WEEK
"""The age of a backlog's send at the start of the measured days."""
OPENS_A_SEND = 1400.0
"""The mean; 100 live sends get about 5,000 opens a day."""
SIGMA = 1.2
"""Of the logarithm of a list's size; one list in a hundred is eight times the mean."""
BURST_AT = DAY + 10 * HOUR
"""Tuesday at 10:00; a burst lasts ten minutes from then."""
BURST_SECONDS = 600.0


@dataclass(slots=True, kw_only=True)
class Send:
    """An activity: when it was sent, its true rate, and when each open becomes visible."""

    number: int
    sent: float
    opens_a_second: float
    """At the instant of the send; from then on it falls as in `rates.fall`."""
    opens: list[float]
    """Ascending."""
    tracked: float | None = None
    """The start of tracking; None: since the send."""

    @property
    def tracked_at(self) -> float:
        return self.sent if self.tracked is None else self.tracked

    @property
    def ends(self) -> float:
        return self.sent + LIVE_SECONDS

    def opened(self, until: float) -> int:
        """Return how many opens are visible at an instant."""
        return bisect_right(self.opens, until)


@dataclass(frozen=True, slots=True, kw_only=True)
class World:
    """Sends in order, and the period that is measured."""

    sends: list[Send]
    begins: float
    """A midnight since which about the requested number of sends is live."""
    ends: float

    @property
    def days(self) -> int:
        return round((self.ends - self.begins) / DAY)


def draw_world(seed: int, activities: int, days: int, *, burst: bool = False) -> World:
    """Draw a number of sends for every four weeks; measure days after the first five weeks.

    In a burst world, all sends of a week are sent on Tuesday at 10:00.
    """
    chance = Random(seed)
    begins = LIVE_SECONDS + WEEK
    ends = begins + days * DAY
    until = math.ceil(ends / WEEK) * WEEK if burst else ends
    instants = [chance.uniform(0, until) for _ in range(round(activities * until / LIVE_SECONDS))]
    if burst:
        instants = [
            instant // WEEK * WEEK + BURST_AT + chance.uniform(0, BURST_SECONDS)
            for instant in instants
        ]
    sends = [_send(chance, number, sent) for number, sent in enumerate(sorted(instants))]
    return World(sends=sends, begins=begins, ends=ends)


def with_backlog(world: World, ages: Sequence[float]) -> World:
    """Start to track a huge send of two weeks earlier, an hour into the measured days.

    `ages` are the ages of its opens, which are all older than the measured days, so that only the
    delays of the other sends count.
    """
    sent = world.begins - BACKLOG_LASTS
    backlog = Send(
        number=len(world.sends),
        sent=sent,
        opens_a_second=0.0,
        opens=[sent + age for age in ages],
        tracked=world.begins + HOUR,
    )
    sends = sorted([*world.sends, backlog], key=lambda send: send.tracked_at)
    return World(sends=sends, begins=world.begins, ends=world.ends)


def fallen(rows: int) -> list[float]:
    """Return ages of a backlog's opens at a falling rate: the newest are far apart."""
    return [_age(number / rows, BACKLOG_LASTS) for number in range(rows)]


def dense(rows: int) -> list[float]:
    """Return ages of a backlog's opens, evenly spaced over a week: sweeps read many pages."""
    return [WEEK * number / rows for number in range(rows)]


def with_resend(world: World, chance: Random) -> World:
    """Send the largest send of the week before once more, without notice.

    From 10:00 on the first measured day, it gets hundreds of times the opens that are expected of
    a send of its age.
    """
    recent = [send for send in world.sends if 0 < world.begins - send.sent < WEEK]
    largest = max(recent, key=lambda send: send.opens_a_second)
    size = largest.opens_a_second * exposure(0, LIVE_SECONDS)
    more = draw_opens(chance, world.begins + 10 * HOUR, size)
    largest.opens = sorted(largest.opens + [opened for opened in more if opened < largest.ends])
    return world


def _send(chance: Random, number: int, sent: float) -> Send:
    size = chance.lognormvariate(math.log(OPENS_A_SEND) - SIGMA**2 / 2, SIGMA)
    return Send(
        number=number,
        sent=sent,
        opens_a_second=size / exposure(0, LIVE_SECONDS),
        opens=draw_opens(chance, sent, size),
    )


def draw_opens(chance: Random, sent: float, size: float) -> list[float]:
    """Draw the instants of a random number of opens, about `size`, within four weeks of a send."""
    number = max(0, round(chance.gauss(size, math.sqrt(size))))
    return sorted(sent + _age(chance.random(), LIVE_SECONDS) for _ in range(number))


def _age(share: float, lasts: float) -> float:
    """Return the age by which a share of a send's opens has arrived, if all arrive by `lasts`."""
    power = POWER - 1
    spread = 1 - (1 + lasts / SCALE_SECONDS) ** -power
    aged: float = SCALE_SECONDS * ((1 - share * spread) ** (-1 / power) - 1)
    return aged

"""Sends and the instants of their opens, drawn from a seed.

Every instant is in seconds from the world's beginning, a Monday at 00:00 UTC.
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
"""How long a send is tracked: so many days of sends are live at any time."""
BACKLOG_LASTS = 2 * WEEK
"""How long before the measured days a backlog was sent."""
OPENS_A_SEND = 1400.0
"""The mean: 100 live sends get some 5,000 opens a day."""
SIGMA = 1.2
"""Of the logarithm of a list's size: one in a hundred is eight times as long as the mean."""
BURST_AT = DAY + 10 * HOUR
"""Tuesday, 10:00, and the ten minutes from then on."""
BURST_SECONDS = 600.0


@dataclass(slots=True, kw_only=True)
class Send:
    """An activity: when it was sent, its true rate, and when each open becomes visible."""

    number: int
    sent: float
    opens_a_second: float
    """At the instant of the send; from there it falls as `rates.fall` has it."""
    opens: list[float]
    """Ascending."""
    tracked: float | None = None
    """From when on it is tracked; None: from the send on."""

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
    """Sends in their order, and the stretch of time that is measured."""

    sends: list[Send]
    begins: float
    """A midnight from which on about as many sends are live as were asked for."""
    ends: float

    @property
    def days(self) -> int:
        return round((self.ends - self.begins) / DAY)


def world(seed: int, activities: int, days: int, *, burst: bool = False) -> World:
    """Send so many activities in four weeks, again and again; measure days after the first four.

    In a burst world all sends of a week go out on Tuesday at 10:00.
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
    """Begin, an hour into the measured days, to track a huge send of two weeks before.

    `ages` are those of its opens, all of them older than the measured days, so that those of
    the others can be compared.
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
    """Return ages of a backlog's opens that fall as after a send: the newest are far apart."""
    return [_age(number / rows, BACKLOG_LASTS) for number in range(rows)]


def dense(rows: int) -> list[float]:
    """Return ages of a backlog's opens evenly spaced over a week: sweeps find many pages."""
    return [WEEK * number / rows for number in range(rows)]


def with_resend(world: World, chance: Random) -> World:
    """Send the largest of the week before once more, and tell nobody.

    At ten in the morning of the first measured day its opens are hundreds of times what a send
    of its age may expect.
    """
    recent = [send for send in world.sends if 0 < world.begins - send.sent < WEEK]
    largest = max(recent, key=lambda send: send.opens_a_second)
    size = largest.opens_a_second * exposure(0, LIVE_SECONDS)
    more = draw_opens(chance, world.begins + 10 * HOUR, size)
    largest.opens = sorted(largest.opens + [one for one in more if one < largest.ends])
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
    """Draw the instants of a Poisson number of opens, some `size`, within four weeks of a send."""
    number = max(0, round(chance.gauss(size, math.sqrt(size))))
    return sorted(sent + _age(chance.random(), LIVE_SECONDS) for _ in range(number))


def _age(share: float, lasts: float) -> float:
    """Return the age by which a share of the opens of a send has come, if all come by an age."""
    power = POWER - 1
    spread = 1 - (1 + lasts / SCALE_SECONDS) ** -power
    aged: float = SCALE_SECONDS * ((1 - share * spread) ** (-1 / power) - 1)
    return aged

"""Worlds that no rule was tuned for: quiet nights, a small shop, an agency, re-opens, scanners.

Every instant is in seconds from the start of the world, a Monday at 00:00 UTC.
"""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from random import Random

from bench.freshness.world import DAY, HOUR, LIVE_SECONDS, WEEK, Send, World
from email_opens.scheduling.rates import exposure, fall

WARM_UP = 4 * DAY
"""Simulated before the measured days, so that the hours of the day are learned."""
MEASURED_DAYS = 3
BEGINS = LIVE_SECONDS + WEEK + 3 * DAY
"""A Thursday; the measured days end on a Saturday, so they have busy and calm ones."""
SETTLED = 2 * DAY
"""From this age on, opens are drawn for ten minutes at once, before it for one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sent:
    """A send, with its true rate."""

    at: float
    size: float
    """Opens to be expected in four weeks, of the send alone."""
    nightly: bool = True
    """Whether it is opened less at night."""
    again: tuple[tuple[float, float, float], ...] = ()
    """Re-opens: when, how many opens, and the seconds in which they fade; infinite: a send."""
    scanned: bool = False
    """All opens come within the first minute."""

    def rate(self, at: float) -> float:
        """Return the opens of a second at an instant."""
        if not self.at <= at < self.at + LIVE_SECONDS:
            return 0.0
        if self.scanned:
            return self.size / 60 if at < self.at + 60 else 0.0
        whole = exposure(0, LIVE_SECONDS)
        rate = self.size / whole * fall(at - self.at)
        for began, size, fades in self.again:
            if at >= began and fades == math.inf:
                rate += size / whole * fall(at - began)
            elif at >= began:
                rate += size / fades * math.exp((began - at) / fades)
        return rate * (night(at) if self.nightly else 1.0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Unseen:
    """A world with the true rates of its sends."""

    world: World
    sent: list[Sent]


def night(at: float) -> float:
    """Return the share of a day's mean rate: little at 03:00, most at 15:00."""
    return 0.08 + 0.92 * (1 - math.cos(2 * math.pi * (at - 3 * HOUR) / DAY))


def newsletter(chance: Random, ends: float) -> list[Sent]:
    """A list of 50,000 with 15,000 opens of each send, on Tuesdays and Fridays at 09:00."""
    mornings = (day * DAY + 9 * HOUR for day in range(int(ends / DAY)) if day % 7 in (1, 4))
    return [Sent(at=morning + chance.uniform(0, 600), size=15_000) for morning in mornings]


def agency(chance: Random, ends: float) -> list[Sent]:
    """60 live sends of 10 to 10,000 opens."""
    return _drawn(chance, ends, live=60, least=10, most=10_000)


def shop(_: Random, ends: float) -> list[Sent]:
    """A list of 800, with a send on each Thursday at 10:00."""
    mornings = (week * WEEK + 3 * DAY + 10 * HOUR for week in range(math.ceil(ends / WEEK)))
    return [Sent(at=morning, size=240) for morning in mornings if morning < ends]


def reopened(chance: Random, ends: float) -> list[Sent]:
    """20 live sends; each day one is sent again without notice, and another one goes viral."""
    sent = _drawn(chance, ends, live=20, least=100, most=3_000)
    for day in range(MEASURED_DAYS):
        at = BEGINS + day * DAY + 10 * HOUR
        old = [number for number, one in enumerate(sent) if at - 20 * DAY < one.at < at - 3 * DAY]
        for re_open in ((at, 3_000.0, math.inf), (at + 5 * HOUR, 2_000.0, 2 * HOUR)):
            number = chance.choice(old)
            one = sent[number]
            sent[number] = Sent(at=one.at, size=one.size, again=(*one.again, re_open))
    return sent


def scanners(chance: Random, ends: float) -> list[Sent]:
    """Eight sends a day, each with 2,000 opens in its first minute and then none."""
    first = int((BEGINS - WARM_UP) / DAY)
    return [
        Sent(
            at=day * DAY + (8 + 1.2 * number) * HOUR + chance.uniform(0, 600),
            size=2_000,
            scanned=True,
        )
        for day in range(first, int(ends / DAY))
        for number in range(8)
    ]


def many(chance: Random, ends: float) -> list[Sent]:
    """2,000 old sends with few opens each, and one of 5,000 opens each morning."""
    old = [
        Sent(at=chance.uniform(0, ends - WEEK), size=10 ** chance.uniform(0.5, 2))
        for _ in range(2_000)
    ]
    first = int((BEGINS - 2 * DAY) / DAY)
    mornings = range(first, int(ends / DAY))
    return [*old, *(Sent(at=day * DAY + 9 * HOUR, size=5_000) for day in mornings)]


KINDS: Mapping[str, Callable[[Random, float], list[Sent]]] = {
    "newsletter to 50,000": newsletter,
    "agency of 60": agency,
    "shop with 800 contacts": shop,
    "sent again, and viral": reopened,
    "scanners": scanners,
    "2,000 tracked": many,
}


def draw(kind: str, seed: int) -> Unseen:
    """Draw a world of a kind, with all opens of the sends that are live when the warm-up begins."""
    chance = Random(seed)
    begins, ends = BEGINS - WARM_UP, BEGINS + MEASURED_DAYS * DAY
    sent = [one for one in KINDS[kind](chance, ends) if one.at + LIVE_SECONDS > begins]
    sent.sort(key=lambda one: one.at)
    sends = [
        Send(
            number=number,
            sent=one.at,
            opens_a_second=one.size / exposure(0, LIVE_SECONDS),
            opens=_opens(chance, one, ends),
        )
        for number, one in enumerate(sent)
    ]
    return Unseen(world=World(sends=sends, begins=BEGINS, ends=ends), sent=sent)


def _drawn(chance: Random, ends: float, *, live: int, least: float, most: float) -> list[Sent]:
    """Draw sends at working hours, with sizes over decades."""
    low, high = math.log10(least), math.log10(most)
    return [
        Sent(
            at=chance.randrange(int(ends / DAY)) * DAY + chance.uniform(8, 18) * HOUR,
            size=10 ** chance.uniform(low, high),
        )
        for _ in range(round(live * ends / LIVE_SECONDS))
    ]


def _opens(chance: Random, sent: Sent, ends: float) -> list[float]:
    if sent.scanned:
        return sorted(sent.at + chance.uniform(0, 60) for _ in range(round(sent.size)))
    opens: list[float] = []
    at, until = sent.at, min(ends, sent.at + LIVE_SECONDS)
    while at < until:
        step = 60.0 if at < sent.at + SETTLED or sent.again else 600.0
        number = _poisson(chance, sent.rate(at + step / 2) * step)
        opens += (at + chance.uniform(0, step) for _ in range(number))
        at += step
    return sorted(opens)


def _poisson(chance: Random, mean: float) -> int:
    if mean > 50:
        return max(0, round(chance.gauss(mean, math.sqrt(mean))))
    number, product, least = 0, chance.random(), math.exp(-mean)
    while product > least:
        number += 1
        product *= chance.random()
    return number

"""Policies for comparison, which know every rate in advance, or none.

Each returns the instants at which it polls a send; the delay of each open follows from them.
"""

from bisect import bisect_left
from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from math import ceil, sqrt
from random import Random

from bench.freshness.world import DAY, HOUR, Send, World
from email_opens.scheduling.rates import POWER, SCALE_SECONDS, exposure, root_exposure

type Polls = Mapping[int, Sequence[float]]
"""The instants of polls, ascending, by a send's number."""


@dataclass(slots=True)
class Delays:
    """Delays from visible to published, in seconds, of opens that appear in the measured days."""

    all: list[float] = field(default_factory=list)
    hot: list[float] = field(default_factory=list)
    """The delays of opens in the first hour after their send."""
    by_day: dict[int, list[float]] = field(default_factory=dict)
    """By the day on which the opens appeared."""

    def add(self, send: Send, opened: float, published: float) -> None:
        self.all.append(published - opened)
        self.by_day.setdefault(int(opened // DAY), []).append(published - opened)
        if opened < send.sent + HOUR:
            self.hot.append(published - opened)

    @property
    def mean(self) -> float:
        return sum(self.all) / len(self.all) if self.all else 0.0

    def hot_percentile(self, percent: float) -> float:
        ranked = sorted(self.hot)
        return ranked[ceil(len(ranked) * percent / 100) - 1] if ranked else 0.0


def delays(world: World, polls: Polls) -> Delays:
    """Return the delay of every open until the next poll of its send or the end of the world."""
    found = Delays()
    for send in world.sends:
        instants = polls.get(send.number, ())
        first, last = send.opened(world.begins), send.opened(min(world.ends, send.ends))
        for opened in send.opens[first:last]:
            place = bisect_left(instants, opened)
            found.add(send, opened, instants[place] if place < len(instants) else world.ends)
    return found


def even(world: World, requests_a_day: int) -> Polls:
    """Poll all live sends in turn, evenly spaced."""
    polls: dict[int, list[float]] = {send.number: [] for send in world.sends}
    coming = deque(send for send in world.sends if send.ends > world.begins)
    turn: deque[Send] = deque()
    now, apart = world.begins, DAY / requests_a_day
    while now < world.ends:
        while coming and coming[0].sent <= now:
            turn.append(coming.popleft())
        while turn and turn[0].ends <= now:
            turn.popleft()
        if turn:
            polls[turn[0].number].append(now)
            turn.rotate(-1)
        now += apart
    return polls


def square_root(world: World, requests_a_day: int, chance: Random) -> Polls:
    """Poll evenly over each day, in proportion to the square root of a send's mean rate."""
    polls: dict[int, list[float]] = {send.number: [] for send in world.sends}
    phases = {send.number: chance.random() for send in world.sends}
    for begins, live in _days(world):
        frequency = {
            send.number: sqrt(send.opens_a_second * exposure(since, until) / (until - since))
            for send, since, until in live
        }
        whole = sum(frequency[send.number] * (until - since) for send, since, until in live)
        for send, since, until in live:
            polls_a_second = frequency[send.number] * requests_a_day / whole
            phase = phases[send.number]
            end = phase + (until - since) * polls_a_second
            polls[send.number] += (
                max(begins, send.sent) + (number - phase) / polls_a_second
                for number in range(ceil(phase), ceil(end))
            )
            phases[send.number] = end
    return polls


def optimum(world: World, requests_a_day: int, chance: Random) -> Polls:
    """Poll in proportion to the square root of a send's rate at each instant."""
    polls: dict[int, list[float]] = {send.number: [] for send in world.sends}
    phases = {send.number: chance.random() for send in world.sends}
    for _, live in _days(world):
        whole = sum(sqrt(send.opens_a_second) * root_exposure(a, b) for send, a, b in live)
        for send, since, until in live:
            scale = sqrt(send.opens_a_second) * requests_a_day / whole
            phase = phases[send.number]
            end = phase + scale * root_exposure(since, until)
            polls[send.number] += (
                send.sent + _age(since, (number - phase) / scale)
                for number in range(ceil(phase), ceil(end))
            )
            phases[send.number] = end
    return polls


def optimal_waiting(world: World, requests_a_day: int) -> float:
    """Return the least expected waiting of the opens of the measured days, in open-seconds.

    For each day it is (sum of the integrals of √(rate/2))² / requests.
    """
    return sum(
        sum(sqrt(send.opens_a_second / 2) * root_exposure(a, b) for send, a, b in live) ** 2
        / requests_a_day
        for _, live in _days(world)
    )


def _days(world: World) -> Iterator[tuple[float, list[tuple[Send, float, float]]]]:
    """Yield the start of each measured day, and each live send with its ages at start and end."""
    for day in range(world.days):
        begins = world.begins + day * DAY
        yield (
            begins,
            [
                (send, max(begins, send.sent) - send.sent, min(begins + DAY, send.ends) - send.sent)
                for send in world.sends
                if send.sent < begins + DAY and send.ends > begins
            ],
        )


def _age(since: float, rooted: float) -> float:
    """Return the age at which `root_exposure` since an age equals `rooted`."""
    power = 1 - POWER / 2
    grown = (1 + since / SCALE_SECONDS) ** power + rooted * power / SCALE_SECONDS
    aged: float = SCALE_SECONDS * (grown ** (1 / power) - 1)
    return aged

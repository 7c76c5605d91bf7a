"""How soon opens are published in five stacks that share a key, and in five with a key each.

`python -m bench.freshness.shared_key [--seed N]`

Each stack may spend the default requests of a day and knows nothing of the others. The optimum is
that of policies that know every rate in advance, with so many requests in each stack.
"""

import argparse
import time
from collections import Counter
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from copy import replace
from dataclasses import dataclass, field

from bench.freshness.account import Account
from bench.freshness.policies import optimal_waiting
from bench.freshness.scenarios import BUDGET
from bench.freshness.turns import simulate, simulate_minutes
from bench.freshness.world import DAY, HOUR, World, draw_world
from tests.fakes import FakeClock

STACKS = 5
ACTIVITIES = 20
"""Live in each stack."""
DAYS = 3
"""On the first of them, the stacks spend the quota; so it is not played with a key each."""
WARM_UP = 6 * HOUR
"""Simulated before that, with a key each, to read what was sent earlier."""
QUOTA = 10_000
PACE = 4
"""Requests a second."""


@dataclass(slots=True)
class Key:
    """A key whose day and pace several stacks share from the measured days on."""

    begins: float
    answered: Counter[int] = field(default_factory=Counter)
    """By day."""
    refused_at: dict[int, float] = field(default_factory=dict)
    """When the first request of a day was refused."""
    _paced: Counter[int] = field(default_factory=Counter)
    """By second."""

    def refuses(self, account: Account) -> bool:
        """Let an account wait for the pace; return whether the day's quota is spent."""
        while self._paced[int(account.now())] == PACE:
            account.clock.sleep(1 - account.now() % 1)
        now = account.now()
        day = int(now // DAY)
        self._paced[int(now)] += 1
        if now >= self.begins and self.answered[day] == QUOTA:
            self.refused_at.setdefault(day, now % DAY)
            return True
        self.answered[day] += 1
        return False


@dataclass(frozen=True, slots=True, kw_only=True)
class Day:
    """A measured day of some stacks."""

    waited: float
    """Open-seconds."""
    opens: int
    requests: Sequence[int]
    """Of each stack."""
    refused_at: float | None = None
    """Seconds since midnight; None: no request was refused."""

    @property
    def mean(self) -> float:
        return self.waited / self.opens


def worlds(seed: int) -> list[World]:
    return [draw_world(STACKS * seed + stack, ACTIVITIES, DAYS) for stack in range(STACKS)]


def play_shared(seed: int) -> list[Day]:
    """Play all stacks, minute by minute, with one key."""
    drawn = worlds(seed)
    key = Key(drawn[0].begins)
    accounts = [_sharing(world, key) for world in drawn]
    minutes = [simulate_minutes(account, BUDGET, warm_up=WARM_UP) for account in accounts]
    for _ in zip(*minutes, strict=True):
        pass
    return _days(accounts, key)


def play_alone(seed: int, stack: int) -> list[Day]:
    """Play one stack with a key of its own."""
    world = worlds(seed)[stack]
    account = Account(replace(world, begins=world.begins + DAY), FakeClock())
    simulate(account, BUDGET, warm_up=WARM_UP)
    return _days([account])


def _sharing(world: World, key: Key) -> Account:
    account = Account(world, FakeClock())
    account.closed = lambda _: key.refuses(account)
    return account


def _days(accounts: Sequence[Account], key: Key | None = None) -> list[Day]:
    world = accounts[0].world
    return [
        _day(accounts, day, key) for day in range(int(world.begins // DAY), int(world.ends // DAY))
    ]


def _day(accounts: Sequence[Account], day: int, key: Key | None) -> Day:
    delays = [account.measurements.delays.by_day.get(day, []) for account in accounts]
    return Day(
        waited=sum(map(sum, delays)),
        opens=sum(map(len, delays)),
        requests=[
            sum(account.measurements.requests.get(24 * day + hour, 0) for hour in range(24))
            for account in accounts
        ],
        refused_at=key.refused_at.get(day) if key else None,
    )


def added(days: Sequence[Day]) -> Day:
    """Return a day of all stacks, given one of each."""
    return Day(
        waited=sum(day.waited for day in days),
        opens=sum(day.opens for day in days),
        requests=[number for day in days for number in day.requests],
    )


def optimum(drawn: Sequence[World], day: int, requests: int) -> float:
    """Return the least open-seconds of a day if each stack has so many requests."""
    return sum(optimal_waiting(_of_day(world, day), requests) for world in drawn)


def optimum_together(drawn: Sequence[World], day: int, requests: int) -> float:
    """Return the least open-seconds of a day if requests go to whichever stack they help most."""
    sends = [send for world in drawn for send in world.sends]
    return optimal_waiting(_of_day(replace(drawn[0], sends=sends), day), requests)


def _of_day(world: World, day: int) -> World:
    begins = world.begins + day * DAY
    return replace(world, begins=begins, ends=begins + DAY)


def ratio(one: Day, other: Day) -> str:
    return f"{one.mean / other.mean:.2f}"


def main() -> None:
    parser = argparse.ArgumentParser(
        prog="python -m bench.freshness.shared_key", description=__doc__
    )
    parser.add_argument("--seed", type=int, default=1, metavar="N", help="(%(default)s)")
    parser.add_argument("--processes", type=int, metavar="N", help="(one for each core)")
    options = parser.parse_args()
    seed, started = options.seed, time.monotonic()
    with ProcessPoolExecutor(options.processes) as processes:
        sharing = processes.submit(play_shared, seed)
        playing = [processes.submit(play_alone, seed, stack) for stack in range(STACKS)]
        shared = sharing.result()
        alone = [added(days) for days in zip(*(each.result() for each in playing), strict=True)]
    drawn = worlds(seed)
    print(
        "| day | opens | one key | first refusal | requests of each stack | a key each | ratio "
        "| optimum, one key | optimum, one key by need | optimum, a key each |"
    )
    print("|---|" + "--:|" * 9)
    for day, together in enumerate(shared):
        refused = "none" if together.refused_at is None else f"{together.refused_at / HOUR:.1f} h"
        apart = "|" if not day else f"{alone[day - 1].mean:.1f} | {ratio(together, alone[day - 1])}"
        least = (
            optimum(drawn, day, QUOTA // STACKS),
            optimum_together(drawn, day, QUOTA),
            optimum(drawn, day, BUDGET),
        )
        print(
            f"| {day + 1} | {together.opens:,} | {together.mean:.1f} | {refused} "
            f"| {', '.join(f'{number:,}' for number in together.requests)} | {apart} "
            f"| {' | '.join(f'{waited / together.opens:.1f}' for waited in least)} |"
        )
    print(
        f"\n{STACKS} stacks with {ACTIVITIES} live activities and {BUDGET:,} requests a day each, "
        f"{QUOTA:,} a day with one key, seed {seed}; {time.monotonic() - started:.0f} s."
    )


if __name__ == "__main__":
    main()

"""The simulation of a world with the real `Turns`, as they are started, over ports in memory."""

import time
from collections.abc import Callable, Generator
from dataclasses import dataclass
from datetime import timedelta

from bench.freshness.account import (
    Account,
    AccountReport,
    Measurements,
    activity_id,
    campaign_id,
    instant,
)
from bench.freshness.world import DAY, Send
from email_opens.allowance.lease import Leases
from email_opens.model import Activity
from email_opens.ports import Tracking
from email_opens.turns.discovery import Discovery
from email_opens.turns.turns import Turns
from tests.chains import turns_of_a_minute
from tests.fakes import MemoryLedger, MemoryTracking

MINUTE = 60
WARM_UP = DAY
"""Simulated before the measured days, to read what was sent earlier."""
INVOCATION = timedelta(seconds=60)
COMMIT = timedelta(seconds=6)
"""The values of the deployed function."""
ACCOUNT = "default"


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """The outcome of a simulated world."""

    measurements: Measurements
    minutes: int
    turns: int
    """Scheduled and woken ones, warm-up included."""
    published: int
    closing_prices: list[float]
    """The price at each measured day's last turn: open-seconds that a request ended there."""
    turn_seconds: float
    """The mean duration of a turn."""
    cpu_seconds: float
    """Of all turns, including the world's replies."""


def simulate(
    account: Account,
    requests_a_day: int,
    *,
    warm_up: float = WARM_UP,
    finder: Callable[[Tracking], Discovery] | None = None,
) -> Result:
    """Take the turns of each minute, from some time before the measured days until their end.

    `finder` makes the search that finds the sends; without it, a send is tracked from the first
    whole minute after it.
    """
    minutes = simulate_minutes(account, requests_a_day, warm_up=warm_up, finder=finder)
    while True:
        try:
            next(minutes)
        except StopIteration as end:
            result: Result = end.value
            return result


def simulate_minutes(
    account: Account,
    requests_a_day: int,
    *,
    warm_up: float = WARM_UP,
    finder: Callable[[Tracking], Discovery] | None = None,
) -> Generator[None, None, Result]:
    """Simulate as `simulate` does, and pause after each minute, so that others may take theirs."""
    begins = account.world.begins - warm_up
    account.clock.instant = instant(begins)
    simulation = _Simulation(account, begins, requests_a_day, finder)
    for minute in range(simulation.minutes):
        simulation.take_minute(begins + minute * MINUTE)
        yield
    return simulation.end()


class _Simulation:
    """A world, the product, and what was measured so far."""

    def __init__(
        self,
        account: Account,
        begins: float,
        requests_a_day: int,
        finder: Callable[[Tracking], Discovery] | None,
    ) -> None:
        clock, tracking = account.clock, MemoryTracking()
        self.account, self.begins, self.tracking = account, begins, tracking
        self.minutes = round((account.world.ends - begins) / MINUTE)
        self.finds = finder is not None
        self.coming = [send for send in reversed(account.world.sends) if send.ends > begins]
        self.tracked: list[Send] = []
        self.product = Turns(
            leases=Leases(tracking=tracking, clock=clock, requests_per_day=requests_a_day),
            tracking=tracking,
            ledger=MemoryLedger(),
            publisher=account,
            clock=clock,
            report=lambda _, budget: AccountReport(account, budget),
            lookback=timedelta(hours=2),
            discovery=finder(tracking) if finder else None,
        )
        if self.finds:
            for send in self.coming:
                account.track(send)
        self.turns, self.published, self.seconds = 0, 0, 0.0
        self.prices: dict[int, float] = {}
        self.started = time.process_time()

    def take_minute(self, now: float) -> None:
        """Track and untrack what the minute requires, and take its turns."""
        clock = self.account.clock
        clock.instant = max(clock.instant, instant(now))
        while self.tracked and self.tracked[0].ends <= now:
            old = self.tracked.pop(0)
            self.account.untrack(old)
            self.tracking.remove(ACCOUNT, activity_id(old))
        while self.coming and self.coming[-1].tracked_at <= now:
            self._track(self.coming.pop())
        if clock.now() < instant(now + MINUTE):
            self._take_turns(now)

    def end(self) -> Result:
        world, cpu_seconds = self.account.world, time.process_time() - self.started
        self.account.clock.instant = instant(world.ends)
        for send in self.tracked:
            self.account.untrack(send)
        first = int(world.begins // DAY)
        return Result(
            measurements=self.account.measurements,
            minutes=self.minutes,
            turns=self.turns,
            published=self.published,
            turn_seconds=self.seconds / self.turns,
            closing_prices=[self.prices.get(first + day, 0.0) for day in range(world.days)],
            cpu_seconds=cpu_seconds,
        )

    def _track(self, new: Send) -> None:
        """Track a send, unless the product finds it: one that was sent after the beginning."""
        self.tracked.append(new)
        if not self.finds:
            self.account.track(new)
        if not self.finds or new.tracked_at <= self.begins:
            self.tracking.add(_activity(self.account, new))

    def _take_turns(self, now: float) -> None:
        clock = self.account.clock
        began_at = clock.now()
        for turn in turns_of_a_minute(
            self.product, clock, ACCOUNT, lasts=INVOCATION, commit=COMMIT
        ):
            if turn.failures:
                raise turn.failures[0].error
            if turn.unsearched:
                raise turn.unsearched
            self.turns += 1
            self.seconds += (clock.now() - began_at).total_seconds()
            began_at = clock.now() + timedelta(seconds=turn.wake_up_in_seconds or 0)
            if turn.price is not None:
                self.prices[int(now // DAY)] = turn.price
            self.published += turn.counts.published


def _activity(account: Account, send: Send) -> Activity:
    return Activity(
        account_id=ACCOUNT,
        campaign_activity_id=activity_id(send),
        campaign_id=None if account.counters_as_of is None else campaign_id(send),
        campaign_name="Spring news",
        sent_at=instant(send.sent),
        tracked_at=account.clock.now(),
    )

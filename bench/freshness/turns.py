"""The simulation of a world with the real `Turns`, as they are started, over ports in memory."""

import time
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


def simulate(account: Account, requests_a_day: int, *, warm_up: float = WARM_UP) -> Result:
    """Take the turns of each minute, from some time before the measured days until their end."""
    world, clock, tracking = account.world, account.clock, MemoryTracking()
    begins = world.begins - warm_up
    clock.instant = instant(begins)
    coming = [send for send in reversed(world.sends) if send.ends > begins]
    tracked: list[Send] = []
    product = Turns(
        leases=Leases(tracking=tracking, clock=clock, requests_per_day=requests_a_day),
        tracking=tracking,
        ledger=MemoryLedger(),
        publisher=account,
        clock=clock,
        report=lambda _, budget: AccountReport(account, budget),
        lookback=timedelta(hours=2),
    )
    turns, published, seconds, started = 0, 0, 0.0, time.process_time()
    prices: dict[int, float] = {}
    minutes = round((world.ends - begins) / MINUTE)
    for minute in range(minutes):
        now = begins + minute * MINUTE
        clock.instant = max(clock.instant, instant(now))
        while tracked and tracked[0].ends <= now:
            old = tracked.pop(0)
            account.untrack(old)
            tracking.remove(ACCOUNT, activity_id(old))
        while coming and coming[-1].tracked_at <= now:
            new = coming.pop()
            tracked.append(new)
            account.track(new)
            tracking.add(_activity(account, new))
        if clock.now() >= instant(now + MINUTE):
            continue
        of_the_minute = turns_of_a_minute(product, clock, ACCOUNT, lasts=INVOCATION, commit=COMMIT)
        began_at = clock.now()
        for turn in of_the_minute:
            if turn.failures:
                raise turn.failures[0].error
            turns += 1
            seconds += (clock.now() - began_at).total_seconds()
            began_at = clock.now() + timedelta(seconds=turn.wake_up_in_seconds or 0)
            if turn.price is not None:
                prices[int(now // DAY)] = turn.price
            published += turn.counts.published
    cpu_seconds = time.process_time() - started
    clock.instant = instant(world.ends)
    for send in tracked:
        account.untrack(send)
    first = int(world.begins // DAY)
    return Result(
        measurements=account.measurements,
        minutes=minutes,
        turns=turns,
        published=published,
        turn_seconds=seconds / turns,
        closing_prices=[prices.get(first + day, 0.0) for day in range(world.days)],
        cpu_seconds=cpu_seconds,
    )


def _activity(account: Account, send: Send) -> Activity:
    return Activity(
        account_id=ACCOUNT,
        campaign_activity_id=activity_id(send),
        campaign_id=None if account.counters_as_of is None else campaign_id(send),
        campaign_name="Spring news",
        sent_at=instant(send.sent),
        tracked_at=account.clock.now(),
    )

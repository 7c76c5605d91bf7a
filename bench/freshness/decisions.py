"""The CPU time of a turn's decisions, with 1,000 activities."""

import time
from datetime import UTC, datetime, timedelta
from random import Random
from statistics import median

from bench.figures import Figure
from email_opens.account import CounterTrust, Hours
from email_opens.model import Estimate
from email_opens.scheduling.candidates import Candidate
from email_opens.scheduling.choice import choose
from email_opens.scheduling.plan import plan

ACTIVITIES = 1_000
REPETITIONS = 51
DAY = 86_400.0
NOW = datetime(2026, 3, 2, 12, tzinfo=UTC)


def candidates(chance: Random) -> list[Candidate]:
    """Return candidates of all ages up to four weeks, each read within the last hour."""
    drawn = []
    for number in range(ACTIVITIES):
        age = chance.uniform(0, 28 * DAY)
        idle = min(age, chance.uniform(0, 3600))
        born_at = NOW - timedelta(seconds=age)
        drawn.append(
            Candidate(
                campaign_activity_id=str(number),
                weight=1.0,
                cost=1.0,
                estimate=Estimate(10.0, 10.0 / chance.lognormvariate(-3, 1.2)),
                born_at=born_at,
                read_at=NOW - timedelta(seconds=idle),
                clear_at=NOW - timedelta(seconds=idle / 2),
                longest_seconds=3600.0,
                hot_until=born_at,
                countable=True,
            )
        )
    return drawn


def figures() -> list[Figure]:
    """Measure a turn's decisions: one plan and one choice."""
    offered = candidates(Random(1))
    counters = CounterTrust(lag_seconds=60.0, missed=0.1)
    planned, chosen = [], []
    for _ in range(REPETITIONS):
        started = time.process_time()
        worth = plan(offered, now=NOW, requests=9_000, seconds=DAY, hours=Hours())
        between = time.process_time()
        choose(offered, worth, counters, 30.0, spent_seconds_ago=5.0, now=NOW)
        planned.append(between - started)
        chosen.append(time.process_time() - between)
    whole = median(map(sum, zip(planned, chosen, strict=True))) * 1000
    return [
        Figure(
            "CPU of a turn's decisions, 1,000 activities",
            f"{whole:.1f} ms: plan {median(planned) * 1000:.1f}, "
            f"choose {median(chosen) * 1000:.1f}",
            "≤ 20 ms",
            whole <= 20,
        )
    ]

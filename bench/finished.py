"""What finished activities cost: `python -m bench.finished [--finished N]`.

A live e-mail and N finished ones are stored; the units of DynamoDB of turns before and after these
are archived are counted as it bills them.
"""

import argparse
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from bench.cost.dynamodb import CountingDynamoDB
from bench.cost.prices import READS, WRITES
from bench.cost.usage import Meter, cost
from bench.figures import Figure, show
from email_opens.adapters.aws.ledger import DynamoDBLedger
from email_opens.adapters.aws.tracking import DynamoDBTracking
from email_opens.allowance.budget import Budget
from email_opens.allowance.lease import Leases
from email_opens.model import (
    LEDGER_KEPT,
    Activity,
    CounterReadings,
    Counts,
    Estimate,
    Page,
    Profile,
    Progress,
    State,
)
from email_opens.scheduling.lifecycle import to_archive
from email_opens.turns.turns import Turns
from tests.fakes import FakeClock, MemoryPublisher

TURNS_A_MONTH = 43_800


@dataclass(slots=True)
class Quiet:
    """A vendor whose reports are empty and whose counters stand still."""

    budget: Budget
    now: Callable[[], datetime]
    requests: int = 0
    throttled: int = 0

    def read(self, activity_id: str, *, link: str | None, rows: int, before: datetime) -> Page:
        del activity_id, rows, before
        self._request()
        return Page(link, ())

    def count(self, campaign_ids: Sequence[str], *, before: datetime) -> CounterReadings:
        del before
        self._request()
        return CounterReadings(dict.fromkeys(campaign_ids, 0), self.now())

    def _request(self) -> None:
        self.budget.ready()
        self.budget.take()
        self.requests += 1


def finished(number: int, now: datetime) -> Activity:
    """Return an activity as it is stored when it is finished."""
    sent_at = now - timedelta(days=100 + number / 1000)
    return Activity(
        account_id="default",
        campaign_activity_id=str(UUID(int=number * 2**96 // 25_000 * 2**32 % 2**128)),
        campaign_id=str(UUID(int=number)),
        campaign_name="The news of the week",
        subject="What is new this week",
        state=State.FINISHED,
        sent_at=sent_at,
        tracked_at=sent_at,
        progress=Progress(
            watermark=sent_at,
            polled_at=now,
            head_at=now,
            swept_at=now,
            audited_at=now,
        ),
        counts=Counts(published=500, reported=500),
        profile=Profile(estimate=Estimate(500.0, 12_345.6), counter=0),
        version=900,
    )


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--finished", type=int, default=25_000)
    number = arguments.parse_args().finished
    clock = FakeClock()
    meter = Meter(clock)
    client = CountingDynamoDB(meter)
    tracking = DynamoDBTracking(client, "tracking")  # type: ignore[arg-type] # what is used of it
    turns = Turns(
        leases=Leases(tracking=tracking, clock=clock, requests_per_day=10_000),
        tracking=tracking,
        ledger=DynamoDBLedger(client, "ledger", LEDGER_KEPT, clock),  # type: ignore[arg-type]
        publisher=MemoryPublisher(),
        clock=clock,
        report=lambda _, budget: Quiet(budget, clock.now),
        lookback=timedelta(hours=2),
    )
    for each in range(number):
        tracking.add(finished(each, clock.now()))
    tracking.add(Activity(account_id="default", campaign_activity_id="a", tracked_at=clock.now()))
    meter.reset()
    turns.take_turn("default", holder=clock.now().isoformat())
    before = meter.units[READS]
    meter.reset()
    # As turns do, which read all that is left each time.
    for each_finished in to_archive(tracking.current("default"), clock.now()):
        tracking.archive(each_finished)
    moved, written = meter.calls["TransactWriteItems"] // 4, meter.units[WRITES]
    clock.sleep(60)
    hour = []
    for _ in range(60):
        meter.reset()
        turns.take_turn("default", holder=clock.now().isoformat())
        hour.append(meter.units[READS])
        clock.sleep(60)
    units = sum(hour) / len(hour)
    show(
        f"{number} finished activities",
        [
            Figure("read units of a turn, before they are archived", f"{before:.0f}"),
            Figure("once they are archived", f"{min(hour):.0f}"),
            Figure("in the turn of an hour that reads a page of them", f"{max(hour):.0f}"),
            Figure("reads of a month, before", f"{cost({READS: before * TURNS_A_MONTH}):.2f} USD"),
            Figure("reads of a month, after", f"{cost({READS: units * TURNS_A_MONTH}):.2f} USD"),
            Figure("write units to archive one", f"{written / moved:.1f}"),
        ],
    )


if __name__ == "__main__":
    main()

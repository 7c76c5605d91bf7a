"""The CPU time of a turn's parts on this machine: `python -m bench.cost.cpu`.

`durations` has the rounded figures as constants, so that the costs do not vary from run to run.
botocore's validation, signing and parsing run; its sockets, TLS and Lambda's runtime do not.
"""

import time
from collections.abc import Callable
from copy import replace
from datetime import timedelta
from statistics import median

from bench.aws import instant, through_botocore
from bench.cost.durations import (
    CPU_ACTIVITY,
    CPU_BATCH,
    CPU_CALL,
    CPU_PAGE,
    CPU_TURN,
)
from bench.figures import Figure, show
from bench.product import activity, invoke, over_aws
from bench.throughput import decoded_reports, first_read, microseconds_an_open
from bench.vendor import Vendor, reports, steadily
from email_opens.model import State
from tests.fakes import FakeClock

REPETITIONS = 30
ACTIVITIES = 200
ROWS = 500


def milliseconds(work: Callable[[], object]) -> float:
    """Return the median CPU time of repetitions, after one that is not counted."""
    work()
    taken = []
    for _ in range(REPETITIONS):
        started = time.process_time()
        work()
        taken.append((time.process_time() - started) * 1000)
    return median(taken)


def a_turn(activities: int = 0, *, polls: bool = False) -> float:
    """Return the time of a turn with so many finished activities, and with one to poll."""
    created = steadily(10)
    vendor, clock = Vendor(ROWS, created), FakeClock(created(ROWS) + timedelta(minutes=1))
    product = over_aws(instant(), clock, reports(vendor, clock))
    tracked = activity(clock.now())
    if polls:
        product.tracking.add(tracked)
    for number in range(activities):
        other = f"5b1e0a52-0000-4000-8000-{number:012}"
        product.tracking.add(replace(tracked, campaign_activity_id=other, state=State.FINISHED))

    def turn() -> None:
        clock.sleep(3600)
        invoke(product, clock)

    return milliseconds(turn)


def measured() -> dict[str, tuple[float, float]]:
    """Return each part's time in milliseconds, and the constant that stands for it."""
    dynamodb = through_botocore().dynamodb
    key = {"account_id": {"S": "default"}, "item": {"S": "account"}}
    empty, vendor = a_turn(), Vendor(ROWS, steadily(10))
    return {
        "a turn without work and calls": (empty, CPU_TURN),
        "a call through botocore": (
            milliseconds(lambda: dynamodb.get_item(TableName="tracking", Key=key)),
            CPU_CALL,
        ),
        "an activity that is loaded": ((a_turn(ACTIVITIES) - empty) / ACTIVITIES, CPU_ACTIVITY),
        "a page of 500 rows": (
            a_turn(polls=True) - empty - milliseconds(lambda: vendor.body(ROWS, 0)),
            CPU_PAGE,
        ),
        "a batch of ten opens": (
            microseconds_an_open(lambda: first_read(through_botocore(), decoded_reports()))
            * 10
            / 1000,
            CPU_BATCH,
        ),
    }


def main() -> None:
    show(
        "CPU time of a turn's parts",
        [
            Figure(name, f"{found:.2f} ms", f"{constant} ms in durations.py")
            for name, (found, constant) in measured().items()
        ],
    )


if __name__ == "__main__":
    main()

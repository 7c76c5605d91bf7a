"""Opens a second on one core, and whose share is what: `python -m bench.throughput`."""

import os
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime, timedelta

from bench.aws import TOPIC_ARN, Clients, at_once, through_botocore
from bench.figures import Figure, show
from bench.product import Reports, activity, invoke, over_aws
from bench.vendor import ACTIVITY_ID, SENT, Vendor, decaying, reports
from email_opens.adapters.vendor.rows import decode
from email_opens.errors import NotCounted
from email_opens.events import attributes, event_id, message
from email_opens.model import PAGE_ROWS, CounterReadings, NewOpen, Page
from email_opens.ports import Report
from email_opens.turns.budget import Budget
from tests.fakes import FakeClock

ROWS = 10_000
RUNS = 3
BATCH = 10
TRACKED = SENT - timedelta(days=1)

type Job = Callable[[], int]
"""What is timed, made ready; it returns how many opens it has published."""


class ReadAlready:
    """A report whose pages were decoded before the clock ran."""

    def __init__(self, pages: dict[str | None, Page]) -> None:
        self._pages = pages
        self.requests = 0
        self.throttled = 0

    def read(
        self, campaign_activity_id: str, *, link: str | None, rows: int, before: datetime
    ) -> Page:
        del campaign_activity_id, rows, before
        self.requests += 1
        return self._pages[link]

    def count(self, campaign_ids: Sequence[str], *, before: datetime) -> CounterReadings:
        del campaign_ids, before
        raise NotCounted("Here are no counters.")


def pages_of(vendor: Vendor) -> dict[str | None, Page]:
    pages: dict[str | None, Page] = {}
    for offset in range(0, vendor.rows, PAGE_ROWS):
        found = decode(vendor.body(PAGE_ROWS, offset), ACTIVITY_ID)
        below = offset + PAGE_ROWS
        link = str(offset) if offset else None
        pages[link] = Page(link, found.opens, next_link=str(below) if below < vendor.rows else None)
    return pages


def first_read(clients: Clients, report: Callable[[FakeClock], Reports]) -> Job:
    """Take one turn that reads the report and publishes all of it."""
    clock = FakeClock(SENT + timedelta(days=61))
    product = over_aws(clients, clock, report(clock))
    product.tracking.add(activity(TRACKED))
    return lambda: invoke(product, clock).counts.published


def batches() -> Job:
    """Send PublishBatch of ten messages with five attributes, and nothing else."""
    sns = through_botocore().sns
    rows = decode(Vendor(BATCH, decaying(BATCH)).body(BATCH, 0), ACTIVITY_ID).opens
    sent = activity(TRACKED)
    news = [NewOpen(event_id(row, 1), 1, row) for row in rows]
    entries = [
        {
            "Id": str(number),
            "Message": message(sent, new),
            "MessageAttributes": attributes(sent, new, 60),
        }
        for number, new in enumerate(news)
    ]

    def job() -> int:
        for _ in range(ROWS // BATCH):
            sns.publish_batch(TopicArn=TOPIC_ARN, PublishBatchRequestEntries=entries)
        return ROWS

    return job


def microseconds_an_open(prepare: Callable[[], Job]) -> float:
    """Return the processor's time, not the wall's: other work on the machine counts less so."""
    taken = []
    for _ in range(RUNS):
        job = prepare()
        began = time.process_time()
        opens = job()
        taken.append((time.process_time() - began) / opens * 1e6)
        if opens != ROWS:
            raise SystemExit(f"{opens} of {ROWS} opens were published")
    return min(taken)


@contextmanager
def one_core() -> Iterator[None]:
    """Keep to one core where the system can."""
    if not hasattr(os, "sched_setaffinity"):
        yield
        return
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {max(before)})
    try:
        yield
    finally:
        os.sched_setaffinity(0, before)


def main() -> None:
    vendor = Vendor(ROWS, decaying(ROWS))
    pages = pages_of(vendor)

    def read_already(_: FakeClock) -> Reports:
        def report(account_id: str, budget: Budget) -> Report:
            del account_id, budget
            return ReadAlready(pages)

        return report

    def over_http(clock: FakeClock) -> Reports:
        return reports(vendor, clock)

    with one_core():
        whole = microseconds_an_open(lambda: first_read(through_botocore(), read_already))
        own = microseconds_an_open(lambda: first_read(at_once(), read_already))
        read_too = microseconds_an_open(lambda: first_read(at_once(), over_http))
        batch = microseconds_an_open(batches)
    show(
        "Throughput on one core",
        [
            Figure(
                "walk, ledger and publisher through botocore",
                f"{1e6 / whole:,.0f} opens a second, {whole:.0f} µs an open",
                "≥ 2,000 opens a second",
                whole <= 500,
            ),
            Figure(
                "our own share: the same with plain objects for AWS's clients",
                f"{own:.1f} µs an open",
                "≤ 60 µs an open",
                own <= 60,
            ),
            Figure(
                "botocore's PublishBatch alone, ten messages with five attributes",
                f"{batch:.0f} µs an open",
                "some 250 µs an open",
            ),
            Figure(
                "our own share with the vendor's replies, made and read",
                f"{read_too:.1f} µs an open",
            ),
        ],
        f"A first read of {ROWS:,} rows in one turn; processor time of the best of {RUNS} runs.",
        "botocore's validation, serialisation, signing and parsing run; its socket does not.",
    )


if __name__ == "__main__":
    main()

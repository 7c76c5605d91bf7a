"""Opens a second on one core, and the share of each part: `python -m bench.throughput`."""

import os
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime, timedelta

from bench.aws import TOPIC_ARN, Clients, instant, through_botocore
from bench.figures import Figure, show
from bench.product import Reports, activity, invoke, over_aws
from bench.vendor import ACTIVITY_ID, SENT, Vendor, decaying, reports
from email_opens.adapters.aws.publishing.messages import wire_attributes
from email_opens.adapters.vendor.replies.rows import decode
from email_opens.allowance.budget import Budget
from email_opens.errors import NotCounted
from email_opens.events import attributes, event_id, message
from email_opens.model import PAGE_ROWS, CounterReadings, NewOpen, Page
from email_opens.ports import Report
from tests.fakes import FakeClock

ROWS = 10_000
RUNS = 3
BATCH = 10
TRACKED = SENT - timedelta(days=1)

type Job = Callable[[], int]
"""A prepared job to be timed; it returns the number of published opens."""


class DecodedReport:
    """A report whose pages were decoded before the measurement."""

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
        raise NotCounted("The benchmark has no counters.")


def pages_of(vendor: Vendor) -> dict[str | None, Page]:
    pages: dict[str | None, Page] = {}
    for offset in range(0, vendor.rows, PAGE_ROWS):
        found = decode(vendor.body(PAGE_ROWS, offset), ACTIVITY_ID)
        below = offset + PAGE_ROWS
        link = str(offset) if offset else None
        pages[link] = Page(link, found.opens, next_link=str(below) if below < vendor.rows else None)
    return pages


def decoded_reports() -> Callable[[FakeClock], Reports]:
    """Return what makes reports whose pages are decoded already."""
    pages = pages_of(Vendor(ROWS, decaying(ROWS)))

    def report(account_id: str, budget: Budget) -> Report:
        del account_id, budget
        return DecodedReport(pages)

    return lambda _: report


def first_read(clients: Clients, report: Callable[[FakeClock], Reports]) -> Job:
    """Prepare a turn that reads the whole report and publishes all opens."""
    clock = FakeClock(SENT + timedelta(days=61))
    product = over_aws(clients, clock, report(clock))
    product.tracking.add(activity(TRACKED))
    return lambda: invoke(product, clock).counts.published


def batches() -> Job:
    """Prepare calls of PublishBatch with ten messages of five attributes each."""
    sns = through_botocore().sns
    rows = decode(Vendor(BATCH, decaying(BATCH)).body(BATCH, 0), ACTIVITY_ID).opens
    sent = activity(TRACKED)
    news = [NewOpen(event_id(row, 1), 1, row) for row in rows]
    entries = [
        {
            "Id": str(number),
            "Message": message(sent, new),
            "MessageAttributes": wire_attributes(attributes(sent, new, 60)),
        }
        for number, new in enumerate(news)
    ]

    def job() -> int:
        for _ in range(ROWS // BATCH):
            sns.publish_batch(TopicArn=TOPIC_ARN, PublishBatchRequestEntries=entries)
        return ROWS

    return job


def microseconds_an_open(prepare: Callable[[], Job]) -> float:
    """Return the best CPU time; wall time would include more of the machine's other work."""
    taken = []
    for _ in range(RUNS):
        job = prepare()
        started = time.process_time()
        opens = job()
        taken.append((time.process_time() - started) / opens * 1e6)
        if opens != ROWS:
            raise SystemExit(f"The benchmark published {opens} of {ROWS} opens.")
    return min(taken)


@contextmanager
def one_core() -> Iterator[None]:
    """Run on one core if the system supports it."""
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
    decoded = decoded_reports()

    def over_http(clock: FakeClock) -> Reports:
        return reports(vendor, clock)

    with one_core():
        whole = microseconds_an_open(lambda: first_read(through_botocore(), decoded))
        ours = microseconds_an_open(lambda: first_read(instant(), decoded))
        with_replies = microseconds_an_open(lambda: first_read(instant(), over_http))
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
                "our share: the same with plain objects instead of AWS's clients",
                f"{ours:.1f} µs an open",
                "≤ 60 µs an open",
                ours <= 60,
            ),
            Figure(
                "botocore's PublishBatch alone, ten messages with five attributes",
                f"{batch:.0f} µs an open",
                "about 250 µs an open",
            ),
            Figure(
                "our share with the vendor's replies, generated and read",
                f"{with_replies:.1f} µs an open",
            ),
        ],
        f"A first read of {ROWS:,} rows in one turn; CPU time of the best of {RUNS} runs.",
        "botocore's validation, serialisation, signing and parsing run; its socket does not.",
    )


if __name__ == "__main__":
    main()

"""The CPU time of an open in `watch`, by stage: `python -m bench.open_cost`, about ten seconds.

It measures a first read, from the bytes of a page to the open's line on the disk and its entry in
the ledger. Requests and the start of the process are left out.
"""

import gc
import json
import os
import time
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory

from bench.figures import Figure, show
from bench.product import activity, invoke, wire
from bench.throughput import one_core
from bench.vendor import ACTIVITY_ID, DAYS, SENT, Vendor, decaying
from email_opens.adapters.local.ledger import SqliteLedger
from email_opens.adapters.local.lines import LinesPublisher, json_lines
from email_opens.adapters.local.state_file import StateFile
from email_opens.adapters.local.tracking import SqliteTracking
from email_opens.adapters.vendor.replies.rows import decode
from email_opens.allowance.budget import Budget
from email_opens.errors import NotCounted
from email_opens.events import by_bucket, event_id, fingerprint
from email_opens.model import PAGE_ROWS, CounterReadings, Page
from email_opens.ports import Report
from email_opens.published import PublishedWindow
from email_opens.walk import new_opens
from tests.fakes import FakeClock, MemoryLedger

ROWS = 20_000
RUNS = 7
STRETCH = 4 * PAGE_ROWS
MOST_MICROSECONDS = 10.0
TRACKED = SENT - timedelta(days=1)


class BytesReport:
    """A report whose pages are at hand as bytes."""

    requests = throttled = 0

    def __init__(self, bodies: Sequence[bytes]) -> None:
        self._bodies = bodies

    def read(
        self, campaign_activity_id: str, *, link: str | None, rows: int, before: datetime
    ) -> Page:
        del rows, before
        number = int(link or 0)
        found = decode(self._bodies[number], campaign_activity_id)
        below = number + 1
        return Page(link, found.opens, next_link=str(below) if below < len(self._bodies) else None)

    def count(self, campaign_ids: Sequence[str], *, before: datetime) -> CounterReadings:
        del campaign_ids, before
        raise NotCounted("The benchmark has no counters.")


def microseconds(work: Callable[[], object]) -> float:
    """Return the CPU time of an open in the best of `RUNS` runs, each over all rows."""
    best = float("inf")
    for _ in range(RUNS):
        gc.collect()
        started = time.process_time()
        work()
        best = min(best, time.process_time() - started)
    return best / ROWS * 1e6


def first_read(bodies: Sequence[bytes]) -> None:
    """Read the whole report, in as many turns as it takes."""

    def report(account_id: str, budget: Budget) -> Report:
        del account_id, budget
        return BytesReport(bodies)

    clock = FakeClock(SENT + timedelta(days=DAYS + 1))
    with TemporaryDirectory() as name, StateFile(Path(name) / "state") as state:
        output = os.open(Path(name) / "opens", os.O_CREAT | os.O_WRONLY | os.O_APPEND)
        tracking = SqliteTracking(state, lambda _: None)
        publisher = LinesPublisher(output, Path(name) / "rejected")
        product = wire(tracking, SqliteLedger(state), publisher, clock, report)
        tracking.add(activity(TRACKED))
        published = 0
        while True:
            turn = invoke(product, clock)
            published += turn.counts.published
            if not turn.gaps:
                break
            clock.instant += timedelta(minutes=1)
        os.close(output)
    if published != ROWS:
        raise SystemExit(f"The benchmark published {published} of {ROWS} opens.")


def stages(bodies: Sequence[bytes]) -> dict[str, Callable[[], object]]:
    """Return the stages of an open, each over all rows."""
    pages = [Page(None, decode(body, ACTIVITY_ID).opens, next_link="below") for body in bodies]
    found = [new_opens(page, None, {}) for page in pages]
    opens = [new for page in found for new in page]
    stretches = [opens[start : start + STRETCH] for start in range(0, ROWS, STRETCH)]
    entries = [by_bucket(stretch) for stretch in stretches]
    tracked = activity(TRACKED)

    def compare() -> None:
        window = PublishedWindow(MemoryLedger(), ACTIVITY_ID)
        for page in pages:
            window.note(new_opens(page, None, window.of(page, None)))
            window.forget([page])

    def write() -> None:
        with TemporaryDirectory() as name:
            output = os.open(Path(name) / "opens", os.O_CREAT | os.O_WRONLY | os.O_APPEND)
            publisher = LinesPublisher(output, Path(name) / "rejected")
            for stretch in stretches:
                publisher.publish(tracked, stretch, SENT)
            os.close(output)

    def record() -> None:
        with TemporaryDirectory() as name, StateFile(Path(name) / "state") as state:
            ledger = SqliteLedger(state)
            for entry in entries:
                ledger.append(ACTIVITY_ID, entry)

    return {
        "decode and check": lambda: [decode(body, ACTIVITY_ID) for body in bodies],
        "id and fingerprint": lambda: [fingerprint(event_id(new.open, 1)) for new in opens],
        "compare, these included": compare,
        "message": lambda: list(map(json_lines(tracked), opens)),
        "message and write": write,
        "record in the ledger": record,
    }


def main() -> None:
    vendor = Vendor(ROWS, decaying(ROWS))
    bodies = [vendor.body(PAGE_ROWS, start) for start in range(0, ROWS, PAGE_ROWS)]
    rows = [row for body in bodies for row in json.loads(body)["tracking_activities"]]
    with one_core():
        plain = microseconds(lambda: [json.dumps(row) for row in rows])
        measured = {name: microseconds(work) for name, work in stages(bodies).items()}
        whole = microseconds(lambda: first_read(bodies))
    show(
        "CPU time of an open in `watch`, by stage",
        [
            *(Figure(name, f"{taken:.1f} µs") for name, taken in measured.items()),
            Figure(
                "all, from a page's bytes to the disk and the ledger",
                f"{whole:.1f} µs",
                f"≤ {MOST_MICROSECONDS:.0f} µs",
                whole <= MOST_MICROSECONDS,
            ),
            Figure("for comparison: `json.dumps` of the row", f"{plain:.1f} µs"),
        ],
        f"CPU time of an open in a first read of {ROWS:,} rows, best of {RUNS} runs.",
    )


if __name__ == "__main__":
    main()

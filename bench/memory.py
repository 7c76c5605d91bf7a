"""The peak memory of a first read, beside that of an idle poll: `python -m bench.memory`.

Each is measured in a process of its own. Within it, and in its peak, are the interpreter, boto3,
requests, the product, the page being made for the vendor, and what stands for DynamoDB: 8 bytes
and an entry's overhead for what was published.
"""

import json
import subprocess
import sys
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

from bench.aws import AwsAtOnce, Clients, through_botocore
from bench.figures import Figure, show
from bench.product import activity, invoke, over_aws
from bench.vendor import DAYS, SENT, Vendor, decaying, reports
from tests.fakes import FakeClock

ROWS = 1_000_000
IDLE_ROWS = 500
BOTOCORE_BATCHES = 2_000
REACH_MIB = 64


class SnsForAWhile:
    """botocore's SNS for the first batches; then answers at once, or it would take minutes."""

    def __init__(self, through: Any) -> None:
        self._through = through
        self._at_once = AwsAtOnce()
        self._batches = 0

    def publish_batch(self, **asked: Any) -> Any:
        self._batches += 1
        client = self._through if self._batches <= BOTOCORE_BATCHES else self._at_once
        return client.publish_batch(**asked)


def peak_mib() -> float:
    """Return the most memory that this process has held.

    Not `getrusage`: a child's begins at the peak of the parent that has spawned it.
    """
    status = Path("/proc/self/status").read_text(encoding="ascii")
    return int(status.partition("VmHWM:")[2].split()[0]) / 1024


def idle_poll() -> None:
    """Poll once; all of the page lies below the watermark. Print what a poll has held."""
    vendor = Vendor(IDLE_ROWS, decaying(IDLE_ROWS))
    clock = FakeClock(SENT + timedelta(days=DAYS + 1))
    product = over_aws(through_botocore(), clock, reports(vendor, clock))
    now = clock.now()
    watched = replace(
        activity(now),
        progress=replace(activity(now).progress, watermark=now, audited_at=now, swept_at=now),
    )
    product.tracking.add(watched)
    turn = invoke(product, clock)
    print(json.dumps({"mib": peak_mib(), "published": turn.counts.published, "turns": 1}))


def first_read() -> None:
    """Read a report of 1,000,000 rows, invocation after invocation, until no gap is left."""
    vendor = Vendor(ROWS, decaying(ROWS))
    clock = FakeClock(SENT + timedelta(days=DAYS + 1))
    real = through_botocore()
    clients = Clients(real.dynamodb, SnsForAWhile(real.sns), real.sqs)
    product = over_aws(clients, clock, reports(vendor, clock))
    product.tracking.add(activity(clock.now()))
    published = turns = 0
    going = True
    while going:
        began = clock.now()
        turn = invoke(product, clock)
        published += turn.counts.published
        turns += 1
        going = turn.gaps > 0
        clock.instant = max(clock.now(), began + timedelta(minutes=1))
    print(json.dumps({"mib": peak_mib(), "published": published, "turns": turns}))


def in_a_process(job: str) -> Any:
    code = f"from bench.memory import {job}; {job}()"
    ran = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True)
    return json.loads(ran.stdout)


def main() -> None:
    if not Path("/proc/self/status").exists():
        print("\nPeak memory is not measured here: it is read from Linux' /proc.")
        return
    idle, read = in_a_process("idle_poll"), in_a_process("first_read")
    more = read["mib"] - idle["mib"]
    show(
        f"Peak memory of a first read of {ROWS:,} rows",
        [
            Figure("an idle poll", f"{idle['mib']:.1f} MiB, {idle['published']} published"),
            Figure(
                "a first read",
                f"{read['mib']:.1f} MiB, {read['published']:,} published in {read['turns']} turns",
                f"all of {ROWS:,}",
                read["published"] == ROWS,
            ),
            Figure("more than idle", f"{more:.1f} MiB", f"≤ {REACH_MIB} MiB", more <= REACH_MIB),
        ],
        "Turns of 60 s at 4 requests a second; 16 % of the rows lie in their first hour.",
        "Nothing is subtracted: the process holds the ledger (8 bytes an open) as well.",
        f"DynamoDB through botocore; SNS too for the first {BOTOCORE_BATCHES:,} batches, "
        "then answered at once; the vendor through requests, JSON and `adapters.rows`.",
    )


if __name__ == "__main__":
    main()

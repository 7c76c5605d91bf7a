"""The peak memory of a first read, compared with that of an idle poll: `python -m bench.memory`.

Each is measured in a process of its own. The peak includes the interpreter, boto3, requests, the
product with all that it keeps between turns, and the page that is generated for the vendor. The
stand-in for DynamoDB keeps the ledger's fingerprints in a file, because the function does not hold
them either. The requests to DynamoDB and its replies are in the process, as in the function.
"""

import json
import subprocess
import sys
from copy import replace
from datetime import timedelta
from pathlib import Path
from tempfile import TemporaryFile
from typing import Any

from bench.aws import Clients, InstantAws, through_botocore
from bench.figures import Figure, show
from bench.product import activity, invoke, over_aws
from bench.vendor import DAYS, SENT, Vendor, decaying, reports
from tests.fakes import FakeClock

ROWS = 1_000_000
IDLE_ROWS = 500
BOTOCORE_BATCHES = 2_000
TARGET_MIB = 24


class PartlyRealSns:
    """botocore's SNS for the first batches; then instant replies, to save minutes."""

    def __init__(self, real: Any) -> None:
        self._real = real
        self._instant = InstantAws()
        self._batches = 0

    def publish_batch(self, **parameters: Any) -> Any:
        self._batches += 1
        client = self._real if self._batches <= BOTOCORE_BATCHES else self._instant
        return client.publish_batch(**parameters)


def peak_mib() -> float:
    """Return the peak memory of this process.

    Not with `getrusage`: a child's peak starts at the peak of its parent.
    """
    status = Path("/proc/self/status").read_text(encoding="ascii")
    return int(status.partition("VmHWM:")[2].split()[0]) / 1024


def idle_poll() -> None:
    """Poll a page that lies entirely below the watermark; print the peak memory."""
    vendor = Vendor(IDLE_ROWS, decaying(IDLE_ROWS))
    clock = FakeClock(SENT + timedelta(days=DAYS + 1))
    product = over_aws(through_botocore(), clock, reports(vendor, clock))
    now = clock.now()
    idle = replace(
        activity(now),
        progress=replace(activity(now).progress, watermark=now, audited_at=now, swept_at=now),
    )
    product.tracking.add(idle)
    turn = invoke(product, clock)
    print(json.dumps({"mib": peak_mib(), "published": turn.counts.published, "turns": 1}))


def first_read() -> None:
    """Read a report of 1,000,000 rows in as many invocations as it takes; print the peak memory."""
    vendor = Vendor(ROWS, decaying(ROWS))
    clock = FakeClock(SENT + timedelta(days=DAYS + 1))
    published = turns = 0
    unfinished = True
    with TemporaryFile() as ledger_file:
        real = through_botocore(ledger_file)
        clients = Clients(real.dynamodb, PartlyRealSns(real.sns), real.sqs)
        product = over_aws(clients, clock, reports(vendor, clock))
        product.tracking.add(activity(clock.now()))
        while unfinished:
            started = clock.now()
            turn = invoke(product, clock)
            published += turn.counts.published
            turns += 1
            unfinished = turn.gaps > 0
            clock.instant = max(clock.now(), started + timedelta(minutes=1))
    print(json.dumps({"mib": peak_mib(), "published": published, "turns": turns}))


def in_a_process(job: str) -> Any:
    code = f"from bench.memory import {job}; {job}()"
    ran = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True)
    return json.loads(ran.stdout)


def main() -> None:
    if not Path("/proc/self/status").exists():
        print("\nPeak memory is not measured: this system has no /proc/self/status.")
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
            Figure("difference", f"{more:.1f} MiB", f"≤ {TARGET_MIB} MiB", more <= TARGET_MIB),
        ],
        "Turns of 60 s at 4 requests a second; 16 % of the rows are in the first hour.",
        "Nothing is subtracted: the difference contains the decisions on first opens, which the "
        "function keeps at 16 bytes for each contact. The ledger is in a file.",
        f"DynamoDB through botocore; so is SNS for the first {BOTOCORE_BATCHES:,} batches, then it "
        "replies at once; the vendor through requests, JSON and `adapters.vendor.replies.rows`.",
    )


if __name__ == "__main__":
    main()

"""A first read at the pace of the settings: `python -m bench.paced_read [ROWS]`, about two minutes.

`email-opens watch --once` reads a report with four requests a second, as its default is. The least
possible time is that of its pages at that pace.
"""

import subprocess
import sys
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory

from bench.figures import Figure, show
from bench.peers.contenders import CONTENDERS, OURS, Feed
from bench.peers.counting import OpenKey
from bench.peers.emulator import emulated_vendor
from bench.peers.processes import other_processors
from bench.vendor import DAYS, SENT, contact_id, decaying
from email_opens.model import PAGE_ROWS

ROWS = 200_000
REQUESTS_PER_SECOND = 4
MOST_RATIO = 1.03
PACED = ("REQUESTS_PER_SECOND", "REQUESTS_PER_DAY")


def opens(rows: int) -> list[OpenKey]:
    """Return the opens of a send two months ago, newest first."""
    sent_at = datetime.now(UTC).replace(second=0, microsecond=0) - timedelta(days=DAYS)
    created = decaying(rows)
    return [
        OpenKey(contact_id(number), sent_at + (created(number) - SENT), "mobile")
        for number in reversed(range(rows))
    ]


def main() -> None:
    rows = int(sys.argv[1]) if len(sys.argv) > 1 else ROWS
    ours = next(client for client in CONTENDERS if client.name == OURS)
    keys = opens(rows)
    with TemporaryDirectory() as name, emulated_vendor(other_processors()) as vendor:
        activity_id = vendor.add_activity(sent_at=min(key.created for key in keys))
        vendor.add(activity_id, keys)
        feed = Feed(vendor, activity_id, Path(name) / "watch")
        feed.prepare()
        environment = {k: v for k, v in feed.environment.items() if k not in PACED}
        vendor.take_requests()
        began = time.monotonic()
        subprocess.run(
            ours.command(feed), cwd=feed.folder, env=environment, check=True, capture_output=True
        )
        seconds = time.monotonic() - began
        requests = len(vendor.take_requests())
        written = ours.count_lines(feed)
    if written != rows:
        raise SystemExit(f"The command wrote {written:,} of {rows:,} opens.")
    least = -(-rows // PAGE_ROWS) / REQUESTS_PER_SECOND
    show(
        f"A first read of {rows:,} rows at {REQUESTS_PER_SECOND} requests a second",
        [
            Figure("time of its pages at that pace", f"{least:.1f} s"),
            Figure("`watch --once`, whole process", f"{seconds:.1f} s, {requests} requests"),
            Figure(
                "ratio",
                f"{seconds / least:.3f}",
                f"≤ {MOST_RATIO:.2f}",
                seconds / least <= MOST_RATIO,
            ),
        ],
        "The other requests are the credentials, what the e-mail is, and the live tail meanwhile.",
    )


if __name__ == "__main__":
    main()

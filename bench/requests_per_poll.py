"""Requests to read n new rows: `python -m bench.requests_per_poll`."""

from copy import replace
from datetime import timedelta

from bench.aws import instant
from bench.figures import Figure, show
from bench.product import activity, invoke, over_aws
from bench.vendor import Vendor, reports, steadily
from email_opens.model import PAGE_ROWS
from tests.fakes import FakeClock

PUBLISHED_ROWS = 1_200
ROWS_A_MINUTE = 10
"""So every poll reads the ten rows of the watermark's minute again."""
NEW_ROWS = (0, 1, 490, 500, 501, 2_000, 2_001, 25_000)


def requests_for(new_rows: int) -> tuple[int, int]:
    """Return the number of requests and of published opens of a poll that finds new rows."""
    created = steadily(ROWS_A_MINUTE)
    clock = FakeClock(created(PUBLISHED_ROWS + new_rows) + timedelta(minutes=1))
    vendor = Vendor(PUBLISHED_ROWS, created)
    product = over_aws(instant(), clock, reports(vendor, clock))
    # Without a campaign id there is no probe of counters, only the poll.
    product.tracking.add(replace(activity(clock.now()), campaign_id=None))
    invoke(product, clock)
    clock.sleep(60)
    vendor.rows += new_rows
    turn = invoke(product, clock)
    return turn.requests, turn.counts.published


def main() -> None:
    figures = []
    for new_rows in NEW_ROWS:
        requests, published = requests_for(new_rows)
        most = -(-new_rows // PAGE_ROWS) + 1 if new_rows else 1
        figures.append(
            Figure(
                f"requests for {new_rows:,} new rows",
                f"{requests}, {published:,} published",
                f"≤ {most}",
                requests <= most and published == new_rows,
            )
        )
    show(
        "Requests of one poll",
        figures,
        f"A report of {PUBLISHED_ROWS:,} published rows, {ROWS_A_MINUTE} a minute; "
        "then the new rows, and a minute later one poll down to the watermark.",
        "Probes of the counters are not included: one request for up to 150 campaigns, where it "
        "pays and at least every 15 minutes.",
    )


if __name__ == "__main__":
    main()

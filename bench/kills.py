"""A first read of 200,000 rows, killed ten times on the way: `python -m bench.kills [SEED]`.

The seed decides before or after which call of a port each kill happens; the next turn starts when
the lease has expired.
"""

import json
import random
import sys
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta

from bench.figures import Figure, show
from bench.product import INVOCATION, activity, invoke, wire
from bench.vendor import DAYS, SENT, Vendor, contact_id, decaying, reports
from email_opens.allowance.budget import Budget
from email_opens.model import PAGE_ROWS, Activity
from email_opens.polling.poller import PAGES_IN_HAND
from email_opens.ports import Report
from tests.fakes import FakeClock, MemoryLedger, MemoryPublisher, MemoryTracking
from tests.world import Calls, Crash, crash

ROWS = 200_000
KILLS = 10
SEED = 2
MOST_CALLS = 80
"""A turn is killed within its first calls, so that all ten kills happen during the read."""
REQUESTS_A_KILL = 2
"""The head, which every turn reads, and the last page that was processed."""


@dataclass(frozen=True, slots=True)
class Read:
    """The outcome of a first read."""

    turns: int
    kills: int
    requests: int
    pages_lost: int
    """Pages that were read, but not recorded before the kill."""
    lost: int
    repeated: int


class ObservedTracking(MemoryTracking):
    """Calls a function after each write of an activity: the pages read until then are safe."""

    def __init__(self, on_save: Callable[[], None]) -> None:
        super().__init__()
        self._on_save = on_save

    def save(self, activity: Activity) -> Activity:
        saved = super().save(activity)
        self._on_save()
        return saved


def first_read(seed: int, kills: int) -> Read:
    chance = random.Random(seed)
    clock = FakeClock(SENT + timedelta(days=DAYS + 1))
    new_report = reports(Vendor(ROWS, decaying(ROWS)), clock)
    ledger, publisher = MemoryLedger(), MemoryPublisher()
    turn_reports: list[Report] = []
    requests = pages_safe = pages_lost = turns = killed = 0

    def record_safe_pages() -> None:
        nonlocal pages_safe
        pages_safe = turn_reports[-1].requests

    tracking = ObservedTracking(record_safe_pages)
    tracking.add(activity(clock.now()))
    unfinished = True
    while unfinished:
        calls = Calls()
        if killed < kills:
            moment = calls.before if chance.random() < 0.5 else calls.after
            moment[chance.randrange(1, MOST_CALLS)] = crash

        def report(account_id: str, budget: Budget, calls: Calls = calls) -> Report:
            turn_reports.append(new_report(account_id, budget))
            counted: Report = calls.through(turn_reports[-1], "read")
            return counted

        product = wire(
            calls.through(tracking, "lease", "release", "activities", "save"),
            calls.through(ledger, "fingerprints", "append"),
            calls.through(publisher, "publish"),
            clock,
            report,
        )
        turns += 1
        pages_safe, started, reports_before = 0, clock.now(), len(turn_reports)
        try:
            unfinished = invoke(product, clock, holder=f"turn {turns}").gaps > 0
        except Crash:
            killed += 1
            if len(turn_reports) > reports_before:
                pages_lost += turn_reports[-1].requests - pages_safe
        requests += turn_reports[-1].requests if len(turn_reports) > reports_before else 0
        clock.instant = max(clock.now(), started + INVOCATION + timedelta(seconds=1))

    received = [json.loads(body) for body in publisher.published]
    ids = Counter(event["id"] for event in received)
    contacts = {event["subject"] for event in received}
    return Read(
        turns=turns,
        kills=killed,
        requests=requests,
        pages_lost=pages_lost,
        lost=sum(contact_id(number) not in contacts for number in range(ROWS)),
        repeated=ids.total() - len(ids),
    )


def main() -> None:
    seed = int(sys.argv[1]) if sys.argv[1:] else SEED
    whole, read = first_read(seed, 0), first_read(seed, KILLS)
    in_hand = KILLS * PAGES_IN_HAND * PAGE_ROWS
    more = read.requests - whole.requests
    beyond = more - read.pages_lost
    most = REQUESTS_A_KILL * KILLS
    show(
        f"A first read of {ROWS:,} rows, killed {read.kills} times (seed {seed})",
        [
            Figure("opens lost", str(read.lost), "0", read.lost == 0),
            Figure(
                "opens repeated, under the same event ids",
                f"{read.repeated:,}",
                f"≤ {in_hand:,}: {PAGES_IN_HAND} pages in hand per kill",
                read.repeated <= in_hand,
            ),
            Figure(
                "requests without a kill",
                f"{whole.requests} for {-(-ROWS // PAGE_ROWS)} pages in {whole.turns} turns",
            ),
            Figure(
                "requests with the kills",
                f"{read.requests} in {read.turns} turns: {more / KILLS:.1f} more per kill",
                f"≤ {REQUESTS_A_KILL} more per kill",
                more <= most,
            ),
            Figure(
                f"the same without the {read.pages_lost} pages that were lost in hand",
                f"{beyond / KILLS:.1f} more per kill",
                f"≤ {REQUESTS_A_KILL} more per kill",
                beyond <= most,
            ),
        ],
        "Turns of 60 s at 4 requests a second. Each turn after the first reads the head and the "
        "last processed page again; after a kill, also the pages that were not recorded.",
    )


if __name__ == "__main__":
    main()

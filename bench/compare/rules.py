"""The rules of the comparison: the product's, and small versions of those of other pollers.

When a poll runs out of time, a peer's rule publishes what it has read and moves its mark, because
it would otherwise start again at each poll and never finish.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import islice, takewhile

from bench.compare.stage import START, RowKey, Stage, row_key
from bench.product import COMMIT, INVOCATION, activity, invoke, wire
from bench.vendor import ACTIVITY_ID
from email_opens.allowance.budget import Budget
from email_opens.errors import OutOfTime
from email_opens.model import PAGE_ROWS, Open, Page
from email_opens.polling.poller import PAGES_IN_HAND
from email_opens.ports import Report
from tests.fakes import MemoryLedger, MemoryTracking

LAG = timedelta(hours=1)
"""The most by which a row is late."""
NEVER = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(slots=True)
class Peer:
    """The state of a peer's rule; only `save` changes what it keeps from poll to poll."""

    stage: Stage
    mark: datetime = NEVER
    seen: frozenset[RowKey] = field(default_factory=frozenset)

    def pages(self) -> Iterator[Page]:
        """Yield pages from the head down, until the report or the time ends."""
        report, before = self.stage.report(), self.stage.clock.now() + INVOCATION - COMMIT
        link: str | None = None
        with suppress(OutOfTime):
            while True:
                page = report.read(ACTIVITY_ID, link=link, rows=PAGE_ROWS, before=before)
                yield page
                link = page.next_link
                if link is None:
                    return

    def rows(self, wanted: Callable[[Open], bool]) -> list[Open]:
        """Read down to the first row that is not wanted."""
        return list(takewhile(wanted, (row for page in self.pages() for row in page.opens)))

    def publish(self, rows: Iterable[Open]) -> None:
        """Publish oldest first."""
        if held := list(rows):
            self.stage.deliver(held[::-1])

    def save(self, rows: Iterable[Open], seen: frozenset[RowKey] = frozenset()) -> None:
        self.mark = max([self.mark, *(row.created_time for row in rows)])
        self.seen = seen


def since_id(peer: Peer) -> None:
    """Publish newer rows of at most four pages, page by page, and jump to the newest."""
    mark = peer.mark
    for page in islice(peer.pages(), PAGES_IN_HAND):
        new = [row for row in page.opens if row.created_time > mark]
        peer.publish(new)
        peer.save(new)
        if len(new) < len(page.opens):
            return


def strictly_newer(peer: Peer) -> None:
    new = peer.rows(lambda row: row.created_time > peer.mark)
    peer.publish(new)
    peer.save(new)


def at_or_newer(peer: Peer) -> None:
    new = peer.rows(lambda row: row.created_time >= peer.mark)
    peer.publish(new)
    peer.save(new)


def until_first_seen(peer: Peer) -> None:
    """Stop at the first row of an earlier poll; the keys of all rows are kept."""
    new = {row_key(row): row for row in peer.rows(lambda row: row_key(row) not in peer.seen)}
    peer.publish(new.values())
    peer.save(new.values(), peer.seen | new.keys())


def date_set_first(peer: Peer) -> None:
    """Save the last date, then publish; a row that repeats within the poll counts once."""
    new = {row_key(row): row for row in peer.rows(lambda row: row.created_time > peer.mark)}
    peer.save(new.values())
    peer.publish(new.values())


def lagging(peer: Peer) -> None:
    """Read one more hour each time, for late rows."""
    new = peer.rows(lambda row: row.created_time >= peer.mark - LAG)
    peer.publish(new)
    peer.save(new)


def set_of_ties(peer: Peer) -> None:
    """Recognise the published rows of the mark's instant by a set of their keys."""
    rows = peer.rows(lambda row: row.created_time >= peer.mark)
    peer.publish(
        row for row in rows if row.created_time > peer.mark or row_key(row) not in peer.seen
    )
    newest = max((row.created_time for row in rows), default=peer.mark)
    peer.save(rows, frozenset(row_key(row) for row in rows if row.created_time == newest))


def email_opens(stage: Stage) -> Callable[[], object]:
    """Return a function that takes one turn of the product, over stores in memory."""
    tracking = MemoryTracking()
    tracking.add(activity(START))

    def report(_: str, budget: Budget) -> Report:
        return stage.report(budget)

    product = wire(tracking, MemoryLedger(), stage, stage.clock, report)
    return lambda: invoke(product, stage.clock)


def polls_of(rule: Callable[[Peer], None]) -> Callable[[Stage], Callable[[], object]]:
    def start(stage: Stage) -> Callable[[], object]:
        peer = Peer(stage)
        return lambda: rule(peer)

    return start


OURS = "email-opens"
RULES: Mapping[str, Callable[[Stage], Callable[[], object]]] = {
    OURS: email_opens,
    "jump to the newest id": polls_of(since_id),
    "newer than the mark": polls_of(strictly_newer),
    "at or newer than the mark": polls_of(at_or_newer),
    "stop at the first seen": polls_of(until_first_seen),
    "last date set before emitting": polls_of(date_set_first),
    "lag that repeats its window": polls_of(lagging),
    "ties kept as a set": polls_of(set_of_ties),
}

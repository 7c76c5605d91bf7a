"""Beside the others: the same worlds through the rules by which other pollers read such a feed.

`make compare`, or `python -m bench.compare [SEED]`: opens lost, opens repeated and requests.
All rules read the emulated vendor through the real adapter, with pages of 20 rows and 50 s a
poll. Where that time ends, a peer's rule publishes what it has read and moves its mark, as it
would else begin again at each poll and never end.
"""

import sys
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from enum import StrEnum, auto
from itertools import islice, takewhile
from random import Random
from typing import Any, NamedTuple

from bench.product import COMMIT, INVOCATION, activity, invoke, wired
from bench.vendor import ACTIVITY_ID, REQUESTS_PER_SECOND
from constant_contact_emulator import Behaviour, Contact, Limits, Row, Ties, Vendor
from email_opens.adapters.vendor.api import VendorApi
from email_opens.adapters.vendor.oauth import TokenSource
from email_opens.adapters.vendor.report import ConstantContactReport
from email_opens.errors import OutOfTime, PublishFailed
from email_opens.model import PAGE_ROWS, Activity, NewOpen, Open, Page, RejectedRow, Tokens
from email_opens.poller import PAGES_IN_HAND
from email_opens.ports import Report
from email_opens.turns.budget import Budget
from tests.fakes import FakeClock, MemoryCredentials, MemoryLedger, MemoryTracking
from tests.simulation.session import API_URL, VendorSession
from tests.world import Crash

SEED = 3
START = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
POLLED_AT_SECOND = 30
"""Within a minute, as a schedule has it: some of the minute's opens come after the poll."""
MINUTES = 180
SETTLING_MINUTES = 60
SETTLING_DAYS = 2
ROWS_A_PAGE = 20
BACKLOG_ROWS = 4500
"""More than the 200 pages for which a poll has time."""
LAG = timedelta(hours=1)
"""As late as a row may be."""
NEVER = datetime(1970, 1, 1, tzinfo=UTC)

type Alike = tuple[str, datetime, str | None]


def alike(row: Open) -> Alike:
    return row.contact_id, row.created_time, row.device_type


# --- The worlds ---


class Mishap(StrEnum):
    """What befalls the next poll that comes so far."""

    KILLED_READING = auto()
    """At its second page."""
    KILLED_BEFORE_PUBLISHING = auto()
    KILLED_AFTER_PUBLISHING = auto()
    HALF_PUBLISHED = auto()
    """Then the topic fails."""


class Arrival(NamedTuple):
    """A row: when it appears, and the instant it tells, in seconds from the start."""

    seen: float
    created: float
    contact: str


type Arrivals = Callable[[Random, int], Iterator[Arrival]]
"""From chance, and the minutes that the world lasts."""


@dataclass(frozen=True, slots=True)
class World:
    arrivals: Arrivals
    ties: Ties = Ties.NEWEST_FIRST
    mishaps: Sequence[Mishap] = ()
    """One at each tenth minute, while a burst is read."""


def somebody(chance: Random, seen: float, late_minutes: float = 0) -> Arrival:
    return Arrival(seen, seen - late_minutes * 60, f"{chance.getrandbits(64):016x}")


def calm(chance: Random, minutes: int) -> Iterator[Arrival]:
    for minute in range(minutes):
        for _ in range(chance.randint(0, 4)):
            yield somebody(chance, (minute + chance.random()) * 60)


def bursts(chance: Random, minutes: int) -> Iterator[Arrival]:
    """More than one page comes between two polls, at each tenth minute."""
    yield from calm(chance, minutes)
    for minute in range(10, minutes, 10):
        for _ in range(chance.randint(30, 150)):
            yield somebody(chance, (minute - 0.5 + chance.random()) * 60)


def late_rows(chance: Random, minutes: int) -> Iterator[Arrival]:
    """Every fifth row or so is late, by minutes to an hour."""
    for row in calm(chance, minutes):
        late = chance.random() < 0.2
        yield somebody(chance, row.seen, chance.uniform(2, 58)) if late else row


def twins(chance: Random, minutes: int) -> Iterator[Arrival]:
    """A contact opens twice or thrice within a minute, on one device."""
    yield from calm(chance, minutes)
    for minute in range(0, minutes, 5):
        first = somebody(chance, minute * 60 + 1)
        for _ in range(chance.randint(2, 3)):
            yield first._replace(seen=minute * 60 + chance.uniform(1, 59))


def drift(chance: Random, minutes: int) -> Iterator[Arrival]:
    """Rows come while the pages of a burst are read."""
    yield from bursts(chance, minutes)
    for minute in range(10, minutes, 10):
        for _ in range(chance.randint(2, 8)):
            yield somebody(chance, minute * 60 + POLLED_AT_SECOND + chance.random())


def backlog(chance: Random, minutes: int) -> Iterator[Arrival]:
    """Ten days of rows are there at the first poll, and people go on to open."""
    yield from calm(chance, minutes)
    for _ in range(BACKLOG_ROWS):
        yield somebody(chance, -chance.uniform(0, 10 * 24 * 3600))


WORLDS: Mapping[str, World] = {
    "calm": World(calm),
    "bursts": World(bursts),
    "late rows": World(late_rows),
    "twins": World(twins),
    "drift": World(drift, Ties.SHUFFLED),
    "backlog": World(backlog),
    "crashes": World(bursts, mishaps=tuple(Mishap) * 4),
}


class Stage:
    """A world with its vendor, and the subscriber; it is the `Publisher` as well."""

    def __init__(self, world: World, chance: Random, minutes: int) -> None:
        self.clock = FakeClock(START)
        self.requests = 0
        self.published: Counter[Alike] = Counter()
        self._mishaps = list(world.mishaps)
        self._ahead: Mishap | None = None
        self._asked = 0
        behaviour = Behaviour(ties=world.ties)
        self._vendor = Vendor(clock=self.clock.now, behaviour=behaviour, limits=Limits.off())
        self._vendor.world.add_campaign(activity_id=ACTIVITY_ID)
        rows = sorted(world.arrivals(chance, minutes))
        self._vendor.world.add_rows(ACTIVITY_ID, map(_row, rows))
        grant = self._vendor.connect()
        self._credentials = MemoryCredentials()
        self._credentials.tokens["default"] = Tokens(
            client_id=grant.client_id, refresh_token=grant.refresh_token
        )

    def begin_poll(self, at: datetime, minute: int) -> None:
        self.clock.instant = max(self.clock.instant, at)
        self._asked = 0
        if minute and minute % 10 == 0 and self._mishaps:
            self._ahead = self._mishaps.pop(0)

    def settle(self) -> None:
        """Let ties keep their places: while they change, a walk may pass a row unseen."""
        self._vendor.world.behaviour.ties = Ties.NEWEST_FIRST

    def report(self, budget: Budget | None = None) -> ConstantContactReport:
        session: Any = VendorSession(self._vendor, ROWS_A_PAGE, lambda act: act(), self._sent)
        tokens = TokenSource("default", self._credentials, session, API_URL, self.clock)
        api = VendorApi(
            session,
            API_URL,
            tokens,
            self.clock,
            requests_per_second=REQUESTS_PER_SECOND,
            budget=budget or Budget(sys.maxsize),
        )
        return ConstantContactReport(api)

    def publish(self, activity: Activity, opens: Sequence[NewOpen], now: datetime) -> int:
        del activity, now
        self.deliver([new.open for new in opens])
        return 0

    def set_aside(self, activity: Activity, rows: Iterable[RejectedRow]) -> None:
        raise AssertionError((activity, rows))

    def deliver(self, rows: Sequence[Open]) -> None:
        if self._befalls(Mishap.KILLED_BEFORE_PUBLISHING):
            raise Crash
        if self._befalls(Mishap.HALF_PUBLISHED):
            self.published.update(map(alike, rows[: len(rows) // 2]))
            raise PublishFailed("The topic is down.")
        self.published.update(map(alike, rows))
        if self._befalls(Mishap.KILLED_AFTER_PUBLISHING):
            raise Crash

    def outcome(self) -> "Outcome":
        rows = Counter(
            (row.contact.contact_id, row.created, row.device_type)
            for row in self._vendor.world.rows(ACTIVITY_ID)
        )
        lost, repeated = rows - self.published, self.published - rows
        return Outcome(rows.total(), lost.total(), repeated.total(), self.requests)

    def _sent(self) -> None:
        self.requests += 1
        self._asked += 1
        if self._asked > 1 and self._befalls(Mishap.KILLED_READING):
            raise Crash

    def _befalls(self, mishap: Mishap) -> bool:
        if self._ahead is not mishap:
            return False
        self._ahead = None
        return True


def _row(arrival: Arrival) -> Row:
    created = START + timedelta(seconds=arrival.created)
    return Row(
        Contact(arrival.contact, "somebody@example.com"),
        created.replace(second=0, microsecond=0),
        "mobile",
        START + timedelta(seconds=arrival.seen),
    )


# --- The rules ---


@dataclass(slots=True)
class Peer:
    """What a peer's rule works with, and what it keeps from poll to poll: by `save` only."""

    stage: Stage
    mark: datetime = NEVER
    seen: frozenset[Alike] = field(default_factory=frozenset)

    def pages(self) -> Iterator[Page]:
        """Read from the head down, until the report or the time ends."""
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

    def save(self, rows: Iterable[Open], seen: frozenset[Alike] = frozenset()) -> None:
        self.mark = max([self.mark, *(row.created_time for row in rows)])
        self.seen = seen


def since_id(peer: Peer) -> None:
    """Publish what is newer than the newest known, of so many pages, and jump to the newest."""
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


def as_new_or_newer(peer: Peer) -> None:
    new = peer.rows(lambda row: row.created_time >= peer.mark)
    peer.publish(new)
    peer.save(new)


def until_first_seen(peer: Peer) -> None:
    """Stop at a row of an earlier poll; all that was ever seen is kept."""
    new = {alike(row): row for row in peer.rows(lambda row: alike(row) not in peer.seen)}
    peer.publish(new.values())
    peer.save(new.values(), peer.seen | new.keys())


def date_set_first(peer: Peer) -> None:
    """Set the last date, then publish; within a poll, a row that comes again is known."""
    new = {alike(row): row for row in peer.rows(lambda row: row.created_time > peer.mark)}
    peer.save(new.values())
    peer.publish(new.values())


def lagging(peer: Peer) -> None:
    """Read an hour more each time, for what is late."""
    new = peer.rows(lambda row: row.created_time >= peer.mark - LAG)
    peer.publish(new)
    peer.save(new)


def set_of_ties(peer: Peer) -> None:
    """Know the rows of the mark's instant by a set of their hashes."""
    rows = peer.rows(lambda row: row.created_time >= peer.mark)
    peer.publish(row for row in rows if row.created_time > peer.mark or alike(row) not in peer.seen)
    newest = max((row.created_time for row in rows), default=peer.mark)
    peer.save(rows, frozenset(alike(row) for row in rows if row.created_time == newest))


def email_opens(stage: Stage) -> Callable[[], object]:
    """Return what polls by the product's own rounds, over stores in memory."""
    tracking = MemoryTracking()
    tracking.add(activity(START))

    def report(_: str, budget: Budget) -> Report:
        return stage.report(budget)

    product = wired(tracking, MemoryLedger(), stage, stage.clock, report)
    return lambda: invoke(product, stage.clock)


def by(rule: Callable[[Peer], None]) -> Callable[[Stage], Callable[[], object]]:
    def begin(stage: Stage) -> Callable[[], object]:
        peer = Peer(stage)
        return lambda: rule(peer)

    return begin


OURS = "email-opens"
RULES: Mapping[str, Callable[[Stage], Callable[[], object]]] = {
    OURS: email_opens,
    "jump to the newest id": by(since_id),
    "newer than the mark": by(strictly_newer),
    "as new as the mark, or newer": by(as_new_or_newer),
    "stop at the first seen": by(until_first_seen),
    "last date set before emitting": by(date_set_first),
    "lag that repeats its window": by(lagging),
    "ties known as a set": by(set_of_ties),
}


# --- The table ---


@dataclass(frozen=True, slots=True)
class Outcome:
    rows: int
    lost: int
    repeated: int
    requests: int


def play(rule: str, world: str, seed: int, minutes: int) -> Outcome:
    """Poll each minute of a world, then for an hour more, then daily."""
    stage = Stage(WORLDS[world], Random(f"{seed} {world}"), minutes)
    poll = RULES[rule](stage)
    last = minutes + SETTLING_MINUTES
    days = [last + day * 24 * 60 for day in range(1, SETTLING_DAYS + 1)]
    for minute in (*range(last), *days):
        if minute > last:
            stage.settle()
        stage.begin_poll(START + minute * MINUTE + timedelta(seconds=POLLED_AT_SECOND), minute)
        with suppress(Crash, PublishFailed):
            poll()
    return stage.outcome()


def main() -> None:
    seed = int(sys.argv[1]) if sys.argv[1:] else SEED
    played = {rule: {world: play(rule, world, seed, MINUTES) for world in WORLDS} for rule in RULES}
    rows = sum(outcome.rows for outcome in played[OURS].values())
    print(f"Seed {seed}, {len(WORLDS)} worlds, {rows:,} rows in all.\n")
    print("| rule | lost | repeated | requests |\n|---|--:|--:|--:|")
    for rule, outcomes in played.items():
        lost = sum(one.lost for one in outcomes.values())
        repeated = sum(one.repeated for one in outcomes.values())
        requests = sum(one.requests for one in outcomes.values())
        print(f"| {rule} | {lost:,} | {repeated:,} | {requests:,} |")
    print(f"\n| lost / repeated | {' | '.join(WORLDS)} |\n|---|{'--:|' * len(WORLDS)}")
    for rule, outcomes in played.items():
        cells = (f"{one.lost:,} / {one.repeated:,}" for one in outcomes.values())
        print(f"| {rule} | {' | '.join(cells)} |")


if __name__ == "__main__":
    main()

"""A world with its vendor and its subscriber, through which every rule polls."""

import sys
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Any

from bench.compare.worlds import Arrival, Fault, World
from bench.vendor import ACTIVITY_ID, REQUESTS_PER_SECOND
from constant_contact_emulator import Behaviour, Contact, Limits, Row, Ties, Vendor
from email_opens.account import Tokens
from email_opens.adapters.vendor.access.tokens import TokenSource
from email_opens.adapters.vendor.api import VendorApi
from email_opens.adapters.vendor.report import ConstantContactReport
from email_opens.allowance.budget import Budget
from email_opens.errors import PublishFailed
from email_opens.model import Activity, NewOpen, Open, RejectedRow
from email_opens.ports import Delivery
from tests.fakes import FakeClock, MemoryCredentials
from tests.simulation.session import API_URL, VendorSession
from tests.world import Crash

START = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
ROWS_A_PAGE = 20

type RowKey = tuple[str, datetime, str | None]


def row_key(row: Open) -> RowKey:
    return row.contact_id, row.created_time, row.device_type


@dataclass(frozen=True, slots=True)
class Outcome:
    rows: int
    lost: int
    repeated: int
    requests: int


class Stage:
    """A world with its vendor and its subscriber; also the `Publisher` port."""

    def __init__(self, world: World, chance: Random, minutes: int) -> None:
        self.clock = FakeClock(START)
        self.requests = 0
        self.published: Counter[RowKey] = Counter()
        self._faults = list(world.faults)
        self._next_fault: Fault | None = None
        self._requests_of_poll = 0
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
        self._requests_of_poll = 0
        if minute and minute % 10 == 0 and self._faults:
            self._next_fault = self._faults.pop(0)

    def settle(self) -> None:
        """Fix the order of ties: while it changes, a walk may pass a row that no reply contains."""
        self._vendor.world.behaviour.ties = Ties.NEWEST_FIRST

    def report(self, budget: Budget | None = None) -> ConstantContactReport:
        session: Any = VendorSession(
            self._vendor, ROWS_A_PAGE, lambda action: action(), self._count_request
        )
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

    def publish(
        self, activity: Activity, opens: Sequence[NewOpen], now: datetime
    ) -> Delivery[NewOpen]:
        del activity, now
        self.deliver([new.open for new in opens])
        return Delivery(settled=tuple(opens))

    def set_aside(self, activity: Activity, rows: Sequence[RejectedRow]) -> Delivery[RejectedRow]:
        raise AssertionError(f"No row of {activity} should be rejected: {rows}")

    def deliver(self, rows: Sequence[Open]) -> None:
        if self._happens(Fault.KILLED_BEFORE_PUBLISHING):
            raise Crash
        if self._happens(Fault.HALF_PUBLISHED):
            self.published.update(map(row_key, rows[: len(rows) // 2]))
            raise PublishFailed("The topic is down.")
        self.published.update(map(row_key, rows))
        if self._happens(Fault.KILLED_AFTER_PUBLISHING):
            raise Crash

    def outcome(self) -> Outcome:
        rows = Counter(
            (row.contact.contact_id, row.created, row.device_type)
            for row in self._vendor.world.rows(ACTIVITY_ID)
        )
        lost, repeated = rows - self.published, self.published - rows
        return Outcome(rows.total(), lost.total(), repeated.total(), self.requests)

    def _count_request(self) -> None:
        self.requests += 1
        self._requests_of_poll += 1
        if self._requests_of_poll > 1 and self._happens(Fault.KILLED_READING):
            raise Crash

    def _happens(self, fault: Fault) -> bool:
        if self._next_fault is not fault:
            return False
        self._next_fault = None
        return True


def _row(arrival: Arrival) -> Row:
    created = START + timedelta(seconds=arrival.created)
    return Row(
        Contact(arrival.contact, "contact@example.com"),
        created.replace(second=0, microsecond=0),
        "mobile",
        START + timedelta(seconds=arrival.visible),
    )

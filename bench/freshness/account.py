"""An account in a world, in memory: the vendor's report and counters, and the subscriber.

Rows have a grain of a minute, like the vendor's; a delay counts from the instant at which an open
became visible.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from bench.freshness.policies import Delays
from bench.freshness.world import HOUR, Send, World
from email_opens.allowance.budget import Budget
from email_opens.errors import OutOfTime, QuotaExceeded
from email_opens.instants import next_day
from email_opens.model import Activity, CounterReadings, NewOpen, Open, Page, RejectedRow
from email_opens.ports import Delivery
from tests.fakes import FakeClock

MONDAY = datetime(2026, 3, 2, tzinfo=UTC)
"""When a world begins."""
REQUEST_SECONDS = 0.25
"""The duration of a request, at four a second."""

type CountersAsOf = Callable[[float], float]
"""The instant up to which counters include opens, given the instant at which they are read."""


def stale(minutes: float) -> CountersAsOf:
    return lambda now: now - minutes * 60


def refreshed_every(minutes: float) -> CountersAsOf:
    return lambda now: now // (minutes * 60) * minutes * 60


def instant(seconds: float) -> datetime:
    return MONDAY + timedelta(seconds=seconds)


def activity_id(send: Send) -> str:
    return f"5b1e0a52-0000-4000-8000-{send.number:012}"


def campaign_id(send: Send) -> str:
    return f"5b1e0a52-0000-4000-9000-{send.number:012}"


@dataclass(slots=True)
class Measurements:
    """What was measured of the account in the measured days."""

    delays: Delays = field(default_factory=Delays)
    requests: dict[int, int] = field(default_factory=dict)
    """By hour."""
    probes: int = 0
    longest_unread: float = 0.0
    """The longest time that a live activity was not polled, in seconds."""


@dataclass(slots=True)
class Account:
    """The vendor, as the owner of the API key sees it."""

    world: World
    clock: FakeClock
    counters_as_of: CountersAsOf | None = None
    """None: the vendor has no counters."""
    closed: Callable[[float], bool] = lambda _: False
    """Whether the day's quota is spent when a request is sent at an instant."""
    measurements: Measurements = field(default_factory=Measurements)
    _sends: dict[str, Send] = field(default_factory=dict)
    _published: dict[str, bytearray] = field(default_factory=dict)
    _read_at: dict[str, float] = field(default_factory=dict)
    _rows: dict[str, list[Open | None]] = field(default_factory=dict)

    def now(self) -> float:
        return (self.clock.now() - MONDAY).total_seconds()

    def track(self, send: Send) -> None:
        key = activity_id(send)
        self._sends[key] = self._sends[campaign_id(send)] = send
        self._published[key] = bytearray(len(send.opens))
        self._read_at[key] = max(send.tracked_at, self.now())
        self._rows[key] = [None] * len(send.opens)

    def untrack(self, send: Send) -> None:
        """Remove a send; its unread opens count as read now."""
        key, now = activity_id(send), self.now()
        self._record_unread(key, now)
        for number in range(send.opened(now)):
            if not self._published[key][number]:
                self._deliver(send, number, now)
        del self._sends[key], self._published[key], self._read_at[key], self._rows[key]

    def page(self, key: str, link: str | None, rows: int) -> Page:
        now = self.now()
        if link is None:
            self._record_unread(key, now)
            self._read_at[key] = now
        else:
            rows = int(link.split("/")[0])
        offset = int(link.split("/")[1]) if link else 0
        top = self._sends[key].opened(now) - offset
        bottom = max(0, top - rows)
        return Page(
            link,
            tuple(self._row(key, number) for number in range(top - 1, bottom - 1, -1)),
            next_link=f"{rows}/{offset + rows}" if bottom else None,
        )

    def counts(self, campaign_ids: Iterable[str]) -> CounterReadings:
        if self.now() >= self.world.begins:
            self.measurements.probes += 1
        if self.counters_as_of is None:
            return CounterReadings(missing=frozenset(campaign_ids))
        as_of = self.counters_as_of(self.now())
        return CounterReadings(
            {key: self._sends[key].opened(as_of) for key in campaign_ids}, instant(as_of)
        )

    def request(self) -> None:
        """Let the time of a request pass, and count it."""
        self.clock.sleep(REQUEST_SECONDS)
        self.count_request()

    def count_request(self) -> None:
        """Count a request that ends now.

        Raises:
            QuotaExceeded: the day's quota was spent before.
        """
        now = self.now()
        if now >= self.world.begins:
            hour = int(now // HOUR)
            self.measurements.requests[hour] = self.measurements.requests.get(hour, 0) + 1
        if self.closed(now):
            until = next_day(self.clock.now())
            raise QuotaExceeded("Another program has spent the quota.", until)

    def publish(
        self, activity: Activity, opens: Sequence[NewOpen], now: datetime
    ) -> Delivery[NewOpen]:
        seconds = (now - MONDAY).total_seconds()
        send = self._sends[activity.campaign_activity_id]
        for new in opens:
            self._deliver(send, int(new.open.contact_id), seconds)
        return Delivery(settled=tuple(opens))

    def set_aside(self, activity: Activity, rows: Sequence[RejectedRow]) -> Delivery[RejectedRow]:
        raise AssertionError(f"No row of {activity} should be rejected: {rows}")

    def _row(self, key: str, number: int) -> Open:
        rows = self._rows[key]
        row = rows[number]
        if row is None:
            created = instant(self._sends[key].opens[number] // 60 * 60)
            row = rows[number] = Open(key, str(number), created, "mobile", "contact@example.com")
        return row

    def _deliver(self, send: Send, number: int, now: float) -> None:
        published = self._published[activity_id(send)]
        assert not published[number], "An open was published twice."
        published[number] = True
        if self.world.begins <= send.opens[number] < self.world.ends:
            self.measurements.delays.add(send, send.opens[number], now)

    def _record_unread(self, key: str, now: float) -> None:
        if now >= self.world.begins:
            self.measurements.longest_unread = max(
                self.measurements.longest_unread, now - self._read_at[key]
            )


@dataclass(slots=True)
class AccountReport:
    """The Report port of a turn."""

    account: Account
    budget: Budget
    requests: int = 0
    throttled: int = 0

    def read(
        self, campaign_activity_id: str, *, link: str | None, rows: int, before: datetime
    ) -> Page:
        self._request(before)
        return self.account.page(campaign_activity_id, link, rows)

    def count(self, campaign_ids: Sequence[str], *, before: datetime) -> CounterReadings:
        self._request(before)
        return self.account.counts(campaign_ids)

    def _request(self, before: datetime) -> None:
        if self.account.clock.now() + timedelta(seconds=REQUEST_SECONDS) > before:
            raise OutOfTime("No time is left.")
        self.budget.take()
        self.requests += 1
        self.account.request()

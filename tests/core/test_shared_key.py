"""Accounts on one key, whose vendor refuses every request once they have spent its quota."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta

import pytest

from email_opens.allowance.budget import Budget
from email_opens.allowance.lease import Leases
from email_opens.errors import QuotaExceeded
from email_opens.instants import next_day
from email_opens.model import Activity, CounterReadings, Open, Page
from email_opens.turns.turns import Turns
from tests.core.setup import LEASE, LOOKBACK, steady_world
from tests.fakes import FakeClock, MemoryLedger, MemoryPublisher, MemoryTracking
from tests.world import World, WorldReport

ACCOUNTS = ("anna", "ben", "carl", "dora", "emil")
FIRST_DAY = datetime(2026, 3, 2, tzinfo=UTC)
DAY = timedelta(days=1)
BETWEEN_TURNS = timedelta(minutes=6)
QUOTA = 200
BUDGET = 180
"""Of each account: they could spend 900 of the 200."""


@dataclass(slots=True)
class Key:
    """A key with a daily quota."""

    clock: FakeClock
    answered: list[datetime] = field(default_factory=list)
    refused: list[datetime] = field(default_factory=list)
    exhausted_on: date | None = None

    def spend(self) -> None:
        now = self.clock.now()
        spent = sum(at.date() == now.date() for at in self.answered)
        if spent == QUOTA or self.exhausted_on == now.date():
            self.refused.append(now)
            raise QuotaExceeded("The day's quota is spent.", next_day(now))
        self.answered.append(now)

    def exhaust(self) -> None:
        """Let another program spend what is left of the day."""
        self.exhausted_on = self.clock.now().date()


def parts_of_day(instants: Iterable[datetime], day: int) -> list[float]:
    """Return the instants of a day, the first being 1, as parts of the day that were over."""
    begins = FIRST_DAY + (day - 1) * DAY
    return [(at - begins) / DAY for at in instants if begins <= at < begins + DAY]


class KeyReport(WorldReport):
    """A world's report, read with a key."""

    def __init__(self, world: World, budget: Budget, key: Key) -> None:
        super().__init__(world, budget)
        self._key = key

    def read(
        self, campaign_activity_id: str, *, link: str | None, rows: int, before: datetime
    ) -> Page:
        page = super().read(campaign_activity_id, link=link, rows=rows, before=before)
        self._key.spend()
        return page

    def count(self, campaign_ids: Sequence[str], *, before: datetime) -> CounterReadings:
        readings = super().count(campaign_ids, before=before)
        self._key.spend()
        return readings


class Accounts:
    """Accounts with a send a day each, which is opened evenly."""

    def __init__(self, *account_ids: str) -> None:
        self.account_ids = account_ids
        self.another_program_at: int | None = None
        """The hour in which another program spends what is left of the day."""
        self.clock = FakeClock(FIRST_DAY)
        self.key = Key(self.clock)
        self.world = steady_world(page_rows=500)
        self.tracking = MemoryTracking()
        self.turns = Turns(
            leases=Leases(tracking=self.tracking, clock=self.clock, requests_per_day=BUDGET),
            tracking=self.tracking,
            ledger=MemoryLedger(),
            publisher=MemoryPublisher(),
            clock=self.clock,
            report=lambda _, budget: KeyReport(self.world, budget, self.key),
            lookback=LOOKBACK,
        )

    def live(self, days: int) -> None:
        """Take the accounts' turns for so many days."""
        for turn in range(days * round(DAY / BETWEEN_TURNS)):
            now = FIRST_DAY + turn * BETWEEN_TURNS
            self.clock.instant = now
            if now == next_day(now) - DAY:
                self._send(now)
            if now.hour == self.another_program_at:
                self.key.exhaust()
            for rows in self.world.rows.values():
                newest = rows[0]
                rows.append(Open(newest.campaign_activity_id, f"contact-{turn}", now, None, None))
            for account_id in self.account_ids:
                until = now + LEASE
                self.turns.take_turn(account_id, holder="turn", before=until, until=until)

    def _send(self, now: datetime) -> None:
        for account_id in self.account_ids:
            activity_id = f"{account_id}-{now.date()}"
            self.world.rows[activity_id] = [Open(activity_id, "first", now, None, None)]
            assert self.tracking.add(
                Activity(
                    account_id=account_id,
                    campaign_activity_id=activity_id,
                    tracked_at=now,
                    sent_at=now,
                )
            )


@pytest.fixture(scope="module")
def accounts() -> Accounts:
    accounts = Accounts(*ACCOUNTS)
    accounts.live(days=5)
    return accounts


def test_accounts_that_do_not_know_of_each_other_spend_the_quota_early(accounts: Accounts) -> None:
    refused = parts_of_day(accounts.key.refused, 1)
    assert len(refused) == len(ACCOUNTS)
    assert max(refused) < 0.5


@pytest.mark.parametrize("day", [2, 3])
def test_on_the_next_two_days_no_account_is_refused(accounts: Accounts, day: int) -> None:
    assert parts_of_day(accounts.key.refused, day) == []


@pytest.mark.parametrize("day", [4, 5])
def test_on_later_days_no_account_is_refused_before_the_evening(
    accounts: Accounts, day: int
) -> None:
    assert min(parts_of_day(accounts.key.refused, day), default=1.0) >= 0.9


@pytest.mark.parametrize("day", [2, 3, 4, 5])
def test_on_later_days_they_spend_the_quota_together_throughout_the_day(
    accounts: Accounts, day: int
) -> None:
    answered = parts_of_day(accounts.key.answered, day)
    assert len(answered) >= 0.85 * QUOTA
    quarters = [sum(part // 0.25 == quarter for part in answered) for quarter in range(4)]
    assert min(quarters) >= 0.1 * QUOTA


def test_each_account_keeps_a_like_share(accounts: Accounts) -> None:
    shares = [account.key_share for account in accounts.tracking.accounts.values()]
    assert {share.requests for share in shares if share} <= {38, 39, 40}
    assert None not in shares


def test_an_account_does_not_yield_day_after_day_to_a_program_that_takes_all_it_leaves() -> None:
    accounts = Accounts("anna")
    accounts.another_program_at = 12
    accounts.live(days=9)
    spent = [len(parts_of_day(accounts.key.answered, day)) for day in range(1, 10)]
    # By noon, a day with a send at midnight has more than half of its opens.
    assert min(spent) >= 0.4 * spent[0]
    assert sum(spent[4:]) >= 0.9 * sum(spent[1:5])

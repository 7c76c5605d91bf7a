"""The lease of an account: taken, waited for, given back, and what an error leaves of it."""

from contextlib import suppress
from copy import replace
from datetime import datetime, timedelta

import pytest

from email_opens.account import Account, CounterTrust, KeyShare
from email_opens.allowance.budget import BLOCK
from email_opens.allowance.lease import AGAIN, LONGEST, Leases, is_held_by_another
from email_opens.errors import (
    AccountBusy,
    AccountResting,
    AccountStopped,
    BudgetSpent,
    OutOfTime,
    QuotaExceeded,
    Throttled,
)
from email_opens.instants import iso, next_day
from tests.fakes import FakeClock, MemoryTracking

MINUTE = timedelta(minutes=1)
HOUR = timedelta(hours=1)


class BusyTracking(MemoryTracking):
    """A tracking whose account is leased at each attempt, and free at each read."""

    def lease(self, *_: object, **__: object) -> None:
        return None


@pytest.fixture
def tracking() -> MemoryTracking:
    return MemoryTracking()


@pytest.fixture
def leases(tracking: MemoryTracking, clock: FakeClock) -> Leases:
    return Leases(tracking=tracking, clock=clock, requests_per_day=100)


def take(leases: Leases, lasts: timedelta, holder: str = "another", spent: int = 0) -> None:
    """Let another holder take the account, and spend requests."""
    now = leases.clock.now()
    leases.tracking.lease(
        "default", holder=holder, now=now, until=now + lasts, reserve=spent, budget=spent
    )


def give_back(
    leases: Leases,
    *,
    closed_until: datetime | None = None,
    last_error: str | None = None,
    rests_until: datetime | None = None,
    outages: int = 0,
    key_share: KeyShare | None = None,
) -> None:
    """Let that holder give the account back."""
    leases.tracking.release(
        "default",
        holder="another",
        day=leases.clock.now().date().isoformat(),
        unused=0,
        closed_until=closed_until,
        last_error=last_error,
        rests_until=rests_until,
        outages=outages,
        key_share=key_share,
    )


def spend_until_refused(leases: Leases, requests: int, *, after: timedelta = timedelta()) -> None:
    """Spend requests under a lease, of which the vendor refuses the last one."""
    with suppress(QuotaExceeded), leases.hold("default", holder="me") as lease:
        for _ in range(requests):
            lease.budget.take()
        leases.clock.sleep(after.total_seconds())
        raise QuotaExceeded("The day's quota is spent.", next_day(leases.clock.now()))


def sleep_until(clock: FakeClock, instant: datetime) -> None:
    clock.sleep((instant - clock.now()).total_seconds())


class TestHolding:
    def test_creates_an_unknown_account(self, leases: Leases, tracking: MemoryTracking) -> None:
        with leases.hold("default", holder="me"):
            assert tracking.accounts["default"].lease_holder == "me"
        assert tracking.accounts["default"].lease_holder is None

    def test_ends_after_its_time(self, leases: Leases, tracking: MemoryTracking) -> None:
        now = leases.clock.now()
        with leases.hold("default", holder="me", lasts=MINUTE):
            assert tracking.accounts["default"].lease_until == now + MINUTE

    def test_ends_when_the_invocation_does(self, leases: Leases, tracking: MemoryTracking) -> None:
        until = leases.clock.now() + MINUTE
        with leases.hold("default", holder="me", until=until, lasts=HOUR):
            assert tracking.accounts["default"].lease_until == until

    def test_keeps_time_to_record_what_is_in_hand(self, leases: Leases) -> None:
        now, commit = leases.clock.now(), timedelta(seconds=10)
        with leases.hold("default", holder="me", lasts=MINUTE, commit=commit) as lease:
            assert lease.before == now + MINUTE - commit

    def test_begins_no_request_on_the_next_day(self, leases: Leases, clock: FakeClock) -> None:
        midnight = next_day(clock.now())
        clock.sleep((midnight - clock.now()).total_seconds() - 5)
        with leases.hold("default", holder="me", lasts=MINUTE) as lease:
            assert lease.before == midnight

    def test_stores_what_was_learned_of_the_counters(
        self, leases: Leases, tracking: MemoryTracking
    ) -> None:
        with leases.hold("default", holder="me") as lease:
            lease.counter_trust = CounterTrust(missed=0.5)
        assert tracking.accounts["default"].counter_trust == CounterTrust(missed=0.5)

    def test_gives_back_the_requests_that_were_not_spent(
        self, leases: Leases, tracking: MemoryTracking
    ) -> None:
        with leases.hold("default", holder="me") as lease:
            assert tracking.accounts["default"].requests_spent == BLOCK
            lease.budget.take()
        assert tracking.accounts["default"].requests_spent == 1

    def test_says_until_when_the_lease_lasts(self, leases: Leases) -> None:
        with leases.hold("default", holder="me", lasts=MINUTE) as lease:
            assert lease.budget.lease_until == lease.until == leases.clock.now() + MINUTE

    def test_reserves_more_requests_as_they_are_needed(
        self, leases: Leases, tracking: MemoryTracking
    ) -> None:
        with leases.hold("default", holder="me") as lease:
            for _ in range(BLOCK + 1):
                lease.budget.take()
            assert tracking.accounts["default"].requests_spent == 100
        assert tracking.accounts["default"].requests_spent == BLOCK + 1

    def test_allows_no_more_requests_than_the_day_has_left(self, leases: Leases) -> None:
        take(leases, timedelta(), spent=98)
        give_back(leases)
        with leases.hold("default", holder="me") as lease:
            lease.budget.take()
            lease.budget.take()
            with pytest.raises(BudgetSpent):
                lease.budget.take()


class TestALostLease:
    def test_ends_the_work_though_the_day_has_requests_left(
        self, leases: Leases, clock: FakeClock
    ) -> None:
        with leases.hold("default", holder="x", lasts=MINUTE) as lease:
            for _ in range(lease.budget.unused):
                lease.budget.take()
            clock.sleep(61)
            take(leases, MINUTE)
            with pytest.raises(OutOfTime, match="lease was lost"):
                lease.budget.take()


class TestWaiting:
    def test_is_not_done_unless_asked_for(self, leases: Leases, clock: FakeClock) -> None:
        take(leases, MINUTE)
        before = clock.now()
        with pytest.raises(AccountBusy), leases.hold("default", holder="me"):
            pass
        assert clock.now() == before

    def test_lasts_until_the_lease_ends(self, leases: Leases, clock: FakeClock) -> None:
        take(leases, MINUTE)
        before = clock.now()
        with leases.hold("default", holder="me", wait=2 * MINUTE):
            assert MINUTE <= clock.now() - before <= MINUTE + AGAIN

    def test_ends_with_its_time(self, leases: Leases, clock: FakeClock) -> None:
        take(leases, HOUR / 5)
        before = clock.now()
        with pytest.raises(AccountBusy), leases.hold("default", holder="me", wait=MINUTE):
            pass
        assert clock.now() - before <= MINUTE

    @pytest.mark.parametrize(
        ("holder", "worker"),
        [
            ("email-opens replay 1f2e", "`email-opens replay`"),
            ("email-opens", "A turn of the function"),
            ("7d9c0e1a-request", "A turn of the function"),
        ],
    )
    def test_says_for_whom_and_until_when(self, leases: Leases, holder: str, worker: str) -> None:
        take(leases, MINUTE, holder=holder)
        until = iso(leases.clock.now() + MINUTE)
        working = f"{worker} is working on account default, until {until} at the latest"
        with pytest.raises(AccountBusy) as raised, leases.hold("default", holder="me"):
            pass
        assert str(raised.value) == f"{working}. Try again in a minute."
        sentences: list[str] = []
        with leases.hold("default", holder="me", wait=2 * MINUTE, on_wait=sentences.append):
            pass
        assert sentences == [f"{working}; waiting for it."]

    def test_names_no_end_when_the_lease_was_just_given_back(self, clock: FakeClock) -> None:
        leases = Leases(tracking=BusyTracking(), clock=clock, requests_per_day=100)
        with pytest.raises(AccountBusy) as raised, leases.hold("default", holder="me"):
            pass
        working = "A turn of the function is working on account default"
        assert str(raised.value) == f"{working}. Try again in a minute."

    def test_is_not_announced_for_a_free_account(self, leases: Leases) -> None:
        sentences: list[str] = []
        with leases.hold("default", holder="me", wait=MINUTE, on_wait=sentences.append):
            pass
        assert sentences == []


class TestAClosedQuota:
    def test_refuses_every_request(self, leases: Leases) -> None:
        opens_at = next_day(leases.clock.now())
        take(leases, timedelta())
        give_back(leases, closed_until=opens_at)
        with (
            pytest.raises(QuotaExceeded) as closed,
            leases.hold("default", holder="me") as lease,
        ):
            lease.budget.take()
        assert closed.value.until == opens_at

    def test_stays_closed(self, leases: Leases, tracking: MemoryTracking) -> None:
        opens_at = next_day(leases.clock.now())
        take(leases, timedelta())
        give_back(leases, closed_until=opens_at)
        with leases.hold("default", holder="me"):
            pass
        assert tracking.accounts["default"].closed_until == opens_at

    def test_that_is_stored_for_longer_than_the_day_is_open_and_forgotten(
        self, leases: Leases, tracking: MemoryTracking
    ) -> None:
        take(leases, timedelta())
        give_back(leases, closed_until=next_day(leases.clock.now()) + 30 * 24 * HOUR)
        with leases.hold("default", holder="me") as lease:
            lease.budget.take()
        assert tracking.accounts["default"].closed_until is None

    def test_of_another_key_does_not_count(self, leases: Leases) -> None:
        take(leases, timedelta())
        give_back(leases, closed_until=next_day(leases.clock.now()))
        with leases.hold("default", holder="me") as lease:
            lease.budget.reopen()
            lease.budget.take()


class TestARest:
    def test_refuses_every_request_and_says_why(self, leases: Leases) -> None:
        until = leases.clock.now() + MINUTE
        take(leases, timedelta())
        give_back(leases, rests_until=until, last_error="The vendor throttled every attempt.")
        with (
            pytest.raises(
                AccountResting,
                match=r"No request .* before 2026-03-02T14:01:00Z\. The vendor throttled every",
            ) as resting,
            leases.hold("default", holder="me") as lease,
        ):
            lease.budget.take()
        assert resting.value.until == until

    def test_and_its_reason_stay_when_it_refuses_a_request(
        self, leases: Leases, tracking: MemoryTracking
    ) -> None:
        until = leases.clock.now() + MINUTE
        take(leases, timedelta())
        give_back(leases, rests_until=until, last_error="Throttled.", outages=2)
        with pytest.raises(AccountResting), leases.hold("default", holder="me") as lease:
            lease.budget.take()
        account = tracking.accounts["default"]
        assert (account.rests_until, account.last_error, account.outages) == (
            until,
            "Throttled.",
            2,
        )

    def test_holds_across_midnight(self, leases: Leases, clock: FakeClock) -> None:
        midnight = next_day(clock.now())
        clock.sleep((midnight - clock.now() - 5 * MINUTE).total_seconds())
        take(leases, timedelta())
        give_back(leases, rests_until=midnight + 5 * MINUTE)
        clock.sleep((9 * MINUTE).total_seconds())
        with pytest.raises(AccountResting), leases.hold("default", holder="me") as lease:
            lease.budget.take()

    def test_is_over_in_time(self, leases: Leases, tracking: MemoryTracking) -> None:
        take(leases, timedelta())
        give_back(leases, rests_until=leases.clock.now())
        with leases.hold("default", holder="me") as lease:
            lease.budget.take()
        assert tracking.accounts["default"].rests_until is None

    def test_that_is_stored_for_longer_than_a_day_is_ignored_and_forgotten(
        self, leases: Leases, tracking: MemoryTracking
    ) -> None:
        take(leases, timedelta())
        give_back(leases, rests_until=leases.clock.now() + 24 * HOUR + MINUTE)
        with leases.hold("default", holder="me") as lease:
            lease.budget.take()
        assert tracking.accounts["default"].rests_until is None

    def test_that_a_reply_asked_for_is_stored_whatever_becomes_of_its_error(
        self, leases: Leases, tracking: MemoryTracking
    ) -> None:
        now = leases.clock.now()
        with leases.hold("default", holder="me") as lease:
            lease.budget.rest(now, MINUTE, "Throttled.")
        assert tracking.accounts["default"].rests_until == now + MINUTE

    def test_that_an_error_carries_is_stored(
        self, leases: Leases, tracking: MemoryTracking
    ) -> None:
        until = leases.clock.now() + MINUTE
        with pytest.raises(Throttled), leases.hold("default", holder="me"):
            raise Throttled("The token endpoint asks for a pause.", until)
        assert tracking.accounts["default"].rests_until == until

    def test_is_a_day_at_most(self, leases: Leases, tracking: MemoryTracking) -> None:
        now = leases.clock.now()
        with leases.hold("default", holder="me") as lease:
            lease.budget.rest(now, 48 * HOUR, "Throttled.")
        assert tracking.accounts["default"].rests_until == now + 24 * HOUR

    def test_of_another_key_does_not_count(self, leases: Leases) -> None:
        take(leases, timedelta())
        give_back(leases, rests_until=leases.clock.now() + MINUTE)
        with leases.hold("default", holder="me") as lease:
            lease.budget.reopen()
            lease.budget.take()

    def test_is_longer_if_a_test_was_not_answered_by_the_end_of_the_lease(
        self, leases: Leases, tracking: MemoryTracking
    ) -> None:
        now = leases.clock.now()
        take(leases, timedelta())
        give_back(leases, outages=1)
        with leases.hold("default", holder="me") as lease:
            lease.budget.note_failure("a", now, "The vendor answered 503.", 10 * MINUTE)
        account = tracking.accounts["default"]
        assert (account.rests_until, account.outages, account.last_error) == (
            now + 10 * MINUTE,
            2,
            "The vendor answered 503.",
        )


class TestAnError:
    def test_about_the_account_is_stored(self, leases: Leases, tracking: MemoryTracking) -> None:
        with pytest.raises(AccountStopped), leases.hold("default", holder="me"):
            raise AccountStopped("The vendor gave no token.")
        assert tracking.accounts["default"].last_error == "The vendor gave no token."

    def test_about_the_quota_closes_the_day(self, leases: Leases, tracking: MemoryTracking) -> None:
        opens_at = next_day(leases.clock.now())
        with pytest.raises(QuotaExceeded), leases.hold("default", holder="me"):
            raise QuotaExceeded("The quota is spent.", opens_at)
        assert tracking.accounts["default"].closed_until == opens_at

    @pytest.mark.parametrize("error", [OutOfTime("No time."), ZeroDivisionError()])
    def test_about_anything_else_leaves_the_stored_error(
        self, leases: Leases, tracking: MemoryTracking, error: Exception
    ) -> None:
        take(leases, timedelta())
        give_back(leases, last_error="The vendor gave no token.")
        with pytest.raises(type(error)), leases.hold("default", holder="me"):
            raise error
        account = tracking.accounts["default"]
        assert (account.lease_holder, account.last_error) == (None, "The vendor gave no token.")


class TestARefusalOfTheVendor:
    @pytest.fixture
    def today(self, clock: FakeClock) -> datetime:
        return clock.now().replace(hour=0)

    def test_teaches_what_others_leave_of_the_key(
        self, leases: Leases, tracking: MemoryTracking, today: datetime
    ) -> None:
        spend_until_refused(leases, 80)
        assert tracking.accounts["default"].key_share == KeyShare(76, today.date())

    def test_counts_the_requests_of_earlier_leases(
        self, leases: Leases, tracking: MemoryTracking, today: datetime
    ) -> None:
        take(leases, timedelta(), spent=60)
        give_back(leases)
        spend_until_refused(leases, 20)
        assert tracking.accounts["default"].key_share == KeyShare(76, today.date())

    def test_leaves_a_tenth_of_the_own_budget(
        self, leases: Leases, tracking: MemoryTracking, today: datetime
    ) -> None:
        spend_until_refused(leases, 1)
        assert tracking.accounts["default"].key_share == KeyShare(10, today.date())

    @pytest.mark.parametrize(("spent", "learned"), [(95, True), (96, False)])
    def test_teaches_nothing_once_the_own_budget_is_nearly_spent(
        self, leases: Leases, tracking: MemoryTracking, spent: int, learned: bool
    ) -> None:
        spend_until_refused(leases, spent)
        assert (tracking.accounts["default"].key_share is not None) is learned

    def test_that_is_only_remembered_teaches_nothing_new(
        self, leases: Leases, tracking: MemoryTracking
    ) -> None:
        spend_until_refused(leases, 80)
        learned = tracking.accounts["default"].key_share
        leases.clock.sleep(60)
        with pytest.raises(QuotaExceeded), leases.hold("default", holder="me") as lease:
            lease.budget.take()
        assert tracking.accounts["default"].key_share is learned

    def test_of_another_key_teaches_nothing(self, leases: Leases, tracking: MemoryTracking) -> None:
        with suppress(QuotaExceeded), leases.hold("default", holder="me") as lease:
            lease.budget.reopen()
            lease.budget.take()
            raise QuotaExceeded("The quota is spent.", next_day(leases.clock.now()))
        assert tracking.accounts["default"].key_share is None

    @pytest.mark.parametrize(("since_midnight", "learned"), [(MINUTE, False), (15 * MINUTE, True)])
    def test_soon_after_midnight_teaches_nothing(
        self,
        leases: Leases,
        tracking: MemoryTracking,
        clock: FakeClock,
        since_midnight: timedelta,
        learned: bool,
    ) -> None:
        sleep_until(clock, next_day(clock.now()) + since_midnight)
        spend_until_refused(leases, 80)
        assert (tracking.accounts["default"].key_share is not None) is learned

    @pytest.mark.parametrize("after", [2 * MINUTE, 20 * MINUTE, -24 * HOUR])
    def test_on_another_day_than_its_lease_began_teaches_nothing(
        self, leases: Leases, tracking: MemoryTracking, clock: FakeClock, after: timedelta
    ) -> None:
        sleep_until(clock, next_day(clock.now()) - MINUTE)
        spend_until_refused(leases, 80, after=after)
        assert tracking.accounts["default"].key_share is None


class TestAnAccountThatSharesItsKey:
    @pytest.fixture(autouse=True)
    def share(self, leases: Leases, clock: FakeClock) -> KeyShare:
        """The share of the day, learned the day before."""
        share = KeyShare(70, clock.now().date() - timedelta(days=1))
        take(leases, timedelta())
        give_back(leases, key_share=share)
        return share

    def test_spends_no_more_than_its_share(self, leases: Leases, tracking: MemoryTracking) -> None:
        with leases.hold("default", holder="me") as lease:
            assert (lease.budget.left, lease.requests_per_day) == (70, 70)
            for _ in range(70):
                lease.budget.take()
            assert tracking.accounts["default"].requests_spent == 70
            with pytest.raises(BudgetSpent):
                lease.budget.take()
        assert tracking.accounts["default"].requests_spent == 70

    def test_gives_back_what_was_reserved_beyond_its_share(
        self, leases: Leases, tracking: MemoryTracking
    ) -> None:
        take(leases, timedelta(), spent=68)
        give_back(leases)
        with leases.hold("default", holder="me") as lease:
            assert tracking.accounts["default"].requests_spent == 100
            assert lease.budget.left == 2
            lease.budget.take()
            lease.budget.take()
            with pytest.raises(BudgetSpent):
                lease.budget.take()
        assert tracking.accounts["default"].requests_spent == 70

    @pytest.mark.parametrize("spent", [70, 85, 100])
    def test_sends_nothing_once_its_share_is_spent(
        self, leases: Leases, tracking: MemoryTracking, spent: int
    ) -> None:
        take(leases, timedelta(), spent=spent)
        give_back(leases)
        with leases.hold("default", holder="me") as lease:
            assert lease.budget.left == 0
            with pytest.raises(BudgetSpent):
                lease.budget.take()
        assert tracking.accounts["default"].requests_spent == spent

    def test_may_spend_more_on_a_persons_command(
        self, leases: Leases, tracking: MemoryTracking
    ) -> None:
        commands = replace(leases, keeps_to_share=False)
        with commands.hold("default", holder="me") as lease:
            assert (lease.budget.left, lease.requests_per_day) == (100, 100)
            for _ in range(80):
                lease.budget.take()
        assert tracking.accounts["default"].requests_spent == 80

    def test_learns_a_smaller_share_when_it_is_refused_again(
        self, leases: Leases, tracking: MemoryTracking, clock: FakeClock
    ) -> None:
        sleep_until(clock, next_day(clock.now()) - HOUR)
        spend_until_refused(leases, 60)
        assert tracking.accounts["default"].key_share == KeyShare(57, clock.now().date())

    @pytest.mark.parametrize(("left", "learned"), [(4.7 * HOUR, True), (4.9 * HOUR, False)])
    def test_does_not_yield_to_others_that_take_whatever_it_leaves(
        self,
        leases: Leases,
        tracking: MemoryTracking,
        share: KeyShare,
        clock: FakeClock,
        left: timedelta,
        learned: bool,
    ) -> None:
        sleep_until(clock, next_day(clock.now()) - left)
        spend_until_refused(leases, 42)
        assert (tracking.accounts["default"].key_share != share) is learned

    def test_learns_no_larger_share_from_what_a_command_spent(
        self, leases: Leases, tracking: MemoryTracking, clock: FakeClock
    ) -> None:
        sleep_until(clock, next_day(clock.now()) - HOUR)
        spend_until_refused(replace(leases, keeps_to_share=False), 90)
        assert tracking.accounts["default"].key_share == KeyShare(66, clock.now().date())

    def test_keeps_its_share_while_it_is_not_refused(
        self, leases: Leases, tracking: MemoryTracking, share: KeyShare
    ) -> None:
        with leases.hold("default", holder="me") as lease:
            lease.budget.take()
        assert tracking.accounts["default"].key_share == share


@pytest.mark.parametrize(
    ("holder", "left", "held"),
    [
        ("another", MINUTE, True),
        ("me", MINUTE, False),
        ("another", timedelta(), False),
        ("another", LONGEST, True),
        ("another", LONGEST + MINUTE, False),
    ],
)
def test_a_lease_is_anothers_for_its_time_and_never_longer_than_an_invocation(
    clock: FakeClock, holder: str, left: timedelta, held: bool
) -> None:
    now = clock.now()
    account = Account(account_id="default", lease_holder=holder, lease_until=now + left)
    assert is_held_by_another(account, "me", now) is held

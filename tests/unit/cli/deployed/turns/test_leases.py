"""Commands that work under an account's lease."""

import re
from collections.abc import Callable
from copy import replace
from datetime import datetime, timedelta
from itertools import pairwise

import pytest
import typer

from email_opens.account import Account
from email_opens.allowance.lease import NO_WAIT
from email_opens.bootstrap.product import EmailOpens
from email_opens.errors import AccountBusy, AccountStopped, BudgetSpent, OutOfTime
from email_opens_cli.deployed.turns.leases import REST_SECONDS, hold, work_in_leases
from tests.conftest import Aws
from tests.core.setup import Pages
from tests.fakes import FakeClock
from tests.unit.cli.slow_report import slow_product
from tests.unit.cli.world import World, complaint, run

WAIT = timedelta(minutes=5)


@pytest.fixture
def product(aws: Aws) -> EmailOpens:
    return slow_product(aws, Pages({}))[0]


def take(product: EmailOpens, minutes: float, holder: str = "x") -> None:
    """Lease the account to another holder for some minutes."""
    now = product.clock.now()
    until = now + timedelta(minutes=minutes)
    product.tracking.lease("default", holder=holder, now=now, until=until, reserve=0, budget=9)


def account(product: EmailOpens) -> Account:
    stored = product.tracking.account("default")
    assert stored
    return stored


def work(product: EmailOpens, results: list[bool], wait: timedelta = WAIT) -> list[bool]:
    """Work under one lease for each result (whether the work is done); return the unused ones."""
    remaining = iter(results)
    work_in_leases(product.leases, "default", "test", lambda _: next(remaining), wait=wait)
    return list(remaining)


def test_work_continues_under_another_lease_until_it_is_done(product: EmailOpens) -> None:
    assert work(product, [False, False, True]) == []


def test_a_command_rests_between_two_leases(product: EmailOpens) -> None:
    before = product.clock.now()
    work(product, [False, True])
    assert (product.clock.now() - before).total_seconds() == REST_SECONDS


def test_work_that_runs_out_of_time_continues_under_another_lease(product: EmailOpens) -> None:
    results = iter([OutOfTime("No time is left."), None])

    def run_out_once(_: object) -> bool:
        if error := next(results):
            raise error
        return True

    work_in_leases(product.leases, "default", "test", run_out_once, wait=WAIT)
    assert list(results) == []


def test_work_ends_when_the_days_budget_is_spent(product: EmailOpens) -> None:
    def spend_all(_: object) -> bool:
        raise BudgetSpent("The day's budget of requests is spent.")

    with pytest.raises(BudgetSpent):
        work_in_leases(product.leases, "default", "test", spend_all, wait=WAIT)


def test_a_command_waits_until_the_lease_is_free(product: EmailOpens) -> None:
    take(product, minutes=3)
    assert work(product, [True]) == []


@pytest.mark.parametrize(
    ("holder", "worker"),
    [
        ("email-opens audit 1234", "`email-opens audit`"),
        ("1b2c-the-id-of-a-request", "A turn of the function"),
    ],
)
def test_a_waiting_command_names_the_holder_of_the_lease(
    product: EmailOpens, capsys: pytest.CaptureFixture[str], holder: str, worker: str
) -> None:
    take(product, minutes=1, holder=holder)
    work(product, [True])
    (line,) = capsys.readouterr().err.splitlines()
    assert re.fullmatch(
        f"{worker} is working on account default, until 2026-03-02T.*Z at the latest; "
        "waiting for it. Ctrl-C stops waiting.",
        line,
    )


def test_a_command_waits_no_longer_than_its_wait_allows(product: EmailOpens) -> None:
    take(product, minutes=10)
    with pytest.raises(AccountBusy, match="Try again in a minute"):
        work(product, [True])
    assert product.clock.now() - take_time(product) <= WAIT


def take_time(product: EmailOpens) -> datetime:
    until = account(product).lease_until
    assert until
    return until - timedelta(minutes=10)


def test_a_command_without_a_wait_fails_at_once(product: EmailOpens) -> None:
    take(product, minutes=1)
    before = product.clock.now()
    with pytest.raises(AccountBusy):
        work(product, [True], NO_WAIT)
    assert product.clock.now() == before


def test_ctrl_c_ends_the_wait(product: EmailOpens, capsys: pytest.CaptureFixture[str]) -> None:
    class InterruptedClock(FakeClock):
        def sleep(self, _: float) -> None:
            raise KeyboardInterrupt

    take(product, minutes=1)
    leases = replace(product.leases, clock=InterruptedClock(product.clock.now()))
    with pytest.raises(typer.Exit) as exit_, hold(leases, "default", "test", wait=WAIT):
        pass
    assert exit_.value.exit_code == 130
    assert "Stopped waiting for account default." in capsys.readouterr().err


def test_ctrl_c_under_the_lease_releases_it(product: EmailOpens) -> None:
    with (
        pytest.raises(KeyboardInterrupt),
        hold(product.leases, "default", "test", wait=WAIT),
    ):
        raise KeyboardInterrupt
    assert account(product).lease_holder is None


class BusyAfterEachLease(FakeClock):
    """A clock on which another holder leases the account while a command rests."""

    def __init__(self, take: Callable[[], None]) -> None:
        super().__init__()
        self._take = take

    def sleep(self, seconds: float) -> None:
        if seconds == REST_SECONDS:
            self._take()
        super().sleep(seconds)


@pytest.mark.parametrize("wait", [NO_WAIT, WAIT])
@pytest.mark.parametrize(("minutes", "unused"), [(3, []), (10, None)])
def test_a_command_waits_five_minutes_for_a_later_lease(
    product: EmailOpens, minutes: float, unused: list[bool] | None, wait: timedelta
) -> None:
    clock = BusyAfterEachLease(lambda: take(product, minutes))
    product = replace(product, clock=clock, leases=replace(product.leases, clock=clock))
    if unused is None:
        with pytest.raises(AccountBusy):
            work(product, [False, True], wait)
    else:
        assert work(product, [False, True], wait) == unused


def test_unspent_requests_are_returned_to_the_budget(product: EmailOpens) -> None:
    with hold(product.leases, "default", "test", wait=WAIT):
        assert account(product).requests_spent > 0
    assert (account(product).requests_spent, account(product).lease_holder) == (0, None)


def test_an_error_about_the_account_is_stored(product: EmailOpens) -> None:
    with pytest.raises(AccountStopped), hold(product.leases, "default", "test", wait=WAIT):
        raise AccountStopped("The vendor does not answer.")
    assert account(product).last_error == "The vendor does not answer."


def test_the_lease_is_released_after_an_unexpected_error(product: EmailOpens) -> None:
    with pytest.raises(ZeroDivisionError), hold(product.leases, "default", "test", wait=WAIT):
        raise ZeroDivisionError
    assert account(product).lease_holder is None


class TestBudgetAndPace:
    """Commands keep to the pace and to the day's budget, as turns do."""

    @pytest.fixture
    def activity_id(self, world: World) -> str:
        activity_id = world.opened(2)
        world.track(activity_id)
        return activity_id

    def test_a_command_sends_no_more_requests_than_the_day_allows(
        self, world: World, activity_id: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("REQUESTS_PER_DAY", "1")
        monkeypatch.setenv("RESERVED_PERCENT", "0")
        result = run("audit", activity_id)
        assert "counter could not be read" in result.stdout
        assert len([call for call in world.vendor.requests if "/v3/" in call.path]) == 1

    def test_a_command_is_refused_when_the_days_budget_is_spent(
        self, world: World, activity_id: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("REQUESTS_PER_DAY", "1")
        run("audit", activity_id)
        before = len(world.vendor.requests)
        assert "budget of requests is spent" in complaint(run("audit", activity_id), 1)
        assert len(world.vendor.requests) == before

    def test_the_requests_of_a_command_are_evenly_spaced(
        self, world: World, activity_id: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("REQUESTS_PER_SECOND", "4")
        assert run("audit", activity_id).exit_code == 0
        times = [call.time for call in world.vendor.requests if "/v3/reports" in call.path]
        gaps = [later - earlier for earlier, later in pairwise(times)]
        assert len(gaps) >= 1
        assert min(gaps) >= timedelta(seconds=0.2)

"""An account's lease in the hands of a command."""

import re
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta
from itertools import pairwise

import pytest
import typer

from email_opens.bootstrap import EmailOpens
from email_opens.errors import AccountBusy, AccountStopped, BudgetSpent, OutOfTime
from email_opens.model import Account
from email_opens.turns.lease import NO_WAIT
from email_opens_cli.deployed.leases import REST_SECONDS, hold, work_in_leases
from tests.conftest import Aws
from tests.core.setup import Pages
from tests.fakes import FakeClock
from tests.unit.cli.terminal.slow import slow_product
from tests.unit.cli.world import World, complaint, run

WAIT = timedelta(minutes=5)


@pytest.fixture
def wired(aws: Aws) -> EmailOpens:
    return slow_product(aws, Pages({}))[0]


def take(wired: EmailOpens, minutes: float, holder: str = "x") -> None:
    """Let another holder take the account's lease."""
    now = wired.clock.now()
    until = now + timedelta(minutes=minutes)
    wired.tracking.lease("default", holder=holder, now=now, until=until, reserve=0, budget=9)


def account(wired: EmailOpens) -> Account:
    found = wired.tracking.account("default")
    assert found
    return found


def work(wired: EmailOpens, done: list[bool], wait: timedelta = WAIT) -> list[bool]:
    """Work under a lease for each of these results; return those that are left."""
    results = iter(done)
    work_in_leases(wired.leases, "default", "test", lambda _: next(results), wait=wait)
    return list(results)


def test_work_continues_under_another_lease_until_it_is_done(wired: EmailOpens) -> None:
    assert work(wired, [False, False, True]) == []


def test_the_account_is_left_alone_between_two_leases(wired: EmailOpens) -> None:
    before = wired.clock.now()
    work(wired, [False, True])
    assert (wired.clock.now() - before).total_seconds() == REST_SECONDS


def test_work_that_ran_out_of_time_continues(wired: EmailOpens) -> None:
    results = iter([OutOfTime("No time is left."), None])

    def run_out_once(_: object) -> bool:
        if error := next(results):
            raise error
        return True

    work_in_leases(wired.leases, "default", "test", run_out_once, wait=WAIT)
    assert list(results) == []


def test_work_ends_when_the_day_has_no_request_left(wired: EmailOpens) -> None:
    def spend_all(_: object) -> bool:
        raise BudgetSpent("The day's budget of requests is spent.")

    with pytest.raises(BudgetSpent):
        work_in_leases(wired.leases, "default", "test", spend_all, wait=WAIT)


def test_a_command_waits_until_the_lease_is_given_back(wired: EmailOpens) -> None:
    take(wired, minutes=3)
    assert work(wired, [True]) == []


@pytest.mark.parametrize(
    ("holder", "worker"),
    [
        ("email-opens audit 1234", "`email-opens audit`"),
        ("1b2c-the-id-of-a-request", "A turn of the function"),
    ],
)
def test_a_command_says_for_whom_it_waits(
    wired: EmailOpens, capsys: pytest.CaptureFixture[str], holder: str, worker: str
) -> None:
    take(wired, minutes=1, holder=holder)
    work(wired, [True])
    (line,) = capsys.readouterr().err.splitlines()
    assert re.fullmatch(
        f"{worker} is working on account default, until 2026-03-02T.*Z at the latest; "
        "waiting for it. Ctrl-C stops waiting.",
        line,
    )


def test_a_command_does_not_wait_longer_than_it_was_asked_to(wired: EmailOpens) -> None:
    take(wired, minutes=10)
    with pytest.raises(AccountBusy, match="Try again in a minute"):
        work(wired, [True])
    assert wired.clock.now() - take_time(wired) <= WAIT


def take_time(wired: EmailOpens) -> datetime:
    until = account(wired).lease_until
    assert until
    return until - timedelta(minutes=10)


def test_a_command_need_not_wait(wired: EmailOpens) -> None:
    take(wired, minutes=1)
    before = wired.clock.now()
    with pytest.raises(AccountBusy):
        work(wired, [True], NO_WAIT)
    assert wired.clock.now() == before


def test_ctrl_c_ends_the_wait(wired: EmailOpens, capsys: pytest.CaptureFixture[str]) -> None:
    class Interrupted(FakeClock):
        def sleep(self, _: float) -> None:
            raise KeyboardInterrupt

    take(wired, minutes=1)
    leases = replace(wired.leases, clock=Interrupted(wired.clock.now()))
    with pytest.raises(typer.Exit) as ended, hold(leases, "default", "test", wait=WAIT):
        pass
    assert ended.value.exit_code == 130
    assert "Stopped waiting; nothing was changed." in capsys.readouterr().err


def test_ctrl_c_under_the_lease_gives_it_back(wired: EmailOpens) -> None:
    with (
        pytest.raises(KeyboardInterrupt),
        hold(wired.leases, "default", "test", wait=WAIT),
    ):
        raise KeyboardInterrupt
    assert account(wired).lease_holder is None


class BusyAfterEachLease(FakeClock):
    """While a command rests, another holder takes the account for some minutes."""

    def __init__(self, take: Callable[[], None]) -> None:
        super().__init__()
        self._take = take

    def sleep(self, seconds: float) -> None:
        if seconds == REST_SECONDS:
            self._take()
        super().sleep(seconds)


@pytest.mark.parametrize(("minutes", "left"), [(3, []), (10, None)])
def test_later_leases_are_waited_for_as_the_first_one(
    wired: EmailOpens, minutes: float, left: list[bool] | None
) -> None:
    clock = BusyAfterEachLease(lambda: take(wired, minutes))
    wired = replace(wired, clock=clock, leases=replace(wired.leases, clock=clock))
    if left is None:
        with pytest.raises(AccountBusy):
            work(wired, [False, True])
    else:
        assert work(wired, [False, True]) == left


def test_requests_that_were_not_spent_are_given_back(wired: EmailOpens) -> None:
    with hold(wired.leases, "default", "test", wait=WAIT):
        assert account(wired).requests_spent > 0
    assert (account(wired).requests_spent, account(wired).lease_holder) == (0, None)


def test_an_error_about_the_account_is_stored(wired: EmailOpens) -> None:
    with pytest.raises(AccountStopped), hold(wired.leases, "default", "test", wait=WAIT):
        raise AccountStopped("The vendor does not answer.")
    assert account(wired).last_error == "The vendor does not answer."


def test_the_lease_is_given_back_after_an_unforeseen_error(wired: EmailOpens) -> None:
    with pytest.raises(ZeroDivisionError), hold(wired.leases, "default", "test", wait=WAIT):
        raise ZeroDivisionError
    assert account(wired).lease_holder is None


class TestPromises:
    """Whoever sends requests keeps within the pace and the day's budget."""

    @pytest.fixture
    def tracked(self, world: World) -> str:
        activity_id = world.opened(2)
        run("track", activity_id)
        return activity_id

    def test_a_command_sends_no_more_requests_than_the_day_has(
        self, world: World, tracked: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("REQUESTS_PER_DAY", "1")
        monkeypatch.setenv("RESERVED_PERCENT", "0")
        result = run("audit", tracked)
        assert "counter could not be read" in result.stdout
        assert len([call for call in world.vendor.requests if "/v3/" in call.path]) == 1

    def test_a_command_is_refused_when_the_day_is_spent(
        self, world: World, tracked: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("REQUESTS_PER_DAY", "1")
        run("audit", tracked)
        before = len(world.vendor.requests)
        assert "budget of requests is spent" in complaint(run("audit", tracked), 1)
        assert len(world.vendor.requests) == before

    def test_the_requests_of_a_command_are_evenly_spaced(
        self, world: World, tracked: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("REQUESTS_PER_SECOND", "4")
        assert run("audit", tracked).exit_code == 0
        times = [call.time for call in world.vendor.requests if "/v3/reports" in call.path]
        gaps = [later - earlier for earlier, later in pairwise(times)]
        assert len(gaps) >= 1
        assert min(gaps) >= timedelta(seconds=0.2)

"""The account's lease in the hands of a command."""

from dataclasses import replace
from datetime import timedelta

import pytest

from email_opens.bootstrap import EmailOpens
from email_opens.errors import AccountStopped, OutOfTime
from email_opens.model import Account
from email_opens_cli.deployed.leased import REST_SECONDS, Busy, in_turns, leased
from tests.conftest import Aws
from tests.core.setup import Pages
from tests.fakes import FakeClock
from tests.unit.cli.terminal.slow import slow_product


@pytest.fixture
def wired(aws: Aws) -> EmailOpens:
    return slow_product(aws, Pages({}))[0]


def take(wired: EmailOpens, minutes: float) -> None:
    """Let another hold the account's lease."""
    now = wired.clock.now()
    until = now + timedelta(minutes=minutes)
    wired.tracking.lease("default", holder="x", now=now, until=until, reserve=0, budget=9)


def account(wired: EmailOpens) -> Account:
    found = wired.tracking.account("default")
    assert found
    return found


def test_work_is_taken_up_until_it_is_done(wired: EmailOpens) -> None:
    turns = iter([False, False, True])
    in_turns(wired, "default", "test", lambda _: next(turns))
    assert list(turns) == []


def test_others_have_their_turn_in_between(wired: EmailOpens) -> None:
    turns, before = iter([False, True]), wired.clock.now()
    in_turns(wired, "default", "test", lambda _: next(turns))
    assert (wired.clock.now() - before).total_seconds() == REST_SECONDS


def test_a_turn_that_ran_out_of_time_is_followed_by_another(wired: EmailOpens) -> None:
    turns = iter([False, True])

    def work(_: object) -> bool:
        if not next(turns):
            raise OutOfTime("No time is left.")
        return True

    in_turns(wired, "default", "test", work)
    assert list(turns) == []


def test_an_account_that_is_busy_at_the_beginning_is_left_alone(wired: EmailOpens) -> None:
    take(wired, minutes=1)
    with pytest.raises(Busy, match="try again in a minute"):
        in_turns(wired, "default", "test", lambda _: True)


class OthersFirst(FakeClock):
    """Whenever a command rests, another takes the account for some minutes."""

    def __init__(self, minutes: float) -> None:
        super().__init__()
        self.minutes = minutes
        self.wired: EmailOpens | None = None

    def sleep(self, seconds: float) -> None:
        if self.wired and seconds == REST_SECONDS:
            take(self.wired, self.minutes)
        super().sleep(seconds)


def in_two_turns(wired: EmailOpens, minutes: float) -> list[bool]:
    """Work in two turns, while another takes the account in between; return what was not worked."""
    clock, turns = OthersFirst(minutes), iter([False, True])
    clock.wired = wired = replace(wired, clock=clock)
    in_turns(wired, "default", "test", lambda _: next(turns))
    return list(turns)


def test_an_account_that_is_busy_later_is_waited_for(wired: EmailOpens) -> None:
    assert in_two_turns(wired, minutes=3) == []


def test_nobody_is_waited_for_without_end(wired: EmailOpens) -> None:
    with pytest.raises(Busy):
        in_two_turns(wired, minutes=10)


def test_what_was_not_spent_is_given_back(wired: EmailOpens) -> None:
    with leased(wired, "default", "test"):
        assert account(wired).requests_spent > 0
    assert (account(wired).requests_spent, account(wired).lease_holder) == (0, None)


def test_what_stopped_the_account_is_told(wired: EmailOpens) -> None:
    with pytest.raises(AccountStopped), leased(wired, "default", "test"):
        raise AccountStopped("The vendor does not answer.")
    assert account(wired).last_error == "The vendor does not answer."


def test_the_lease_is_let_go_after_a_fault_of_ours(wired: EmailOpens) -> None:
    with pytest.raises(ZeroDivisionError), leased(wired, "default", "test"):
        raise ZeroDivisionError
    assert account(wired).lease_holder is None


def test_no_question_is_asked_beyond_the_budget(wired: EmailOpens) -> None:
    with leased(wired, "default", "test") as lease:
        lease.asked = lease.left
        with pytest.raises(OutOfTime):
            lease.ask("/v3/account/summary")

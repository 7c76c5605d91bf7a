"""What an account's turn may take, why it ends, and what it reports."""

from datetime import UTC, datetime, timedelta

import pytest

from email_opens.account import Account
from email_opens.allowance.budget import BLOCK
from email_opens.errors import (
    AccountDisconnected,
    OutOfTime,
    QuotaExceeded,
    ReportUnavailable,
    Throttled,
)
from tests.core.setup import LEASE, Core, at, row
from tests.world import Calls

MIDNIGHT = datetime(2026, 3, 3, tzinfo=UTC)
UNAVAILABLE = ReportUnavailable("The vendor answered 503.")


@pytest.fixture
def core() -> Core:
    core = Core()
    for name in ("a", "b", "c"):
        core.track(campaign_activity_id=name)
        core.arrive(row(0), to=name)
    return core


def account(core: Core) -> Account:
    return core.tracking.accounts["default"]


# --- The account stops ---


@pytest.mark.parametrize(
    "error", [Throttled("Too many."), AccountDisconnected("Run connect."), OutOfTime("No time.")]
)
def test_what_stops_the_account_stops_its_turn(core: Core, error: Exception) -> None:
    core.report_errors["b"] = error
    turn = core.take_turn()
    assert (turn.stopped, turn.failures, core.polled) == (error, [], ["a", "b"])


@pytest.mark.parametrize(
    ("error", "stored"),
    [(AccountDisconnected("Run connect."), "Run connect."), (OutOfTime("No time."), None)],
)
def test_why_an_account_stops_is_remembered_unless_it_is_the_time(
    core: Core, error: Exception, stored: str | None
) -> None:
    core.report_errors["a"] = error
    core.take_turn()
    assert account(core).last_error == stored


def test_when_a_turn_was_completed_is_remembered(core: Core) -> None:
    core.take_turn()
    assert account(core).turn_completed_at == core.clock.now()


@pytest.mark.parametrize("error", [Throttled("Too many."), AccountDisconnected("Run connect.")])
def test_a_turn_that_is_stopped_was_not_completed(core: Core, error: Exception) -> None:
    core.take_turn()
    completed_at = account(core).turn_completed_at
    core.clock.sleep(3600)
    core.report_errors["a"] = error
    core.take_turn()
    assert account(core).turn_completed_at == completed_at


def test_a_turn_that_runs_out_of_time_was_completed_if_it_sent_a_request(core: Core) -> None:
    core.report_errors["b"] = OutOfTime("No time.")
    core.take_turn()
    assert account(core).turn_completed_at == core.clock.now()


def test_an_account_that_works_again_forgets_why_it_stopped(core: Core) -> None:
    core.report_errors["a"] = AccountDisconnected("Run connect.")
    core.take_turn()
    core.report_errors.clear()
    core.take_turn()
    assert account(core).last_error is None


def test_a_spent_quota_closes_the_account_until_it_opens(core: Core) -> None:
    core.report_errors["a"] = QuotaExceeded("The day's quota is spent.", MIDNIGHT)
    core.take_turn()
    core.report_errors.clear()
    core.clock.instant = MIDNIGHT - timedelta(microseconds=1)
    turn = core.take_turn()
    assert (turn.requests, str(turn.stopped)) == (
        0,
        "The day's quota is spent; it opens at 2026-03-03T00:00:00Z.",
    )
    assert account(core).closed_until == MIDNIGHT


def test_the_account_opens_with_the_quota(core: Core) -> None:
    core.report_errors["a"] = QuotaExceeded("The day's quota is spent.", MIDNIGHT)
    core.take_turn()
    core.report_errors.clear()
    core.clock.instant = MIDNIGHT
    assert core.take_turn().requests == 3
    assert account(core).closed_until is None


@pytest.mark.parametrize("end", [at(121), MIDNIGHT])
def test_a_turn_begins_no_request_after_its_time_nor_its_day(core: Core, end: datetime) -> None:
    core.clock.instant = end - LEASE
    calls = Calls()
    calls.before[0] = lambda: core.clock.sleep(LEASE.total_seconds())
    core.take_turn(calls)
    assert core.polled == ["a"]


def test_why_a_turn_ended_holds_nothing_of_its_walks(core: Core) -> None:
    core.report_errors["a"] = OutOfTime("No time.")
    stopped = core.take_turn().stopped
    assert stopped is not None
    assert stopped.__traceback__ is None


def test_a_turn_that_ended_early_reports_its_gaps(core: Core) -> None:
    core.arrive(*(row(-number) for number in range(1, 60)), to="a")
    core.requests_in_time = 5
    turn = core.take_turn()
    assert (type(turn.stopped), turn.gaps) == (OutOfTime, 1)


# --- The lease and the day's budget ---


def test_an_account_whose_lease_another_holder_has_is_not_polled(core: Core) -> None:
    held = Account(
        account_id="default", lease_holder="another", lease_until=core.clock.now() + LEASE
    )
    core.tracking.accounts["default"] = held
    turn = core.take_turn()
    assert (turn.leased, turn.requests, turn.activities, account(core)) == (False, 0, 0, held)


def test_a_turn_holds_the_lease_for_as_long_as_it_is_told(core: Core) -> None:
    calls = Calls()
    leased: list[datetime | None] = []
    calls.before[0] = lambda: leased.append(account(core).lease_until)
    lasts, now = timedelta(seconds=30), core.clock.now()
    core.turns(calls).take_turn("default", holder="turn", lasts=lasts)
    assert leased == [now + lasts]


def test_a_turn_keeps_time_to_record_what_is_in_hand(core: Core) -> None:
    calls = Calls()
    calls.after[0] = lambda: core.clock.sleep(6)
    core.turns(calls).take_turn(
        "default", holder="turn", lasts=timedelta(seconds=30), commit=timedelta(seconds=25)
    )
    assert core.polled == ["a"]


def test_a_turn_says_for_whom_it_waits(core: Core) -> None:
    sentences: list[str] = []
    another = core.turns().leases
    with another.hold("default", holder="email-opens audit 1", lasts=timedelta(seconds=5)):
        core.turns().take_turn("default", holder="turn", on_wait=sentences.append)
    assert len(sentences) == 1
    assert sentences[0].startswith("`email-opens audit` is working on account default, until ")


def test_a_turn_waits_for_a_lease_that_ends_in_a_moment(core: Core) -> None:
    ends = core.clock.now() + timedelta(seconds=15)
    core.tracking.accounts["default"] = Account(
        account_id="default", lease_holder="discovery", lease_until=ends
    )
    assert core.take_turn().leased
    assert ends <= core.clock.now() < ends + timedelta(seconds=2)


def test_a_turn_holds_the_lease_until_it_is_dead_for_certain(core: Core) -> None:
    calls = Calls()
    seen: list[Account] = []
    calls.before[0] = lambda: seen.append(account(core))
    turn = core.take_turn(calls, holder="me")
    assert turn.leased
    assert (seen[0].lease_holder, seen[0].lease_until) == ("me", core.clock.now() + LEASE)


def test_a_turn_gives_the_lease_back(core: Core) -> None:
    core.take_turn()
    assert account(core).lease_until is None


def test_a_turn_that_fails_as_a_whole_gives_the_lease_back(core: Core) -> None:
    core.tracking.items["default", "broken"] = None  # type: ignore[assignment]
    with pytest.raises(AttributeError):
        core.take_turn()
    assert account(core).lease_until is None


def test_a_turn_reserves_a_block_before_it_spends(core: Core) -> None:
    calls = Calls()
    spent: list[int] = []
    calls.before[0] = lambda: spent.append(account(core).requests_spent)
    core.take_turn(calls)
    assert spent == [BLOCK]


def test_what_was_reserved_and_not_spent_is_given_back(core: Core) -> None:
    core.take_turn()
    assert account(core).requests_spent == 3


@pytest.mark.parametrize(("left", "requests"), [(2, 2), (0, 0), (-5, 0)])
def test_a_turn_spends_no_more_than_the_day_has_left(core: Core, left: int, requests: int) -> None:
    core.requests_per_day = 100
    core.tracking.accounts["default"] = Account(
        account_id="default", requests_day="2026-03-02", requests_spent=100 - left
    )
    turn = core.take_turn()
    assert (turn.requests, account(core).requests_spent) == (requests, 100 - left + requests)


def test_a_new_day_has_its_whole_budget(core: Core) -> None:
    core.tracking.accounts["default"] = Account(
        account_id="default", requests_day="2026-03-01", requests_spent=10_000
    )
    assert core.take_turn().requests == 3


# --- What a turn reports ---


def test_a_turn_reports_what_it_did(core: Core) -> None:
    core.throttled = 2
    turn = core.take_turn()
    assert (
        turn.account_id,
        turn.leased,
        turn.activities,
        turn.requests,
        turn.throttled,
        turn.gaps,
        turn.counts.published,
        turn.failures,
        turn.stopped,
    ) == ("default", True, 3, 3, 2, 0, 3, [], None)

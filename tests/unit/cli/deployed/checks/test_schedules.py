"""When the last turn was completed, against the schedule."""

from datetime import timedelta

import pytest

from email_opens.account import Account
from email_opens_cli.deployed.checks.schedules import enable, interval, last_turn
from tests.contract.samples import NOON

MINUTE = timedelta(minutes=1)


def account(ago: timedelta | None, last_error: str | None = None) -> Account:
    return Account(
        account_id="default",
        turn_completed_at=None if ago is None else NOON - ago,
        last_error=last_error,
    )


class TestADisabledSchedule:
    def test_is_enabled_by_the_parameter_that_disabled_it(self) -> None:
        remedy = enable("default", "stack", {"ScheduleState": "DISABLED"})
        assert remedy == "Run `make deploy PARAMETERS=ScheduleState=ENABLED`."

    def test_is_first_disabled_by_the_parameter_if_it_was_disabled_by_hand(self) -> None:
        remedy = enable("default", "stack", {"ScheduleState": "ENABLED"})
        disable, again = "ScheduleState=DISABLED", "ScheduleState=ENABLED"
        assert remedy.index(disable) < remedy.index(again)


class TestLastTurn:
    @pytest.mark.parametrize(
        ("every", "ago", "result"),
        [
            (MINUTE, 5 * MINUTE, "ok"),
            (MINUTE, 6 * MINUTE, "failed"),
            (60 * MINUTE, 180 * MINUTE, "ok"),
            (60 * MINUTE, 181 * MINUTE, "failed"),
            (None, timedelta(days=1), "ok"),
            (None, timedelta(days=1, seconds=1), "warning"),
            (MINUTE, -MINUTE, "ok"),
        ],
    )
    def test_is_compared_with_the_interval(
        self, every: timedelta | None, ago: timedelta, result: str
    ) -> None:
        assert last_turn(account(ago), every, None, NOON).result == result

    def test_that_is_missing_fails_with_its_age(self) -> None:
        finding = last_turn(account(timedelta(hours=7)), MINUTE, None, NOON)
        assert finding.what == "completed 7h ago, though one is due every 1 min"

    def test_that_was_never_completed_fails(self) -> None:
        finding = last_turn(account(None), MINUTE, None, NOON)
        assert (finding.result, finding.what) == ("failed", "none has been completed yet")

    @pytest.mark.parametrize(
        ("every", "ago", "result"),
        [
            (MINUTE, timedelta(), "warning"),
            (MINUTE, 5 * MINUTE, "warning"),
            (MINUTE, 6 * MINUTE, "failed"),
            (60 * MINUTE, 180 * MINUTE, "warning"),
        ],
    )
    def test_that_was_never_completed_is_awaited_after_the_account_was_connected(
        self, every: timedelta, ago: timedelta, result: str
    ) -> None:
        assert last_turn(account(None), every, NOON - ago, NOON).result == result

    def test_that_was_stopped_fails_although_the_account_was_just_connected(self) -> None:
        assert last_turn(account(None, "It is throttled."), MINUTE, NOON, NOON).result == "failed"

    def test_that_was_stopped_fails_with_its_error(self) -> None:
        finding = last_turn(account(MINUTE, "The day's quota is spent."), MINUTE, None, NOON)
        assert finding.result == "failed"
        assert finding.what == "The day's quota is spent. Last turn: completed 1m ago."


@pytest.mark.parametrize(
    ("expression", "every"),
    [
        ("rate(1 minute)", MINUTE),
        ("rate(15 minutes)", 15 * MINUTE),
        ("rate(2 hours)", timedelta(hours=2)),
        ("rate(1 day)", timedelta(days=1)),
        ("cron(0 12 * * ? *)", None),
        ("rate(99999999999 days)", None),
    ],
)
def test_an_interval_is_known_for_a_rate_only(expression: str, every: timedelta | None) -> None:
    assert interval({"ScheduleExpression": expression}) == every


def test_an_interval_is_not_known_without_a_schedule() -> None:
    assert interval(None) is None

"""Whether a function fails now, and what of its log may be shown."""

import json
from datetime import timedelta

import pytest

from email_opens_cli.deployed.checks.metrics import Invocations, error_in
from tests.contract.samples import NOON

IMPORT_ERROR = {
    "errorType": "Runtime.ImportModuleError",
    "errorMessage": "Unable to import module 'app': No module named 'email_opens'",
}


def failing(*failed: float, started: float = 1) -> Invocations:
    """Return invocations of some minutes, the latest first, and how many of each failed."""
    minutes = [NOON - timedelta(minutes=number) for number in range(len(failed))]
    return Invocations(
        started=dict.fromkeys(minutes, started),
        failed=dict(zip(minutes, failed, strict=True)),
        throttled={},
    )


class TestFunction:
    def test_fails_now_if_all_of_the_latest_minutes_failed(self) -> None:
        assert failing(1, 1, 1, 0, 0).fails_now(None)

    @pytest.mark.parametrize("failed", [(0, 1, 1), (1, 0, 1), (1, 1, 0), ()])
    def test_does_not_fail_now_if_one_of_them_succeeded(self, failed: tuple[float, ...]) -> None:
        assert not failing(*failed).fails_now(None)

    def test_fails_now_if_its_only_invocation_failed(self) -> None:
        assert failing(1).fails_now(None)

    def test_does_not_fail_now_if_a_turn_was_completed_since(self) -> None:
        assert not failing(1, 1, 1).fails_now(NOON + timedelta(minutes=1))
        assert failing(1, 1, 1).fails_now(NOON + timedelta(seconds=59))

    def test_does_not_fail_now_if_some_of_a_minute_succeeded(self) -> None:
        assert not failing(1, 1, 1, started=2).fails_now(None)

    def test_does_not_fail_now_if_nothing_invoked_it(self) -> None:
        assert not Invocations({NOON: 0}, {}, {}).fails_now(None)


class TestError:
    @pytest.mark.parametrize(
        "line",
        [
            json.dumps(IMPORT_ERROR),
            json.dumps({"level": "ERROR", "message": IMPORT_ERROR}),
            f"[ERROR] {json.dumps(IMPORT_ERROR)}",
        ],
    )
    def test_of_the_code_is_shown(self, line: str) -> None:
        assert error_in(line) == (
            "Runtime.ImportModuleError: Unable to import module 'app': "
            "No module named 'email_opens'"
        )

    def test_that_may_hold_data_is_shown_by_its_type(self) -> None:
        line = json.dumps({"errorType": "KeyError", "errorMessage": "ann@example.org"})
        assert error_in(line) == "KeyError"

    def test_of_time_is_shown(self) -> None:
        assert error_in("2026-03-02 x Task timed out after 60.00 seconds") == "Task timed out"

    @pytest.mark.parametrize(
        "line", ["", "{", "no JSON", "[" * 9_999, '{"message": "an ERROR"}', "{}", "[1]"]
    )
    def test_is_empty_for_other_lines(self, line: str) -> None:
        assert error_in(line) == ""

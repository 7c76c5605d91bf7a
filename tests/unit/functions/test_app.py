"""The handler's own part: its event, its settings, and what it replies, logs and measures."""

import json
from collections.abc import Callable
from dataclasses import dataclass
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest
from botocore.exceptions import ClientError

from email_opens.account import Account
from email_opens.adapters.local.wake_ups import NextWakeUp
from email_opens.config.stack import Monitoring
from email_opens.errors import (
    AccountDisconnected,
    AccountResting,
    AccountStopped,
    BudgetSpent,
    EmailOpensError,
    InvalidInput,
    InvalidSettings,
    NotAsked,
    OutOfTime,
    QuotaExceeded,
    ReportUnavailable,
    StaleWakeUp,
    Throttled,
    VendorUnavailable,
)
from email_opens.polling.poller import PollCounts
from email_opens.turns.report import Failure, TurnReport
from tests.contract.samples import NOON
from tests.fakes import FakeClock, MemoryCredentials
from tests.integration.deployment import Context, Output, load

ADDRESS = "ann@example.org"

ENVIRONMENT = {
    "TRACKING_TABLE": "tracking",
    "LEDGER_TABLE": "ledger",
    "OPENS_TOPIC_ARN": "arn:aws:sns:eu-west-1:123456789012:opens",
    "DEAD_LETTER_QUEUE_URL": "https://sqs.eu-west-1.amazonaws.com/123456789012/dead",
    "WAKE_UPS_QUEUE_URL": "https://sqs.eu-west-1.amazonaws.com/123456789012/wake-ups",
    "CREDENTIALS_PREFIX": "/email-opens/",
}

STOPS: dict[EmailOpensError, str] = {
    AccountDisconnected("Connect it."): "disconnected",
    QuotaExceeded("Spent.", FakeClock().now()): "quota_exceeded",
    VendorUnavailable("Down."): "pause",
    AccountResting("No request is sent.", FakeClock().now()): "pause",
    Throttled("Too fast."): "pause",
    BudgetSpent("No request is left of the day."): "budget_spent",
    OutOfTime("Late."): "out_of_time",
    AccountStopped("The credentials cannot be stored."): "error",
}


@dataclass
class Result:
    """What the handler returns and prints for a turn."""

    reply: dict[str, Any]
    output: Output


type Handle = Callable[..., Result]


@pytest.fixture
def app() -> ModuleType:
    return load()


@pytest.fixture
def handle(
    app: ModuleType, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Handle:
    def handle(turn: TurnReport, *, connected: bool = True) -> Result:
        turns = SimpleNamespace(take_turn=lambda *_, **__: turn)
        account = Account(account_id=turn.account_id, turn_completed_at=NOON)
        tracking = SimpleNamespace(account=lambda _: account if connected else None)
        product = SimpleNamespace(
            clock=FakeClock(),
            turns=turns,
            tracking=tracking,
            credentials=MemoryCredentials(),
            wake_ups=NextWakeUp(),
            settings=SimpleNamespace(
                monitoring=Monitoring.FULL, stack_name="mine", account_id="default"
            ),
        )
        monkeypatch.setattr(app, "email_opens", lambda: product)
        output = Output(capsys)
        output.follow(app)
        return Result(app.handler({"account_id": turn.account_id}, Context()), output)

    return handle


def raised(error: Exception) -> Exception:
    """Return an error with the traceback that it has when it is caught."""
    try:
        raise error
    except type(error) as caught:
        return caught


def failing(error: Exception) -> TurnReport:
    return TurnReport("default", failures=[Failure("5b1e0a52", raised(error))])


class TestTheAccount:
    def test_must_be_named_by_the_event(self, app: ModuleType) -> None:
        with pytest.raises(InvalidInput, match="The event names no account"):
            app.handler({}, Context())

    def test_is_read_from_the_event(self, handle: Handle) -> None:
        assert handle(TurnReport("acme")).reply["account_id"] == "acme"


class TestASetting:
    @pytest.fixture(autouse=True)
    def _environment(self, monkeypatch: pytest.MonkeyPatch) -> None:
        for name, value in ENVIRONMENT.items():
            monkeypatch.setenv(name, value)

    def test_is_named_when_it_is_missing(
        self, app: ModuleType, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.delenv("LEDGER_TABLE")
        with pytest.raises(InvalidSettings, match="LEDGER_TABLE is not set; it should be "):
            app.handler({"account_id": "default"}, Context())

    def test_is_named_when_it_is_malformed(
        self, app: ModuleType, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("LOOKBACK_MINUTES", "-1")
        with pytest.raises(InvalidSettings, match="LOOKBACK_MINUTES is malformed; it should be "):
            app.handler({"account_id": "default"}, Context())


class TestTheReply:
    def test_names_the_activities_that_failed(self, handle: Handle) -> None:
        assert handle(failing(ReportUnavailable("No page."))).reply["failed"] == ["5b1e0a52"]

    def test_contains_the_reason_for_which_the_account_was_stopped(self, handle: Handle) -> None:
        turn = TurnReport("default", stopped=AccountDisconnected("Connect it."))
        assert handle(turn).reply["stopped"] == "Connect it."

    def test_contains_null_when_nothing_stopped_the_account(self, handle: Handle) -> None:
        assert handle(TurnReport("default")).reply["stopped"] is None

    def test_is_json(self, handle: Handle) -> None:
        turn = TurnReport(
            "default", stopped=OutOfTime("Late."), counts=PollCounts(delays_seconds=[1.5])
        )
        json.dumps(handle(turn).reply)


class TestTheLog:
    def test_contains_the_message_of_a_failure(self, handle: Handle) -> None:
        error, *_ = handle(failing(ReportUnavailable("The vendor gave no page."))).output.logs
        assert error["message"] == "The vendor gave no page."

    def test_contains_nothing_of_the_text_of_an_unexpected_error(self, handle: Handle) -> None:
        assert ADDRESS not in handle(failing(ValueError(ADDRESS))).output.everything

    def test_contains_the_type_and_the_place_of_an_unforeseen_error(self, handle: Handle) -> None:
        error, *_ = handle(failing(ValueError(ADDRESS))).output.logs
        assert error["message"].startswith("Unexpected ValueError at test_app.py:")

    def test_contains_the_error_code_of_a_refused_aws_call(self, handle: Handle) -> None:
        refusal: Any = {"Error": {"Code": "AccessDenied", "Message": ADDRESS}}
        error, *_ = handle(failing(ClientError(refusal, "PutItem"))).output.logs
        assert "AccessDenied" in error["message"]

    def test_warns_when_the_account_was_stopped(self, handle: Handle) -> None:
        (line,) = handle(
            TurnReport("default", stopped=AccountDisconnected("Connect it."))
        ).output.logs
        assert (line["level"], line["stopped"]) == ("WARNING", "Connect it.")

    @pytest.mark.parametrize("stopped", STOPS, ids=lambda error: type(error).__name__)
    def test_says_in_a_word_what_stopped_the_turn(
        self, handle: Handle, stopped: EmailOpensError
    ) -> None:
        (line,) = handle(TurnReport("default", stopped=stopped)).output.logs
        assert line["stopped_by"] == STOPS[stopped]

    def test_does_not_warn_of_a_turn_that_the_next_one_continues(self, handle: Handle) -> None:
        turn = TurnReport("default", requests=1, stopped=OutOfTime("Late."))
        (line,) = handle(turn).output.logs
        assert (line["level"], line["completed"]) == ("INFO", 1)
        assert line["stopped_by"] == "out_of_time"

    def test_says_that_nothing_stopped_the_turn_by_saying_nothing(self, handle: Handle) -> None:
        (line,) = handle(TurnReport("default")).output.logs
        assert line.keys() & {"stopped_by", "stopped"} == set()

    def test_warns_of_a_pause_once(self, handle: Handle) -> None:
        until = FakeClock().now()
        begun, *_ = handle(
            TurnReport("default", stopped=VendorUnavailable("Requests pause.", until))
        ).output.logs
        resting, *_ = handle(
            TurnReport("default", stopped=AccountResting("No request is sent.", until))
        ).output.logs
        assert (begun["level"], resting["level"]) == ("WARNING", "INFO")

    def test_contains_only_one_line_when_another_invocation_holds_the_lease(
        self, handle: Handle
    ) -> None:
        (line,) = handle(TurnReport("default", leased=False)).output.logs
        assert line["message"] == "Another invocation works on this account."

    def test_warns_once_when_no_wake_up_could_be_asked_for(self, handle: Handle) -> None:
        warning, line = handle(TurnReport("default", not_asked=NotAsked("No queue."))).output.logs
        assert (warning["level"], warning["message"]) == ("WARNING", "No queue.")
        assert (line["level"], line["completed"]) == ("INFO", 1)

    @pytest.mark.parametrize("woken", [True, False])
    def test_says_whether_a_wake_up_has_started_the_turn(self, handle: Handle, woken: bool) -> None:
        (line,) = handle(TurnReport("default", woken=woken)).output.logs
        assert line["woken"] == int(woken)

    def test_contains_one_line_about_a_wake_up_that_is_not_awaited(self, handle: Handle) -> None:
        stale = TurnReport("default", leased=False, stopped=StaleWakeUp("It came twice."))
        result = handle(stale)
        (line,) = result.output.logs
        assert (line["level"], line["message"]) == ("INFO", "It came twice.")
        assert result.output.metrics == []


class TestTheMetrics:
    def test_contain_no_negative_delay_when_clocks_differ(self, handle: Handle) -> None:
        turn = TurnReport("default", counts=PollCounts(delays_seconds=[-3.0, 2.0]))
        assert handle(turn).output.measured("PublishDelay") == [0.0, 2.0]

    @pytest.mark.parametrize(
        ("turn", "completed"),
        [
            (TurnReport("default"), [1]),
            (failing(ReportUnavailable("No page.")), [1]),
            (TurnReport("default", requests=1, stopped=OutOfTime("Late.")), [1]),
            (TurnReport("default", stopped=OutOfTime("No request is left of the day.")), [0]),
            (TurnReport("default", requests=1, stopped=AccountStopped("No token.")), [0]),
            (TurnReport("default", requests=1, stopped=VendorUnavailable("Down.")), [0]),
            (TurnReport("default", leased=False), []),
        ],
        ids=["quiet", "a failure", "the time", "no budget", "stopped", "a pause", "another's"],
    )
    def test_count_a_completed_turn(
        self, handle: Handle, turn: TurnReport, completed: list[int]
    ) -> None:
        assert handle(turn).output.measured("TurnsCompleted") == completed

    @pytest.mark.parametrize("stopped", STOPS, ids=lambda error: type(error).__name__)
    def test_show_an_account_that_waits_for_a_person_or_for_the_next_day(
        self, handle: Handle, stopped: EmailOpensError
    ) -> None:
        turn = TurnReport("default", requests=1, stopped=stopped)
        waits = STOPS[stopped] in ("disconnected", "quota_exceeded")
        assert handle(turn).output.measured("AccountStopped") == [int(waits)]

    def test_count_a_turn_before_the_account_is_first_connected_as_completed(
        self, handle: Handle
    ) -> None:
        turn = TurnReport("default", stopped=AccountDisconnected("Connect it."))
        output = handle(turn, connected=False).output
        assert output.measured("AccountStopped") == [0]
        assert output.measured("TurnsCompleted") == [1]

    def test_show_that_an_account_of_another_schedule_does_not_exist(self, handle: Handle) -> None:
        turn = TurnReport("defualt", stopped=AccountDisconnected("Connect it."))
        output = handle(turn, connected=False).output
        assert output.measured("AccountStopped") == [1]
        assert output.measured("TurnsCompleted") == [0]

    @pytest.mark.parametrize("overdue", [True, False])
    def test_show_an_overdue_search_only_while_it_is_overdue(
        self, handle: Handle, *, overdue: bool
    ) -> None:
        output = handle(TurnReport("default", search_overdue=overdue)).output
        assert output.measured("SearchOverdue") == [1] * overdue

    def test_are_not_emitted_while_another_invocation_holds_the_lease(self, handle: Handle) -> None:
        assert handle(TurnReport("default", leased=False)).output.metrics == []

    def test_have_the_stack_and_the_account_as_dimensions(self, handle: Handle) -> None:
        (record,) = handle(TurnReport("acme")).output.metrics
        assert (record["stack"], record["account_id"]) == ("mine", "acme")

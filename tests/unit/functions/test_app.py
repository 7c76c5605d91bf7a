"""The handler's own part: the account it is asked for, its settings, and what it tells."""

import json
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest
from botocore.exceptions import ClientError

from email_opens.errors import (
    AccountDisconnected,
    AccountStopped,
    InvalidInput,
    InvalidSettings,
    OutOfTime,
    QuotaExceeded,
    ReportUnavailable,
)
from email_opens.poller import PollCounts
from email_opens.turns.report import Failure, TurnReport
from tests.fakes import FakeClock, MemoryCredentials
from tests.integration.deployed import Context, Output, load

ADDRESS = "ann@example.org"

# Where the handler fails before it has anything to measure, Powertools warns.
NOTHING_MEASURED = "ignore:No application metrics to publish"

ENVIRONMENT = {
    "TRACKING_TABLE": "tracking",
    "LEDGER_TABLE": "ledger",
    "OPENS_TOPIC_ARN": "arn:aws:sns:eu-west-1:123456789012:opens",
    "DEAD_LETTER_QUEUE_URL": "https://sqs.eu-west-1.amazonaws.com/123456789012/dead",
    "CREDENTIALS_PREFIX": "/email-opens/",
}


@dataclass
class Told:
    """What the handler makes of a turn."""

    reply: dict[str, Any]
    output: Output


type Tell = Callable[[TurnReport], Told]


@pytest.fixture
def app() -> ModuleType:
    return load()


@pytest.fixture
def tell(
    app: ModuleType, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Tell:
    def tell(turn: TurnReport) -> Told:
        turns = SimpleNamespace(take_turn=lambda *_, **__: turn)
        product = SimpleNamespace(
            clock=FakeClock(),
            turns=turns,
            credentials=MemoryCredentials(),
            settings=SimpleNamespace(stay=timedelta()),
        )
        monkeypatch.setattr(app, "email_opens", lambda: product)
        output = Output(capsys)
        output.follow(app)
        return Told(app.handler({"account_id": turn.account_id}, Context()), output)

    return tell


def raised(error: Exception) -> Exception:
    """Return an error with the traceback that it has once it was caught."""
    try:
        raise error
    except type(error) as caught:
        return caught


def failing(error: Exception) -> TurnReport:
    return TurnReport("default", failures=[Failure("5b1e0a52", raised(error))])


class TestTheAccount:
    @pytest.mark.filterwarnings(NOTHING_MEASURED)
    @pytest.mark.parametrize(
        "event",
        [None, [], "default", {}, {"account_id": ""}, {"account_id": " "}, {"account_id": 7}],
        ids=repr,
    )
    def test_that_no_event_names_is_asked_for(self, app: ModuleType, event: object) -> None:
        with pytest.raises(InvalidInput, match="The event names no account"):
            app.handler(event, Context())

    def test_is_the_events(self, tell: Tell) -> None:
        assert tell(TurnReport("acme")).reply["account_id"] == "acme"


@pytest.mark.filterwarnings(NOTHING_MEASURED)
class TestASetting:
    @pytest.fixture(autouse=True)
    def _environment(self, monkeypatch: pytest.MonkeyPatch) -> None:
        for name, value in ENVIRONMENT.items():
            monkeypatch.setenv(name, value)

    def test_that_is_missing_is_named(
        self, app: ModuleType, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.delenv("LEDGER_TABLE")
        with pytest.raises(InvalidSettings, match="LEDGER_TABLE is not set; it should be "):
            app.handler({"account_id": "default"}, Context())

    def test_that_is_malformed_is_named(
        self, app: ModuleType, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("LOOKBACK_MINUTES", "-1")
        with pytest.raises(InvalidSettings, match="LOOKBACK_MINUTES is malformed; it should be "):
            app.handler({"account_id": "default"}, Context())


class TestTheReply:
    def test_names_the_activities_that_failed(self, tell: Tell) -> None:
        assert tell(failing(ReportUnavailable("No page."))).reply["failed"] == ["5b1e0a52"]

    def test_says_why_the_account_was_stopped(self, tell: Tell) -> None:
        turn = TurnReport("default", stopped=AccountDisconnected("Connect it."))
        assert tell(turn).reply["stopped"] == "Connect it."

    def test_says_that_nothing_stopped_it(self, tell: Tell) -> None:
        assert tell(TurnReport("default")).reply["stopped"] is None

    def test_is_json(self, tell: Tell) -> None:
        turn = TurnReport(
            "default", stopped=OutOfTime("Late."), counts=PollCounts(delays_seconds=[1.5])
        )
        json.dumps(tell(turn).reply)


class TestTheLog:
    def test_has_the_sentence_of_what_failed(self, tell: Tell) -> None:
        error, *_ = tell(failing(ReportUnavailable("The vendor gave no page."))).output.logs
        assert error["message"] == "The vendor gave no page."

    def test_has_nothing_of_the_text_of_what_nobody_foresaw(self, tell: Tell) -> None:
        assert ADDRESS not in tell(failing(ValueError(ADDRESS))).output.everything

    def test_has_the_kind_and_the_place_of_what_nobody_foresaw(self, tell: Tell) -> None:
        error, *_ = tell(failing(ValueError(ADDRESS))).output.logs
        assert error["message"].startswith("Unexpected ValueError at test_app.py:")

    def test_has_the_code_of_what_aws_refused(self, tell: Tell) -> None:
        refusal: Any = {"Error": {"Code": "AccessDenied", "Message": ADDRESS}}
        error, *_ = tell(failing(ClientError(refusal, "PutItem"))).output.logs
        assert "AccessDenied" in error["message"]

    def test_warns_of_what_stopped_the_account(self, tell: Tell) -> None:
        warning, *_ = tell(
            TurnReport("default", stopped=AccountDisconnected("Connect it."))
        ).output.logs
        assert (warning["level"], warning["message"]) == ("WARNING", "Connect it.")

    def test_says_only_that_another_has_the_lease(self, tell: Tell) -> None:
        (line,) = tell(TurnReport("default", leased=False)).output.logs
        assert line["message"] == "Another invocation works on this account."


class TestTheMetrics:
    def test_measure_no_negative_delay_where_clocks_differ(self, tell: Tell) -> None:
        turn = TurnReport("default", counts=PollCounts(delays_seconds=[-3.0, 2.0]))
        assert tell(turn).output.measured("PublishDelay") == [0.0, 2.0]

    @pytest.mark.parametrize(
        ("stopped", "count"),
        [
            (None, 0),
            (QuotaExceeded("Spent.", FakeClock().now()), 1),
            (AccountDisconnected("Connect it."), 0),
            (OutOfTime("Late."), 0),
        ],
        ids=["nothing", "the quota", "a person", "the time"],
    )
    def test_count_only_a_spent_quota_as_such(self, tell: Tell, stopped: Any, count: int) -> None:
        assert tell(TurnReport("default", stopped=stopped)).output.measured("QuotaExceeded") == [
            count
        ]

    @pytest.mark.parametrize(
        ("turn", "completed"),
        [
            (TurnReport("default"), [1]),
            (failing(ReportUnavailable("No page.")), [1]),
            (TurnReport("default", requests=1, stopped=OutOfTime("Late.")), [1]),
            (TurnReport("default", stopped=OutOfTime("No request is left of the day.")), [0]),
            (TurnReport("default", requests=1, stopped=AccountStopped("No token.")), [0]),
            (TurnReport("default", leased=False), []),
        ],
        ids=["quiet", "a failure", "the time", "no budget", "stopped", "another's"],
    )
    def test_count_a_turn_that_did_what_it_could(
        self, tell: Tell, turn: TurnReport, completed: list[int]
    ) -> None:
        assert tell(turn).output.measured("TurnsCompleted") == completed

    @pytest.mark.parametrize(
        ("stopped", "count"), [(AccountDisconnected("Connect it."), 1), (AccountStopped("No."), 0)]
    )
    def test_count_an_account_that_a_person_must_connect(
        self, tell: Tell, stopped: Any, count: int
    ) -> None:
        turn = TurnReport("default", requests=1, stopped=stopped)
        assert tell(turn).output.measured("AccountDisconnected") == [count]

    def test_count_what_an_audit_found_missing(self, tell: Tell) -> None:
        assert tell(TurnReport("default", counts=PollCounts(missing=2))).output.measured(
            "OpensMissing"
        ) == [2]

    def test_are_of_the_account(self, tell: Tell) -> None:
        (record,) = tell(TurnReport("acme")).output.metrics
        assert record["account_id"] == "acme"

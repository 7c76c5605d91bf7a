"""What the handlers hand to the core: the end of their invocation, and the settings."""

import json
from datetime import timedelta
from types import SimpleNamespace
from typing import Any

import pytest

from email_opens.adapters.local.wake_ups import NextWakeUp
from email_opens.config.stack import Monitoring
from email_opens.discovery.report import CampaignFailure, Found
from email_opens.errors import ReportUnavailable
from email_opens.turns.report import TurnReport
from tests.contract.samples import NOON
from tests.fakes import FakeClock, MemoryCredentials
from tests.integration.deployment import ROOT, Context, Output, load

WAKE_UPS = NextWakeUp()


class Recorder:
    """Stands for the core: it keeps what it is given, and returns what a test has prepared."""

    def __init__(self, result: object) -> None:
        self.given: dict[str, Any] = {}
        self._result = result

    def __call__(self, account_id: str, **given: Any) -> object:
        self.given = {"account_id": account_id, **given}
        return self._result


SCHEDULED = {"account_id": "default"}


def polled(
    monkeypatch: pytest.MonkeyPatch,
    *,
    seconds: float = 60,
    event: object = SCHEDULED,
    found: Found | None = None,
    output: Output | None = None,
) -> dict[str, Any]:
    """Invoke the poll with so many seconds left; return what the core was given."""
    app, core = load(), Recorder(TurnReport("default", requests=1, found=found))
    if output:
        output.follow(app)
    product = SimpleNamespace(
        clock=FakeClock(NOON),
        turns=SimpleNamespace(take_turn=core),
        credentials=MemoryCredentials(),
        wake_ups=WAKE_UPS,
        settings=SimpleNamespace(
            monitoring=Monitoring.BASIC, stack_name="mine", account_id="default"
        ),
    )
    monkeypatch.setattr(app, "email_opens", lambda: product)
    app.handler(event, Context(request_id="an invocation", seconds=seconds))
    return core.given


@pytest.mark.parametrize("seconds", [7.5, 60.0, 300.0])
class TestAPoll:
    def test_has_its_lease_until_the_invocation_ends(
        self, monkeypatch: pytest.MonkeyPatch, seconds: float
    ) -> None:
        given = polled(monkeypatch, seconds=seconds)
        assert given["until"] == NOON + timedelta(seconds=seconds)
        assert given["holder"] == "an invocation"

    def test_begins_no_request_in_the_time_that_is_kept_to_commit(
        self, monkeypatch: pytest.MonkeyPatch, seconds: float
    ) -> None:
        given = polled(monkeypatch, seconds=seconds)
        assert given["before"] == given["until"] - timedelta(seconds=load().COMMIT_SECONDS)


def messages(*bodies: object) -> dict[str, Any]:
    """Return what Lambda hands over of a queue."""
    return {"Records": [{"messageId": str(n), "body": body} for n, body in enumerate(bodies)]}


WOKEN = '{"account_id": "acme", "wake_up": "8a6b"}'


class TestATurn:
    def test_of_the_schedule_begins_a_chain(self, monkeypatch: pytest.MonkeyPatch) -> None:
        given = polled(monkeypatch)
        assert (given["account_id"], given["woken_by"]) == ("default", None)
        assert given["wake_ups"] is WAKE_UPS

    def test_that_is_woken_has_the_messages_account_and_token(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        given = polled(monkeypatch, event=messages(WOKEN))
        assert (given["account_id"], given["woken_by"]) == ("acme", "8a6b")
        assert given["wake_ups"] is WAKE_UPS

    def test_is_taken_for_each_message(self, monkeypatch: pytest.MonkeyPatch) -> None:
        given = polled(monkeypatch, event=messages("{}", WOKEN, WOKEN.replace("acme", "last")))
        assert given["account_id"] == "last"

    def test_is_started_by_the_sample_of_a_wake_up(self, monkeypatch: pytest.MonkeyPatch) -> None:
        given = polled(monkeypatch, event=json.loads((ROOT / "events/wake-up.json").read_text()))
        assert (given["account_id"], len(given["woken_by"])) == ("default", 36)

    @pytest.mark.parametrize(
        "body",
        [
            None,
            7,
            "",
            "{",
            "[]",
            "null",
            "[" * 100_000,
            '{"account_id": "acme"}',
            '{"account_id": "acme", "wake_up": ""}',
            '{"account_id": "acme", "wake_up": 7}',
            '{"account_id": "a@example.org", "wake_up": "8a6b"}',
            '{"wake_up": "8a6b"}',
        ],
    )
    def test_is_not_started_by_another_message_which_is_explained_in_one_line(
        self, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], body: object
    ) -> None:
        assert polled(monkeypatch, event=messages(body)) == {}
        (line,) = Output(capsys).logs
        assert line["level"] == "WARNING"
        assert line["message"].startswith("A message in the queue WakeUps is ignored")
        assert "example" not in json.dumps(line)


@pytest.mark.parametrize(
    ("found", "level", "message"),
    [
        (
            Found("default", removed=["a"]),
            "INFO",
            "Campaign skipped: it was removed at the vendor.",
        ),
        (Found("default", left_out=["a"]), "INFO", "Campaign skipped because of its name."),
        (Found("default", forgotten=1), "WARNING", load().FORGOTTEN),
        (
            Found("default", failures=[CampaignFailure("a", ReportUnavailable("Broken."))]),
            "ERROR",
            "Broken.",
        ),
    ],
)
def test_what_a_search_found_is_logged(
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    found: Found,
    level: str,
    message: str,
) -> None:
    output = Output(capsys)
    polled(monkeypatch, seconds=60, found=found, output=output)
    line = next(line for line in output.logs if line["message"] != "Turn completed.")
    assert (line["level"], line["message"]) == (level, message)

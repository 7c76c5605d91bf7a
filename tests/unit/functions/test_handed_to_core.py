"""What the handlers hand to the core: the end of their invocation, and the settings."""

from datetime import timedelta
from types import SimpleNamespace
from typing import Any

import pytest

from email_opens.config import Monitoring
from email_opens.discovery.report import CampaignFailure, Found
from email_opens.errors import ReportUnavailable
from email_opens.turns.report import TurnReport
from tests.contract.samples import NOON
from tests.fakes import FakeClock, MemoryCredentials
from tests.integration.deployment import Context, Output, load

STAY = timedelta(seconds=17)


class Recorder:
    """Stands for the core: it keeps what it is given, and returns what a test has prepared."""

    def __init__(self, result: object) -> None:
        self.given: dict[str, Any] = {}
        self._result = result

    def __call__(self, account_id: str, **given: Any) -> object:
        self.given = {"account_id": account_id, **given}
        return self._result


def polled(
    monkeypatch: pytest.MonkeyPatch,
    *,
    seconds: float,
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
        settings=SimpleNamespace(stay=STAY, monitoring=Monitoring.BASIC, stack_name="mine"),
    )
    monkeypatch.setattr(app, "email_opens", lambda: product)
    app.handler({"account_id": "default"}, Context(request_id="an invocation", seconds=seconds))
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

    def test_stays_as_long_as_the_setting_says(
        self, monkeypatch: pytest.MonkeyPatch, seconds: float
    ) -> None:
        assert polled(monkeypatch, seconds=seconds)["stay_until"] == NOON + STAY


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

"""What the handlers hand to the core: the end of their invocation, and the settings."""

from datetime import timedelta
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest

from email_opens.config import Monitoring
from email_opens.discovery.report import Found
from email_opens.errors import AccountDisconnected
from email_opens.turns.report import TurnReport
from tests.contract.samples import NOON
from tests.fakes import FakeClock, MemoryCredentials
from tests.integration.deployment import Context, Output, load
from tests.integration.discovery import DISCOVER_CAMPAIGNS

STAY = timedelta(seconds=17)


class Recorder:
    """Stands for the core: it keeps what it is given, and returns what a test has prepared."""

    def __init__(self, result: object) -> None:
        self.given: dict[str, Any] = {}
        self._result = result

    def __call__(self, account_id: str, **given: Any) -> object:
        self.given = {"account_id": account_id, **given}
        return self._result


def polled(monkeypatch: pytest.MonkeyPatch, *, seconds: float) -> dict[str, Any]:
    """Invoke the poll with so many seconds left; return what the core was given."""
    app, core = load(), Recorder(TurnReport("default", requests=1))
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


@pytest.fixture
def discovery() -> ModuleType:
    return load(DISCOVER_CAMPAIGNS)


def searched(
    discovery: ModuleType, monkeypatch: pytest.MonkeyPatch, found: Found, seconds: float = 60
) -> dict[str, Any]:
    """Invoke discovery, whose search returns `found`; return what the core was given."""
    core = Recorder(found)
    product = SimpleNamespace(clock=FakeClock(NOON), discovery=SimpleNamespace(search=core))
    monkeypatch.setattr(discovery, "discover_campaigns", lambda: product)
    context = Context(request_id="an invocation", seconds=seconds)
    discovery.handler({"account_id": "default"}, context)
    return core.given


@pytest.mark.parametrize("seconds", [12.0, 60.0, 900.0])
def test_a_search_begins_no_request_in_the_time_that_is_kept_to_commit(
    discovery: ModuleType, monkeypatch: pytest.MonkeyPatch, seconds: float
) -> None:
    given = searched(discovery, monkeypatch, Found("default"), seconds)
    ends = NOON + timedelta(seconds=seconds)
    assert given["before"] == ends - timedelta(seconds=discovery.COMMIT_SECONDS)
    assert given["holder"] == "an invocation"


@pytest.mark.parametrize(
    ("found", "level"),
    [
        (Found("default", leased=True), "INFO"),
        (Found("default", leased=True, forgotten=1), "WARNING"),
        (Found("default", leased=True, stopped=AccountDisconnected("Connect it.")), "WARNING"),
    ],
)
def test_a_search_logs_one_line_which_warns_if_it_was_stopped_or_has_forgotten_sends(
    discovery: ModuleType,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    found: Found,
    level: str,
) -> None:
    output = Output(capsys)
    output.follow(discovery)
    searched(discovery, monkeypatch, found)
    (line,) = output.lines
    assert (line["message"], line["level"]) == ("Search completed.", level)
    assert line.get("stopped") == (str(found.stopped) if found.stopped else None)
    assert ("shorter lookback" in line.get("advice", "")) == bool(found.forgotten)

"""What the handlers hand to the core: the end of their invocation, and the settings."""

from datetime import timedelta
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest

from email_opens.discovery.report import Found
from email_opens.errors import (
    AccountDisconnected,
    BudgetSpent,
    EmailOpensError,
    OutOfTime,
    QuotaExceeded,
    ReportUnavailable,
)
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
        settings=SimpleNamespace(stay=STAY),
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
    ("stopped", "count"),
    [
        (None, 0),
        (OutOfTime("No time is left for the search."), 0),
        (BudgetSpent("The day's budget of requests is spent."), 0),
        (AccountDisconnected("Connect it."), 1),
        (QuotaExceeded("The quota is spent.", NOON), 1),
        (ReportUnavailable("The vendor does not answer."), 1),
    ],
    ids=lambda value: type(value).__name__,
)
def test_only_a_search_that_a_later_one_would_not_continue_counts_as_stopped(
    discovery: ModuleType,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    stopped: EmailOpensError | None,
    count: int,
) -> None:
    """The alarm of stopped searches is about the account; a lack of time heals by itself."""
    output = Output(capsys)
    output.follow(discovery)
    searched(discovery, monkeypatch, Found("default", stopped=stopped))
    assert output.measured("SearchesStopped") == [count]

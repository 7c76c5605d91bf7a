"""The turns of `email-opens watch`: when it goes on, what it prints, and when it ends."""

from dataclasses import dataclass, field, replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from email_opens.errors import AccountStopped, ActivityGone, ReportUnavailable
from email_opens.model import State
from email_opens.turns.report import Failure, TurnReport
from email_opens_cli.commands.watch.turns import Wanted, choose, take_turns
from email_opens_cli.terminal.ending import Ending, Interrupted
from tests.contract.samples import ACTIVITY, ACTIVITY_ID, NOON
from tests.fakes import FakeClock, MemoryTracking

MOST_TURNS = 5
FOREIGN = "5b1e0a52-0000-4000-8000-0000000000bb"


def wanted(*named: str) -> Wanted:
    return Wanted("default", list(named or [ACTIVITY_ID]), None, timedelta(seconds=60))


@dataclass(slots=True)
class Watched:
    """A watch whose turns are what a test says; it is interrupted after the last one."""

    turns: "Watched" = field(init=False)
    tracking: MemoryTracking = field(default_factory=MemoryTracking)
    credentials: Any = None
    clock: FakeClock = field(default_factory=FakeClock)
    failures: list[Exception | None] = field(default_factory=list)
    """The failure of each turn."""
    taken: int = 0

    def __post_init__(self) -> None:
        self.turns = self
        self.tracking.add(ACTIVITY)

    def take_turn(self, account_id: str, **_: object) -> TurnReport:
        if self.taken == MOST_TURNS:
            raise Interrupted
        error = self.failures[self.taken] if self.taken < len(self.failures) else None
        self.taken += 1
        report = TurnReport(account_id)
        if error:
            report.failures.append(Failure(ACTIVITY_ID, error))
        return report

    def store(self, **changes: Any) -> None:
        (activity,) = self.tracking.activities("default")
        self.tracking.save(replace(activity, **changes))

    def go_on(self, *named: str) -> int | None:
        """Take turns; return the exit code, None: it would have gone on."""
        try:
            return take_turns(self, wanted(*named), Ending(), Path("rejected"))  # type: ignore[arg-type]
        except Interrupted:
            return None


@pytest.mark.parametrize(
    "change",
    [
        {"state": State.ACTIVE},
        {"state": State.GONE},
        {"state": State.BROKEN},
        {"missing_since": NOON},
    ],
)
def test_it_goes_on_while_an_email_may_have_opens(change: dict[str, Any]) -> None:
    watched = Watched()
    watched.store(**change)
    assert (watched.go_on(), watched.taken) == (None, MOST_TURNS)


@pytest.mark.parametrize("state", [State.FINISHED, State.PAUSED])
def test_it_ends_when_everything_is_finished_or_paused(
    state: State, capsys: pytest.CaptureFixture[str]
) -> None:
    watched = Watched()
    watched.store(state=state)
    assert (watched.go_on(), watched.taken) == (0, 1)
    assert capsys.readouterr().err == "Nothing is left to watch.\n"


def test_it_ends_when_nothing_that_it_watches_is_tracked() -> None:
    assert Watched().go_on(FOREIGN) == 0


def test_a_failure_that_lasts_is_printed_once(capsys: pytest.CaptureFixture[str]) -> None:
    watched = Watched()
    # The trace ids differ, and an activity that rests between two attempts does not fail.
    watched.failures = [ActivityGone("Gone (1)."), None, ActivityGone("Gone (2).")]
    watched.store(last_error="Gone.")
    watched.go_on()
    assert capsys.readouterr().err == f"{ACTIVITY_ID}: Gone (1).\n"


def test_another_kind_of_failure_is_printed_too(capsys: pytest.CaptureFixture[str]) -> None:
    watched = Watched()
    watched.failures = [ActivityGone("Gone."), ReportUnavailable("It is down.")]
    watched.store(last_error="Gone.")
    watched.go_on()
    assert capsys.readouterr().err.count("\n") == 2


def test_a_failure_that_comes_again_is_printed_again(capsys: pytest.CaptureFixture[str]) -> None:
    watched = Watched()
    watched.failures = [ActivityGone("Gone."), None, ActivityGone("Gone.")]
    watched.go_on()  # Meanwhile the activity has no error.
    assert capsys.readouterr().err == f"{ACTIVITY_ID}: Gone.\n" * 2


def test_a_failure_of_the_account_is_printed_once(capsys: pytest.CaptureFixture[str]) -> None:
    class Stopped(Watched):
        def take_turn(self, account_id: str, **options: object) -> TurnReport:
            report = Watched.take_turn(self, account_id, **options)
            report.stopped = AccountStopped(f"It answered 503 ({self.taken}).")
            return report

    Stopped().go_on()
    assert capsys.readouterr().err == "It answered 503 (1).\n"


@pytest.mark.parametrize(
    ("stored", "chosen"),
    [
        # Otherwise cron would ask for a missing e-mail at each start.
        ((State.GONE, NOON), (State.GONE, NOON)),
        ((State.ACTIVE, NOON), (State.ACTIVE, NOON)),
        ((State.PAUSED, None), (State.ACTIVE, None)),
        ((State.FINISHED, None), (State.FINISHED, None)),
        ((State.BROKEN, None), (State.BROKEN, None)),
    ],
)
def test_the_state_in_which_a_named_email_begins(
    stored: tuple[State, Any], chosen: tuple[State, Any]
) -> None:
    watched = Watched()
    watched.store(state=stored[0], missing_since=stored[1])
    choose(watched, wanted())  # type: ignore[arg-type]
    (activity,) = watched.tracking.activities("default")
    assert (activity.state, activity.missing_since) == chosen


def test_an_email_that_is_not_named_is_paused() -> None:
    watched = Watched()
    choose(watched, wanted(FOREIGN))  # type: ignore[arg-type]
    states = {a.campaign_activity_id: a.state for a in watched.tracking.activities("default")}
    assert states == {ACTIVITY_ID: State.PAUSED, FOREIGN: State.ACTIVE}

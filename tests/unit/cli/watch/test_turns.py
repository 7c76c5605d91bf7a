"""The turns of `email-opens watch`: when it goes on, what it prints, and when it ends."""

from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from email_opens.errors import (
    AccountResting,
    AccountStopped,
    ActivityGone,
    BudgetSpent,
    EmailOpensError,
    OutOfTime,
    ReportUnavailable,
    Throttled,
)
from email_opens.instants import iso
from email_opens.model import Gap, State
from email_opens.ports import WakeUps
from email_opens.turns.report import Failure, TurnReport
from email_opens_cli.commands.watch.emails import Wanted
from email_opens_cli.commands.watch.standing import Standing
from email_opens_cli.commands.watch.turns import Following
from email_opens_cli.deployed.turns.reports import TURN
from email_opens_cli.terminal.ending import Ending, Interrupted
from email_opens_cli.terminal.words import named
from tests.contract.samples import ACTIVITY, ACTIVITY_ID, NOON, varied
from tests.fakes import FakeClock, MemoryTracking

MOST_TURNS = 5
FOREIGN = "5b1e0a52-0000-4000-8000-0000000000bb"


@dataclass(slots=True)
class Watched:
    """A watch whose turns are what a test says; it is interrupted after the last one."""

    turns: "Watched" = field(init=False)
    tracking: MemoryTracking = field(default_factory=MemoryTracking)
    clock: FakeClock = field(default_factory=FakeClock)
    reports: list[TurnReport] = field(default_factory=list)
    """What the turns report; later ones report nothing."""
    warnings: list[str] = field(default_factory=list)
    """What was printed before the first turn."""
    wake_in: list[int | None] = field(default_factory=list)
    """In how many seconds each turn asks for the next one."""
    woken: list[bool] = field(default_factory=list)
    """Whether each turn was woken."""
    asks: bool = False
    """Whether the last turn could ask for the next one."""

    def __post_init__(self) -> None:
        self.turns = self
        self.tracking.add(ACTIVITY)

    @property
    def taken(self) -> int:
        return len(self.woken)

    def take_turn(
        self,
        account_id: str,
        *,
        holder: str,
        wake_ups: WakeUps | None,
        woken_by: str | None,
        **_: object,
    ) -> TurnReport:
        if self.taken == MOST_TURNS:
            raise Interrupted
        assert woken_by in (None, holder)
        self.woken.append(woken_by is not None)
        self.asks = wake_ups is not None
        turn = self.reports.pop(0) if self.reports else TurnReport(account_id)
        seconds = self.wake_in.pop(0) if self.wake_in else None
        if wake_ups is not None and seconds is not None:
            wake_ups.ask(account_id, token=holder, seconds=seconds)
            turn.wake_up_in_seconds = seconds
        return turn

    def fail(self, *errors: Exception | None) -> None:
        """Let the next turns fail so."""
        for error in errors:
            report = TurnReport("default")
            if error:
                report.failures.append(Failure(ACTIVITY_ID, error))
            self.reports.append(report)

    def stop(self, *errors: EmailOpensError) -> None:
        """Let the next turns stop so."""
        for error in errors:
            self.reports.append(TurnReport("default", stopped=error))

    def store(self, **changes: Any) -> None:
        (activity,) = self.tracking.activities("default")
        self.tracking.save(varied(activity, **changes))

    def go_on(self, *queries: str, **options: Any) -> int | None:
        """Take turns; return the exit code, None: it would have gone on."""
        following = Following(
            product=self,  # type: ignore[arg-type]
            wanted=Wanted("default", queries or (ACTIVITY_ID,), **options),
            ending=Ending(),
            standing=Standing(),
            screen=None,
            rejected=Path("rejected"),
            warnings=self.warnings,
        )
        following._emails._chosen = set(queries or (ACTIVITY_ID,))
        try:
            return following.take_turns()
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
    watched.fail(ActivityGone("Gone (1)."), None, ActivityGone("Gone (2)."))
    watched.store(last_error="Gone.")
    watched.go_on()
    assert capsys.readouterr().err == f"{named(ACTIVITY)}: Gone (1).\n"


def test_another_kind_of_failure_is_printed_too(capsys: pytest.CaptureFixture[str]) -> None:
    watched = Watched()
    watched.fail(ActivityGone("Gone."), ReportUnavailable("It is down."))
    watched.store(last_error="Gone.")
    watched.go_on()
    assert capsys.readouterr().err.count("\n") == 2


def test_a_failure_that_comes_again_is_printed_again(capsys: pytest.CaptureFixture[str]) -> None:
    watched = Watched()
    watched.fail(ActivityGone("Gone."), None, ActivityGone("Gone."))
    watched.go_on()  # Meanwhile the activity has no error.
    assert capsys.readouterr().err == f"{named(ACTIVITY)}: Gone.\n" * 2


def test_a_failure_of_the_account_is_printed_once(capsys: pytest.CaptureFixture[str]) -> None:
    watched = Watched()
    watched.stop(*(AccountStopped(f"It answered 503 ({number}).") for number in range(5)))
    next_at = iso(watched.clock.now() + TURN)
    watched.go_on()
    assert capsys.readouterr().err == f"It answered 503 (0). The next attempt is at {next_at}.\n"


def test_the_next_attempt_is_made_when_the_account_has_rested(
    capsys: pytest.CaptureFixture[str],
) -> None:
    watched = Watched()
    until = watched.clock.now() + timedelta(minutes=10, microseconds=1)
    resting = AccountResting("No request is sent.", until)
    throttled = Throttled("It throttled every request.", until)
    watched.stop(throttled, resting, resting, throttled)
    watched.go_on()
    again = iso(until.replace(microsecond=0))
    assert capsys.readouterr().err == (
        f"It throttled every request. The next attempt is at {again}.\n"
    )


def test_a_rest_of_an_earlier_run_is_printed(capsys: pytest.CaptureFixture[str]) -> None:
    watched = Watched()
    until = watched.clock.now() + timedelta(hours=1)
    reason = f"No request is sent to the vendor before {iso(until)}. It asked for that."
    watched.stop(AccountResting(reason, until))
    watched.go_on()
    assert capsys.readouterr().err == f"{reason}\n"


def test_what_was_printed_when_the_account_was_connected_is_not_repeated(
    capsys: pytest.CaptureFixture[str],
) -> None:
    watched = Watched(warnings=["It is not known: The connection failed."])
    watched.stop(AccountStopped("The connection failed."))
    next_at = iso(watched.clock.now() + TURN)
    watched.go_on()
    assert capsys.readouterr().err == f"The next attempt is at {next_at}.\n"


def test_turns_follow_one_another_each_minute() -> None:
    watched = Watched()
    began = watched.clock.now()
    watched.go_on()
    assert (watched.woken, watched.asks) == ([False] * MOST_TURNS, True)
    assert watched.clock.now() - began == MOST_TURNS * TURN


def test_a_turn_is_woken_when_a_request_will_be_worth_it() -> None:
    watched = Watched(wake_in=[5, 20, None, 7])
    began = watched.clock.now()
    watched.go_on()
    assert watched.woken == [False, True, True, False, True]
    assert watched.clock.now() - began == 2 * TURN


def test_a_turn_that_is_woken_after_its_minute_begins_another_one() -> None:
    class SuspendedClock(FakeClock):
        """The clock of a machine that falls asleep whenever something waits."""

        def sleep(self, seconds: float) -> None:
            super().sleep(3600 if seconds else 0)

    watched = Watched(wake_in=[5] * MOST_TURNS, clock=SuspendedClock())
    watched.go_on()
    assert watched.woken == [False] * MOST_TURNS


def test_turns_that_are_wanted_only_so_often_are_not_woken() -> None:
    watched = Watched(wake_in=[5] * MOST_TURNS)
    began = watched.clock.now()
    watched.go_on(every=timedelta(hours=1))
    assert (watched.woken, watched.asks) == ([False] * MOST_TURNS, False)
    assert watched.clock.now() - began == timedelta(hours=MOST_TURNS)


class TestOnce:
    def test_ends_when_everything_is_read(self) -> None:
        watched = Watched()
        watched.store(polled_at=NOON)
        assert (watched.go_on(once=True), watched.taken) == (0, 1)

    def test_goes_on_while_a_gap_is_left(self) -> None:
        watched = Watched()
        watched.store(polled_at=NOON, gaps=(Gap(None, NOON, None),))
        assert (watched.go_on(once=True), watched.taken) == (None, MOST_TURNS)

    def test_goes_on_at_once_when_only_the_time_of_a_turn_was_over(
        self, capsys: pytest.CaptureFixture[str]
    ) -> None:
        watched = Watched()
        watched.store(polled_at=NOON, gaps=(Gap(None, NOON, None),))
        watched.stop(*[OutOfTime("No time is left.")] * MOST_TURNS)
        for report in watched.reports:
            report.requests = 1
        began = watched.clock.now()
        assert watched.go_on(once=True) is None
        assert watched.clock.now() == began
        assert capsys.readouterr().err == ""

    @pytest.mark.parametrize(
        "error", [AccountStopped("It answered 503."), BudgetSpent("The budget is spent.")]
    )
    def test_fails_when_the_account_stops(
        self, error: EmailOpensError, capsys: pytest.CaptureFixture[str]
    ) -> None:
        watched = Watched()
        watched.stop(error)
        assert (watched.go_on(once=True), watched.taken) == (1, 1)
        assert capsys.readouterr().err == f"{error}\n"

    def test_does_not_wait_for_an_email_that_fails(self) -> None:
        watched = Watched()
        watched.fail(ReportUnavailable("It is down."))
        watched.store(polled_at=NOON, gaps=(Gap(None, NOON, None),))
        assert (watched.go_on(once=True), watched.taken) == (1, 1)

    def test_does_not_wait_for_a_gap_that_is_tried_again_later(self) -> None:
        watched = Watched()
        watched.store(polled_at=NOON, gaps=(Gap(None, NOON, None, failures=3),))
        assert (watched.go_on(once=True), watched.taken) == (0, 1)

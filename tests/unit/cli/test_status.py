"""How an account is shown: piped, on terminals of any width, and live."""

import json
from dataclasses import replace
from datetime import timedelta

import pytest

from email_opens.events import bucket
from email_opens.model import Account, Gap, State
from email_opens_cli.commands.status import (
    HOURS,
    Status,
    account_line,
    difference,
    opens_by_hour,
    sparkline,
    status_json,
    table,
)
from email_opens_cli.terminal.columns import Column, fitting
from email_opens_cli.terminal.console import console
from tests.contract.samples import ACTIVITY, ACTIVITY_ID, NOON, varied
from tests.fakes import MemoryLedger
from tests.unit.cli.terminal.pseudo_terminal import interrupting, run_in_terminal
from tests.unit.cli.world import World, complaint, run

POLLED = varied(
    ACTIVITY,
    watermark=NOON,
    polled_at=NOON - timedelta(seconds=90),
    gaps=(Gap(None, NOON, "/v3/next", rows_above=500),),
    published=990,
    rejected=3,
    reported=1000,
)


def status(*activities: object, hours: tuple[int, ...] = ()) -> Status:
    return Status(
        account=Account(account_id="default"),
        activities=activities,  # type: ignore[arg-type]
        by_hour={ACTIVITY_ID: list(hours)},
        requests_per_day=10_000,
        now=NOON,
    )


def drawn(shown: Status, width: int, capsys: pytest.CaptureFixture[str]) -> str:
    screen = console()
    screen.print(table(shown, width), width=width)
    return capsys.readouterr().out


class TestTable:
    def test_names_whole_ids_where_there_is_room(self, capsys: pytest.CaptureFixture[str]) -> None:
        assert ACTIVITY_ID in drawn(status(POLLED), 240, capsys)

    def test_fits_into_forty_columns(self, capsys: pytest.CaptureFixture[str]) -> None:
        lines = drawn(status(POLLED), 40, capsys).splitlines()
        assert max(map(len, lines)) <= 40

    def test_says_the_most_important_in_forty_columns(
        self, capsys: pytest.CaptureFixture[str]
    ) -> None:
        said = drawn(status(POLLED), 40, capsys).split()
        assert said == [
            *("Activity", "State", "Delay", "Published"),
            *(f"{ACTIVITY_ID[:8]}…", "active", "1m", "990"),
        ]

    @pytest.mark.parametrize("said", ["1, 500 of 1000 rows", "-7", "1m", "2026-03-02T12:00:00Z"])
    def test_tells(self, said: str, capsys: pytest.CaptureFixture[str]) -> None:
        assert f" {said} " in drawn(status(POLLED), 240, capsys)

    def test_takes_no_markup_from_a_campaigns_name(
        self, capsys: pytest.CaptureFixture[str]
    ) -> None:
        named = replace(POLLED, campaign_name="[red]News[/]")
        assert "[red]News[/]" in drawn(status(named), 240, capsys)


class TestFitting:
    COLUMNS = (Column("a", 10, rank=2), Column("b", 5, rank=0), Column("c", 5, rank=1))

    @pytest.mark.parametrize(
        ("width", "names"), [(24, "abc"), (23, "bc"), (12, "bc"), (11, "b"), (5, "b"), (4, "")]
    )
    def test_drops_the_least_important_first(self, width: int, names: str) -> None:
        assert "".join(one.name for one in fitting(self.COLUMNS, width)) == names


class TestDifference:
    def test_is_below_zero_while_some_are_missing(self) -> None:
        assert difference(POLLED) == -7

    def test_is_unknown_before_an_audit(self) -> None:
        assert difference(varied(POLLED, reported=None)) is None


class TestDelay:
    def test_is_unknown_of_what_is_not_polled(self) -> None:
        (shown,) = status_json(status(replace(POLLED, state=State.PAUSED)))["activities"]
        assert shown["delay_seconds"] is None

    def test_is_the_time_since_somebody_looked(self) -> None:
        (shown,) = status_json(status(POLLED))["activities"]
        assert shown["delay_seconds"] == 90


class TestOpensByHour:
    def test_counts_the_ledgers_fingerprints(self) -> None:
        ledger = MemoryLedger()
        ledger.append(ACTIVITY_ID, {bucket(NOON): [b"1", b"2"]})
        ledger.append(ACTIVITY_ID, {bucket(NOON - timedelta(hours=23)): [b"3"]})
        ledger.append(ACTIVITY_ID, {bucket(NOON - timedelta(hours=24)): [b"4"]})
        assert opens_by_hour(ledger, POLLED, NOON) == [1, *[0] * (HOURS - 2), 2]

    def test_is_drawn_as_bars(self) -> None:
        assert sparkline([1, 0, 4, 8]) == "▁ ▄█"

    def test_of_nothing_is_blank(self) -> None:
        assert sparkline([0, 0]) == ""


def test_the_line_of_the_account_tells_the_last_error() -> None:
    shown = replace(status(), account=Account(account_id="a", last_error="It is closed."))
    assert account_line(shown) == "Account a: 0 of 10000 requests today; It is closed."


class TestCommand:
    def test_draws_what_was_published(self, world: World) -> None:
        run("track", world.opened(2))
        run("poll")
        assert "█" in run("status").stdout

    def test_says_the_same_for_machines(self, world: World) -> None:
        activity_id = world.opened(2)
        run("track", activity_id)
        run("poll")
        (shown,) = json.loads(run("status", "--json").stdout)["activities"]
        assert shown["campaign_activity_id"] == activity_id
        assert sum(shown["opens_by_hour"]) == 2
        assert shown["difference"] == 0

    def test_fits_a_terminal_of_forty_columns(self, world: World) -> None:
        run("track", world.opened(2))
        run("poll")
        shown = run_in_terminal("status", columns=40)
        assert [len(line) for line in shown.lines[:2] if len(line) > 40] == []

    def test_is_redrawn_until_ctrl_c(self, world: World) -> None:
        activity_id = world.opened(2)
        run("track", activity_id)
        shown = run_in_terminal("status", "--watch", on_output=interrupting(activity_id[:8]))
        assert shown.exit_code == 0

    @pytest.mark.usefixtures("world")
    def test_is_not_redrawn_in_a_pipe(self) -> None:
        assert "--watch needs a terminal" in complaint(run("status", "--watch"), 2)

    @pytest.mark.usefixtures("world")
    def test_is_not_both_redrawn_and_for_machines(self) -> None:
        assert "use one of them" in complaint(run("status", "--watch", "--json"), 2)

"""`email-opens status`: piped, on terminals of any width, and live."""

import json
from dataclasses import replace
from datetime import timedelta

import pytest

from email_opens.account import Account
from email_opens.events import bucket
from email_opens.instants import iso
from email_opens.model import Gap, State
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


def draw(view: Status, width: int, capsys: pytest.CaptureFixture[str]) -> str:
    screen = console()
    screen.print(table(view, width), width=width)
    return capsys.readouterr().out


class TestTable:
    def test_shows_whole_ids_on_a_wide_terminal(self, capsys: pytest.CaptureFixture[str]) -> None:
        assert ACTIVITY_ID in draw(status(POLLED), 240, capsys)

    def test_fits_into_forty_columns(self, capsys: pytest.CaptureFixture[str]) -> None:
        lines = draw(status(POLLED), 40, capsys).splitlines()
        assert max(map(len, lines)) <= 40

    def test_keeps_the_most_important_columns_in_forty_columns(
        self, capsys: pytest.CaptureFixture[str]
    ) -> None:
        words = draw(status(POLLED), 40, capsys).split()
        assert words == [
            *("Activity", "State", "Delay", "Published"),
            *(f"{ACTIVITY_ID[:8]}…", "active", "1m", "990"),
        ]

    @pytest.mark.parametrize("cell", ["1, 500 of 1000 rows", "-7", "1m", "2026-03-02T12:00:00Z"])
    def test_shows_the_cell(self, cell: str, capsys: pytest.CaptureFixture[str]) -> None:
        assert f" {cell} " in draw(status(POLLED), 240, capsys)

    def test_prints_markup_in_the_name_of_a_campaign_as_text(
        self, capsys: pytest.CaptureFixture[str]
    ) -> None:
        activity = replace(POLLED, campaign_name="[red]News[/]")
        assert "[red]News[/]" in draw(status(activity), 240, capsys)


class TestFitting:
    COLUMNS = (Column("a", 10, rank=2), Column("b", 5, rank=0), Column("c", 5, rank=1))

    @pytest.mark.parametrize(
        ("width", "names"), [(24, "abc"), (23, "bc"), (12, "bc"), (11, "b"), (5, "b"), (4, "")]
    )
    def test_drops_the_least_important_columns_first(self, width: int, names: str) -> None:
        assert "".join(column.name for column in fitting(self.COLUMNS, width)) == names


class TestDifference:
    def test_is_negative_while_opens_are_missing(self) -> None:
        assert difference(POLLED) == -7

    def test_is_unknown_before_an_audit(self) -> None:
        assert difference(varied(POLLED, reported=None)) is None


class TestDelay:
    def test_is_unknown_for_a_paused_activity(self) -> None:
        (activity,) = status_json(status(replace(POLLED, state=State.PAUSED)))["activities"]
        assert activity["delay_seconds"] is None

    def test_is_the_time_since_the_last_poll(self) -> None:
        (activity,) = status_json(status(POLLED))["activities"]
        assert activity["delay_seconds"] == 90

    def test_is_never_negative_when_clocks_differ(self) -> None:
        ahead = varied(POLLED, polled_at=NOON + timedelta(days=1))
        (activity,) = status_json(status(ahead))["activities"]
        assert activity["delay_seconds"] == 0


class TestOpensByHour:
    def test_counts_the_fingerprints_of_the_ledger(self) -> None:
        ledger = MemoryLedger()
        ledger.append(ACTIVITY_ID, {bucket(NOON): [b"1", b"2"]})
        ledger.append(ACTIVITY_ID, {bucket(NOON - timedelta(hours=23)): [b"3"]})
        ledger.append(ACTIVITY_ID, {bucket(NOON - timedelta(hours=24)): [b"4"]})
        assert opens_by_hour(ledger, POLLED, NOON) == [1, *[0] * (HOURS - 2), 2]

    def test_is_drawn_as_bars(self) -> None:
        assert sparkline([1, 0, 4, 8]) == "▁ ▄█"

    def test_without_opens_is_blank(self) -> None:
        assert sparkline([0, 0]) == ""


def test_the_line_of_the_account_contains_the_last_error() -> None:
    view = replace(status(), account=Account(account_id="a", last_error="It is closed."))
    assert account_line(view) == "Account a: 0 of 10000 requests today; It is closed."


def test_the_line_of_the_account_says_until_when_it_rests() -> None:
    resting = Account(
        account_id="a",
        rests_until=NOON + timedelta(minutes=10, microseconds=1),
        last_error="The vendor throttled every attempt.",
    )
    view = replace(status(), account=resting)
    until = iso(NOON + timedelta(minutes=10))
    assert f"; it rests until {until}; The vendor throttled" in account_line(view)
    assert status_json(view)["account"]["rests_until"].startswith(until[:-1])


class TestCommand:
    def test_draws_a_bar_for_published_opens(self, world: World) -> None:
        run("track", world.opened(2))
        run("poll")
        assert "█" in run("status").stdout

    def test_prints_the_same_numbers_as_json(self, world: World) -> None:
        activity_id = world.opened(2)
        run("track", activity_id)
        run("poll")
        (activity,) = json.loads(run("status", "--json").stdout)["activities"]
        assert activity["campaign_activity_id"] == activity_id
        assert sum(activity["opens_by_hour"]) == 2
        assert activity["difference"] == 0

    def test_fits_a_terminal_of_forty_columns(self, world: World) -> None:
        run("track", world.opened(2))
        run("poll")
        output = run_in_terminal("status", columns=40)
        assert [len(line) for line in output.lines[:2] if len(line) > 40] == []

    def test_redraws_until_ctrl_c(self, world: World) -> None:
        activity_id = world.opened(2)
        run("track", activity_id)
        output = run_in_terminal("status", "--watch", on_output=interrupting(activity_id[:8]))
        assert output.exit_code == 130

    @pytest.mark.usefixtures("world")
    def test_refuses_to_redraw_in_a_pipe(self) -> None:
        assert "--watch needs a terminal" in complaint(run("status", "--watch"), 2)

    @pytest.mark.usefixtures("world")
    def test_refuses_to_redraw_json(self) -> None:
        assert "use one of them" in complaint(run("status", "--watch", "--json"), 2)

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
from email_opens_cli.terminal.console import WIDE, console
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


OTHER_ID = "a1b2c3d4-0000-4000-8000-000000000001"


def status(*activities: object, hours: tuple[int, ...] = ()) -> Status:
    return Status(
        account=Account(account_id="default"),
        activities=activities,  # type: ignore[arg-type]
        by_hour={key: list(hours) for key in (ACTIVITY_ID, OTHER_ID)},
        differences=dict.fromkeys((ACTIVITY_ID, OTHER_ID), -7),
        requests_per_day=10_000,
        now=NOON,
    )


def draw(view: Status, width: int, capsys: pytest.CaptureFixture[str]) -> str:
    screen = console()
    screen.print(*table(view, width), sep="\n", width=width)
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
            *("E-mail", "State", "Delay", "Published"),
            *("March", "news", "active", "1m", "990"),
        ]

    def test_keeps_the_error_and_shortens_the_id_in_eighty_columns(
        self, capsys: pytest.CaptureFixture[str]
    ) -> None:
        failing = replace(POLLED, campaign_activity_id=OTHER_ID, last_error="It answered 503. " * 9)
        header, row = draw(status(failing), 80, capsys).splitlines()[:2]
        assert header.split()[:4] == ["E-mail", "State", "Delay", "Published"]
        assert "It answered" in row
        assert row.split()[-1] == OTHER_ID[:8]

    def test_prints_an_error_below_if_it_does_not_fit(
        self, capsys: pytest.CaptureFixture[str]
    ) -> None:
        failing = replace(POLLED, last_error="It answered 503.")
        assert "March news: It answered 503." in draw(status(failing), 40, capsys)

    def test_names_an_e_mail_without_a_name_by_its_id(
        self, capsys: pytest.CaptureFixture[str]
    ) -> None:
        nameless = replace(POLLED, campaign_activity_id=OTHER_ID, campaign_name=None)
        assert f"{OTHER_ID[:8]} " in draw(status(nameless), 40, capsys)

    def test_cuts_nothing_in_a_pipe(self, capsys: pytest.CaptureFixture[str]) -> None:
        error = " ".join(["It answered 503."] * 40)
        failing = replace(POLLED, campaign_name="A name " * 10, last_error=error)
        _, row = draw(status(failing), WIDE, capsys).splitlines()
        assert error in row
        assert ("A name " * 10).strip() in row

    @pytest.mark.parametrize("cell", ["1, 500 of 1000 rows", "-7", "1m", "2026-03-02T12:00:00Z"])
    def test_shows_the_cell(self, cell: str, capsys: pytest.CaptureFixture[str]) -> None:
        assert f" {cell} " in draw(status(POLLED), 240, capsys)

    def test_prints_markup_in_the_name_of_a_campaign_as_text(
        self, capsys: pytest.CaptureFixture[str]
    ) -> None:
        activity = replace(POLLED, campaign_name="[red]News[/]")
        assert "[red]News[/]" in draw(status(activity), 240, capsys)


class TestDifference:
    def test_is_negative_while_opens_are_missing(self) -> None:
        assert difference(MemoryLedger(), POLLED) == -7

    def test_is_unknown_when_opens_were_published_after_the_audit(self) -> None:
        polled = varied(POLLED, published=1006, rejected=0, audited_at=NOON - timedelta(hours=1))
        assert difference(MemoryLedger(), polled) is None

    def test_counts_what_was_published_before_an_e_mail_was_tracked_again(self) -> None:
        ledger = MemoryLedger()
        ledger.append(ACTIVITY_ID, {bucket(NOON): [b"%d" % number for number in range(7)]})
        ledger.append(ACTIVITY_ID, {"rejected": [b"8", b"9"]})
        tracked_again = varied(POLLED, published=1, rejected=0, reported=9)
        assert difference(ledger, tracked_again) == 0

    def test_is_positive_when_an_audit_finds_fewer_rows_than_were_published(self) -> None:
        audited = varied(POLLED, published=1006, rejected=0, audited_at=POLLED.progress.polled_at)
        assert difference(MemoryLedger(), audited) == 6

    def test_is_unknown_before_an_audit(self) -> None:
        assert difference(MemoryLedger(), varied(POLLED, reported=None)) is None


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
        world.track(world.opened(2))
        run("poll")
        assert "█" in run("status").stdout

    def test_prints_the_same_numbers_as_json(self, world: World) -> None:
        activity_id = world.opened(2)
        world.track(activity_id)
        run("poll")
        (activity,) = json.loads(run("status", "--json").stdout)["activities"]
        assert activity["campaign_activity_id"] == activity_id
        assert sum(activity["opens_by_hour"]) == 2
        assert activity["difference"] == 0

    def test_shows_no_difference_after_an_e_mail_was_tracked_again(self, world: World) -> None:
        activity_id = world.track(world.opened(2))
        run("poll")
        run("untrack", activity_id)
        world.track(activity_id)
        run("poll")
        (activity,) = json.loads(run("status", "--json").stdout)["activities"]
        assert (activity["published"], activity["reported"], activity["difference"]) == (0, 2, 0)

    def test_fits_a_terminal_of_forty_columns(self, world: World) -> None:
        world.track(world.opened(2))
        run("poll")
        output = run_in_terminal("status", columns=40)
        assert [len(line) for line in output.lines[:2] if len(line) > 40] == []

    def test_redraws_until_ctrl_c(self, world: World) -> None:
        activity_id = world.opened(2)
        world.track(activity_id)
        output = run_in_terminal("status", "--watch", on_output=interrupting(activity_id[:8]))
        assert output.exit_code == 130

    @pytest.mark.usefixtures("world")
    def test_refuses_to_redraw_in_a_pipe(self) -> None:
        assert "--watch needs a terminal" in complaint(run("status", "--watch"), 2)

    @pytest.mark.usefixtures("world")
    def test_refuses_to_redraw_json(self) -> None:
        assert "use one of them" in complaint(run("status", "--watch", "--json"), 2)

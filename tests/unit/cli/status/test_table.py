"""The table on screens of any width, and the line about the account."""

from copy import replace
from datetime import timedelta

import pytest

from email_opens.account import Account
from email_opens.instants import iso
from email_opens_cli.commands.status.json_object import status_json
from email_opens_cli.commands.status.reading import Status
from email_opens_cli.commands.status.table import account_line, sparkline, table
from email_opens_cli.terminal.console import WIDE, console
from tests.contract.samples import ACTIVITY_ID, NOON, varied
from tests.unit.cli.status.samples import OTHER_ID, POLLED, status


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

    def test_shows_nothing_that_was_reported_before_more_opens_were_published(
        self, capsys: pytest.CaptureFixture[str]
    ) -> None:
        outdated = varied(POLLED, published=125, reported=115, gaps=())
        view = replace(status(outdated), differences={ACTIVITY_ID: None})
        drawn = draw(view, 240, capsys)
        assert " 125 " in drawn
        assert "115" not in drawn

    def test_prints_markup_in_the_name_of_a_campaign_as_text(
        self, capsys: pytest.CaptureFixture[str]
    ) -> None:
        activity = replace(POLLED, campaign_name="[red]News[/]")
        assert "[red]News[/]" in draw(status(activity), 240, capsys)


class TestOpensByHour:
    def test_is_drawn_as_bars(self) -> None:
        assert sparkline([1, 0, 4, 8]) == "▁ ▄█"

    def test_without_opens_is_blank(self) -> None:
        assert sparkline([0, 0]) == ""


def test_the_line_of_the_account_contains_the_last_error() -> None:
    view = replace(status(), account=Account(account_id="a", last_error="It is closed."))
    assert account_line(view) == "Account a: 0 of 9,000 requests today. It is closed."


def test_the_line_of_the_account_says_until_when_it_rests() -> None:
    resting = Account(
        account_id="a",
        rests_until=NOON + timedelta(minutes=10, microseconds=1),
        last_error="The vendor throttled every attempt.",
    )
    view = replace(status(), account=resting)
    until = iso(NOON + timedelta(minutes=10))
    assert f"; it rests until {until}. The vendor throttled" in account_line(view)
    assert status_json(view)["account"]["rests_until"].startswith(until[:-1])

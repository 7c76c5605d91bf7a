"""The lines that the demo prints, on a terminal and elsewhere."""

from datetime import UTC, datetime
from io import StringIO

import pytest

from email_opens_cli.demo.picture import Arrival, Count, State
from email_opens_cli.demo.screen import Screen
from email_opens_cli.demo.subscriber import Received, ReportedOpen, UnderWay
from email_opens_cli.terminal.console import TextConsole
from tests.unit.cli.terminal.plain import plain

AT = datetime(2026, 3, 2, 14, 7, 31, tzinfo=UTC)


class Output:
    """A screen, and what it has printed."""

    def __init__(self, columns: int | None = None) -> None:
        self.file = StringIO()
        self.screen = Screen(
            TextConsole(file=self.file, width=columns, force_terminal=columns is not None)
        )

    @property
    def text(self) -> str:
        return plain(self.file)

    @property
    def lines(self) -> list[str]:
        return self.text.splitlines()


def state(*contacts: str, received: int = 1) -> State:
    return State(
        activity="The function is polling.",
        counts=[Count("Live", 2, received)],
        backlog=Count("Old", 2, 2),
        latest=[
            Arrival("Live", Received(ReportedOpen("a", contact, AT, None), contact, contact, AT))
            for contact in contacts
        ],
    )


@pytest.mark.parametrize("columns", [40, 80])
def test_the_introduction_breaks_between_words(columns: int) -> None:
    output = Output(columns)
    output.screen.introduce()
    assert max(map(len, output.lines)) <= columns
    assert "needs no account and no keys." in " ".join(" ".join(output.lines).split())


def test_a_sentence_is_one_line_in_a_pipe() -> None:
    output = Output()
    output.screen.announce(AT, "Late row", "it is late " * 40)
    assert len(output.lines) == 1


def test_a_sentence_stays_to_the_right_of_its_time_on_a_terminal() -> None:
    output = Output(40)
    output.screen.tell(AT, "The opens wait in the vendor's report until then.")
    assert [line[:10].strip() != "" for line in output.lines] == [True, False]


def test_a_pipe_shows_each_open_once() -> None:
    output = Output()
    output.screen.report(state("ann", "bo"), AT)
    output.screen.report(state("bo", "cy"), AT)
    assert [output.text.count(f"{name} opened") for name in ("ann", "bo", "cy")] == [1, 1, 1]


def test_a_pipe_shows_counts_only_when_they_change() -> None:
    output = Output()
    for received in (1, 1, 2):
        output.screen.report(state(received=received), AT)
    assert [line[10:] for line in output.lines] == [
        "Live: 1 of 2 opens received",
        "Live: 2 of 2 opens received",
    ]


def test_a_picture_replaces_those_lines_on_a_terminal() -> None:
    output = Output(80)
    output.screen.report(state("ann"), AT)
    assert output.lines == []


def test_what_is_shown_moves_on_a_terminal() -> None:
    output = Output(80)
    with output.screen.shows(lambda: state("ann")):
        pass
    assert "The function is polling." in output.text


def test_a_dumb_terminal_gets_lines(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TERM", "dumb")
    output = Output(80)
    output.screen.report(state("ann"), AT)
    assert "ann opened" in output.lines[0]


def test_the_summary_does_not_call_rows_under_way_lost() -> None:
    output = Output()
    output.screen.summary(9, 7, {"Live": UnderWay(not_reported=1, not_received=2)}, 0)
    assert (
        "Still under way              Live: 1 not reported yet, 2 not received yet" in output.text
    )
    assert "Lost" not in output.text


def test_what_next_names_the_program_as_it_is_started() -> None:
    output = Output()
    output.screen.next_steps("bin/eo", in_clone=True)
    assert "  bin/eo watch        follow the opens of your own e-mails, without AWS" in output.lines


def test_what_next_names_nothing_that_only_a_clone_has() -> None:
    output = Output()
    output.screen.next_steps("email-opens", in_clone=False)
    assert "email-opens watch " in output.text
    assert not any(word in output.text for word in ("make", "README", "docs/"))


@pytest.mark.parametrize("columns", [40, 80])
def test_what_next_is_not_cut(columns: int) -> None:
    output = Output(columns)
    output.screen.next_steps("email-opens", in_clone=True)
    words = " ".join(output.text.split())
    assert max(map(len, output.lines)) <= columns
    assert "what is guaranteed, and what can cause a repeat" in words


class TestSteps:
    def test_a_step_that_ends_is_ticked_with_its_seconds(self) -> None:
        output = Output(80)
        with output.screen.steps() as steps:
            steps("Building")
            steps.end()
        assert "✓ Building (0 s)" in output.text

    def test_a_step_that_fails_is_not_ticked(self) -> None:
        output = Output(80)
        with output.screen.steps() as steps:
            steps("Building")
            steps.stop()
        assert "✓" not in output.text

    def test_a_step_is_shown_while_it_lasts(self) -> None:
        output = Output(80)
        with output.screen.steps() as steps:
            steps("Building")
            assert "Building … 0 s" in output.text

    def test_a_step_is_one_line_in_a_pipe(self) -> None:
        output = Output()
        with output.screen.steps() as steps:
            steps("Building")
            steps("Deploying")
        assert output.lines == ["Building …", "Deploying …"]

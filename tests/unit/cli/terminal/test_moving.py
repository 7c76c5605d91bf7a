"""What moves on a terminal."""

from io import StringIO

from email_opens_cli.terminal.console import TextConsole
from email_opens_cli.terminal.moving import bar, indented, moves, moving, spinner
from email_opens_cli.terminal.plain import REPLACEMENT
from tests.unit.cli.terminal.plain import plain


def terminal(columns: int = 80) -> tuple[TextConsole, StringIO]:
    file = StringIO()
    return TextConsole(file=file, width=columns, force_terminal=True), file


def test_a_file_does_not_move() -> None:
    assert not moves(TextConsole(file=StringIO()))


def test_what_is_drawn_is_shown_at_once() -> None:
    console, file = terminal()
    with moving(console, lambda: ["first"], transient=True):
        assert "first" in plain(file)


def test_what_is_drawn_last_stays() -> None:
    console, file = terminal()
    words = ["first"]
    with moving(console, lambda: list(words)):
        words[0] = "last"
    assert plain(file).rstrip().endswith("last")


def test_what_is_printed_meanwhile_appears_above() -> None:
    console, file = terminal()
    with moving(console, lambda: ["below"]):
        console.print("above")
    text = plain(file)
    assert text.rindex("above") < text.rindex("below")


def test_a_bar_ends_its_line_and_fits() -> None:
    console, file = terminal(40)
    console.print(bar(1, 3, 40), "next")
    first, second = plain(file).splitlines()
    assert len(first.rstrip()) <= 40
    assert second == "next"


def test_a_bar_of_nothing_is_one_line() -> None:
    console, file = terminal()
    console.print(bar(0, 0, 10))
    assert plain(file).count("\n") == 1


def test_the_lines_of_an_indented_text_begin_to_the_right_of_its_head() -> None:
    console, file = terminal(20)
    console.print(indented("12:00", ("need two lines", "")))
    assert [line[:7] for line in plain(file).splitlines()] == ["12:00  ", "       "]


def test_control_characters_are_replaced() -> None:
    console, file = terminal()
    console.print(spinner("a\x07b"), indented("c\x07d", ("e\x07f", "")))
    assert "\x07" not in plain(file)
    assert plain(file).count(REPLACEMENT) == 3

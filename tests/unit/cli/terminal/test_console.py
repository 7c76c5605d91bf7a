"""What comes from outside is printed as text: it controls no terminal and means no markup."""

from collections.abc import Callable
from io import StringIO

import pytest

from email_opens.errors import EmailOpensError
from email_opens_cli.terminal.columns import Column, table
from email_opens_cli.terminal.complaints import complaints
from email_opens_cli.terminal.console import (
    TextConsole,
    console,
    printable,
    redrawn,
    say,
    say_json,
    styled,
    warn,
)
from email_opens_cli.terminal.plain import wrapped
from tests.unit.cli.terminal.pseudo_terminal import run_in_terminal

HOSTILE = (
    "a\x1b[2Jb\nc\rd\x00e\x07f\x9b31mg\x85h\u202ei\u2066j\u2028k\u2029l\ud800m"
    "[bold]n[/bold] [link=http://example.org]o[/link] :boom: \ufeffp\xadq\U000e0041r"
)
TEXT = (
    "a�[2Jb�c�d�e�f�31mg�h�i�j�k�l�m[bold]n[/bold] [link=http://example.org]o[/link] :boom: �p�q�r"
)


def fail(text: str) -> None:
    with complaints():
        raise EmailOpensError(text)


def cell(text: str) -> None:
    columns = [Column("Name", 200, 0), Column("None", 1, 1)]
    console().print(table(columns, [{"Name": text, "None": ""}]))


PRINTERS: list[Callable[[str], object]] = [
    say,
    warn,
    fail,
    cell,
    lambda text: console().print(text),
    lambda text: console().print(styled((text, "bold"))),
]


@pytest.mark.parametrize("show", PRINTERS)
def test_text_from_outside_is_printed_without_its_controls_and_markup(
    show: Callable[[str], object], capsys: pytest.CaptureFixture[str]
) -> None:
    try:
        show(HOSTILE)
    except BaseException as error:
        if type(error).__name__ != "Exit":
            raise
    captured = capsys.readouterr()
    assert [line.rstrip() for line in (captured.out + captured.err).splitlines()[-1:]] == [TEXT]


def test_on_a_terminal_only_the_programs_own_styles_are_controls() -> None:
    file = StringIO()
    screen = TextConsole(file=file, force_terminal=True, width=200, color_system="standard")
    screen.print(styled((HOSTILE, "bold")))
    assert file.getvalue() == f"\x1b[1m{TEXT}\x1b[0m\n"


def test_what_is_redrawn_on_a_terminal_is_text_too() -> None:
    file = StringIO()
    screen = TextConsole(file=file, force_terminal=True, width=200)
    with redrawn(screen) as redraw:
        redraw("above", HOSTILE)
    assert TEXT in file.getvalue()


def test_json_is_ascii_without_controls(capsys: pytest.CaptureFixture[str]) -> None:
    say_json({"name": HOSTILE})
    (line,) = capsys.readouterr().out.splitlines()
    assert line.isascii()
    assert line.isprintable()


@pytest.mark.parametrize("text", ["é☃ 日本語 עברית", "👩\u200d👧", "नि\u200cक", "a\xa0b"])
def test_names_in_any_script_stay_as_they_are(text: str) -> None:
    assert printable(text) == text


COMMAND = "`email-opens status --stack email-opens`"


@pytest.mark.parametrize(
    ("text", "lines"),
    [
        ("A short line.", ["A short line."]),
        ("Two words    apart.", ["Two words    apart."]),
        ("A line that is too long for a line.", ["A line that is too", "long for a line."]),
        ("  → An indented line that is long.", ["  → An indented line", "  that is long."]),
        ("A-word-that-is-longer-than-a-line.", ["A-word-that-is-longer-than-a-line."]),
        (f"See {COMMAND}, then go on.", ["See", f"{COMMAND},", "then go on."]),
        ("", [""]),
    ],
)
def test_a_sentence_is_broken_between_words_and_not_within_a_command(
    text: str, lines: list[str]
) -> None:
    assert wrapped(text, 20).split("\n") == lines


@pytest.mark.parametrize("columns", [40, 80])
def test_a_sentence_on_a_terminal_is_broken_between_words(columns: int) -> None:
    output = run_in_terminal("poll", columns=columns)
    assert output.widest() <= columns
    assert " ".join(output.lines).startswith("No stack is named: add --stack NAME, set EMAIL_OPENS")

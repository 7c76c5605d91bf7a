"""How the documentation's screenshots are recorded, whatever they show."""

import os
import subprocess
import sys
from io import StringIO
from xml.etree import ElementTree as ET

import pytest
from rich.console import Console
from rich.live import Live
from rich.text import Text

from screens import final_lines, render, run_on_terminal


def live(*frames: str, before: str = "", after: str = "") -> str:
    """Return what rich writes to a terminal while it redraws frames in place."""
    console = Console(file=StringIO(), force_terminal=True, width=40)
    console.print(before)
    with Live(console=console, auto_refresh=False) as shown:
        for frame in frames:
            shown.update(Text(frame), refresh=True)
    console.print(after)
    assert isinstance(console.file, StringIO)
    return console.file.getvalue()


def visible(written: str) -> list[str]:
    """Return the final lines without their styles."""
    return [Text.from_ansi(line).plain for line in final_lines(written)]


def text_of(svg: str) -> str:
    return "".join(ET.fromstring(svg).itertext())


class TestFinalLines:
    def test_are_the_last_frame_and_the_lines_around_it(self) -> None:
        written = live("one\ntwo", "three\nfour", before="above", after="below")
        assert visible(written)[:4] == ["above", "three", "four", "below"]

    def test_are_blank_where_an_earlier_frame_was_longer(self) -> None:
        assert [line for line in visible(live("one\ntwo\nthree", "four")) if line] == ["four"]

    def test_are_the_same_with_a_terminals_line_endings(self) -> None:
        written = live("one\ntwo", "three\nfour")
        assert visible(written.replace("\n", "\r\n")) == visible(written)

    def test_keep_their_colours(self) -> None:
        assert final_lines("\x1b[32mgreen\x1b[0m") == ["\x1b[32mgreen\x1b[0m"]


class TestRunOnTerminal:
    def test_returns_what_the_command_writes_to_a_terminal(self) -> None:
        program = "import os, sys; print(sys.stdout.isatty(), os.get_terminal_size().columns)"
        assert run_on_terminal([sys.executable, "-c", program], os.environ, 47) == "True 47\r\n"

    def test_raises_if_the_command_fails(self) -> None:
        with pytest.raises(subprocess.CalledProcessError):
            run_on_terminal([sys.executable, "-c", "raise SystemExit(1)"], os.environ, 80)


class TestRender:
    def test_shows_the_command(self) -> None:
        assert "email-opens\N{NO-BREAK SPACE}status" in text_of(
            render("email-opens status", [], 40)
        )

    def test_shows_the_lines(self) -> None:
        assert "bold" in text_of(render("email-opens status", ["\x1b[1mbold\x1b[0m"], 40))

    def test_shows_markup_in_the_lines_as_text(self) -> None:
        assert "[red]News[/]" in text_of(render("email-opens status", ["[red]News[/]"], 40))

    def test_is_deterministic(self) -> None:
        assert render("a", ["b"], 40) == render("a", ["b"], 40)

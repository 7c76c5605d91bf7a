"""How the pictures of the documents are drawn, without what they show."""

import os
import subprocess
import sys
from io import StringIO
from xml.etree import ElementTree as ET

import pytest
from rich.console import Console
from rich.live import Live
from rich.text import Text

from screens import drawn, left_on_screen, picture


def live(*frames: str, before: str = "", after: str = "") -> str:
    """Return what rich writes to a terminal while it redraws in place."""
    console = Console(file=StringIO(), force_terminal=True, width=40)
    console.print(before)
    with Live(console=console, auto_refresh=False) as shown:
        for frame in frames:
            shown.update(Text(frame), refresh=True)
    console.print(after)
    assert isinstance(console.file, StringIO)
    return console.file.getvalue()


def seen(written: str) -> list[str]:
    """Return the lines that a person sees."""
    return [Text.from_ansi(line).plain for line in left_on_screen(written)]


def said(svg: str) -> str:
    return "".join(ET.fromstring(svg).itertext())


class TestWhatIsLeftOnScreen:
    def test_is_the_last_frame_of_what_is_redrawn(self) -> None:
        written = live("one\ntwo", "three\nfour", before="above", after="below")
        assert seen(written)[:4] == ["above", "three", "four", "below"]

    def test_keeps_what_a_longer_frame_had_more_as_blank(self) -> None:
        assert [line for line in seen(live("one\ntwo\nthree", "four")) if line] == ["four"]

    def test_is_the_same_with_a_terminals_ends_of_lines(self) -> None:
        written = live("one\ntwo", "three\nfour")
        assert seen(written.replace("\n", "\r\n")) == seen(written)

    def test_keeps_its_colours(self) -> None:
        assert left_on_screen("\x1b[32mgreen\x1b[0m") == ["\x1b[32mgreen\x1b[0m"]


class TestDrawn:
    def test_is_what_a_terminal_gets(self) -> None:
        program = "import os, sys; print(sys.stdout.isatty(), os.get_terminal_size().columns)"
        assert drawn([sys.executable, "-c", program], os.environ, 47) == "True 47\r\n"

    def test_is_not_taken_from_a_command_that_failed(self) -> None:
        with pytest.raises(subprocess.CalledProcessError):
            drawn([sys.executable, "-c", "raise SystemExit(1)"], os.environ, 80)


class TestPicture:
    def test_names_the_command(self) -> None:
        assert "email-opens\N{NO-BREAK SPACE}status" in said(picture("email-opens status", [], 40))

    def test_shows_the_lines(self) -> None:
        assert "bold" in said(picture("email-opens status", ["\x1b[1mbold\x1b[0m"], 40))

    def test_takes_no_markup_from_the_lines(self) -> None:
        assert "[red]News[/]" in said(picture("email-opens status", ["[red]News[/]"], 40))

    def test_is_the_same_of_the_same(self) -> None:
        assert picture("a", ["b"], 40) == picture("a", ["b"], 40)

"""The picture that the demo shows on a terminal."""

import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from io import StringIO

import pytest

from email_opens_cli.demo.picture import Arrival, Count, State, ago, clock_time, picture
from email_opens_cli.demo.subscriber import Received, ReportedOpen
from email_opens_cli.terminal.console import TextConsole
from tests.unit.cli.terminal.plain import plain

AT = datetime(2026, 3, 2, 14, 7, 31, tzinfo=UTC)
LIVE, OLD = Count("Spring sale", 393, 81), Count("March newsletter", 5781, 2000)


@pytest.fixture(autouse=True)
def _in_athens(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setenv("TZ", "Europe/Athens")
    time.tzset()
    yield
    monkeypatch.undo()
    time.tzset()


def arrival(number: int) -> Arrival:
    open_ = ReportedOpen("activity", f"contact-{number}", AT - timedelta(days=3), "computer")
    return Arrival("March newsletter", Received(open_, "id", f"contact{number}@example.com", AT))


def drawn(columns: int, lines: int = 24) -> list[str]:
    """Return the lines of the picture on a terminal of this size."""
    state = State(
        activity="Waiting until the lease expires: 12 s",
        counts=[LIVE, OLD],
        backlog=OLD,
        latest=[arrival(number) for number in range(5990, 5995)],
    )
    file = StringIO()
    console = TextConsole(
        file=file, width=columns, height=lines, force_terminal=True, no_color=True
    )
    console.print(*picture(state, columns, lines), sep="\n")
    return plain(file).splitlines()


@pytest.mark.parametrize("columns", [40, 80, 120])
def test_nothing_is_cut(columns: int) -> None:
    text = "\n".join(drawn(columns))
    assert "…" not in text
    for shown in (
        *("Time", "Reported", "Received", "Spring sale", "March newsletter", "5,781", "2,000"),
        *("contact5994@example.com", "computer", "3 days ago", "the lease expires: 12 s"),
    ):
        assert shown in text


@pytest.mark.parametrize("columns", [40, 80, 120])
def test_no_line_is_wider_than_the_terminal(columns: int) -> None:
    assert max(map(len, drawn(columns))) <= columns


@pytest.mark.parametrize("columns", [40, 80])
def test_the_picture_is_no_higher_than_the_terminal(columns: int) -> None:
    assert len(drawn(columns)) < 24


def test_a_low_terminal_shows_fewer_opens() -> None:
    assert "\n".join(drawn(80, 15)).count("@example.com") == 2


def test_times_are_those_of_the_local_clock() -> None:
    assert clock_time(AT) == "16:07:31"


@pytest.mark.parametrize(
    ("age", "text"),
    [
        (timedelta(seconds=-1), "0 s ago"),
        (timedelta(seconds=4.4), "4 s ago"),
        (timedelta(minutes=2), "2 min ago"),
        (timedelta(hours=5), "5 h ago"),
        (timedelta(days=1), "1 day ago"),
        (timedelta(days=3), "3 days ago"),
    ],
)
def test_an_age_is_in_its_largest_unit(age: timedelta, text: str) -> None:
    assert ago(age) == text

"""What a watch shows on a terminal."""

from copy import replace
from datetime import timedelta
from typing import Any

import pytest

from email_opens.allowance.budget import Budget
from email_opens.model import Activity, Gap, State
from email_opens_cli.commands.watch.screen import LISTED, Screen
from email_opens_cli.commands.watch.standing import Standing
from email_opens_cli.terminal.console import TextConsole
from tests.contract.samples import ACTIVITY, NOON, varied
from tests.fakes import FakeClock

READ = varied(
    replace(ACTIVITY, campaign_id="campaign"), polled_at=NOON, head_at=NOON, published=1_200
)
BEHIND = varied(READ, gaps=(Gap(None, NOON, None),))


class Terminal:
    """A screen, its standing, and what it draws."""

    def __init__(self, *activities: Activity, width: int = 80) -> None:
        self.clock = FakeClock(NOON + timedelta(seconds=4))
        self.standing = Standing()
        self.standing.follow(activities)
        console = TextConsole(force_terminal=True, color_system=None, width=width)
        self.screen = Screen(console, self.standing, self.clock)

    def status(self) -> str:
        with self.screen.console.capture() as captured:
            self.screen.console.print(*self.screen.status(), sep="\n")
        return captured.get()


def test_the_status_has_the_emails_the_opens_the_delay_and_the_requests() -> None:
    terminal = Terminal(READ)
    terminal.standing.note_budget(Budget(60, 8_852))
    assert terminal.status().strip() == (
        "1 e-mail · 1,200 opens · delay 4 s · 8,912 requests left today"
    )


def test_nothing_is_said_before_it_is_known() -> None:
    terminal = Terminal()
    assert terminal.status().strip() == "0 e-mails · 0 opens"
    terminal.standing.begun = False
    assert terminal.status().strip() == "Finding what was sent recently …"


def test_the_progress_has_the_rows_the_requests_and_the_time_left() -> None:
    terminal = Terminal(BEHIND)
    terminal.standing.reported = {"campaign": 6_000}
    assert "1,200 of 6,000 rows, 0 requests" in terminal.status()
    budget = Budget(60)
    terminal.standing.note_budget(budget)
    for _ in range(5):
        budget.take()
    terminal.standing.note(varied(BEHIND, published=3_600))
    terminal.clock.sleep(60)
    assert "3,600 of 6,000 rows, 5 requests, 60 s left" in terminal.status()


def test_the_progress_ends_when_everything_is_read() -> None:
    terminal = Terminal(READ)
    terminal.standing.reported = {"campaign": 6_000}
    assert "rows" not in terminal.status()


@pytest.mark.parametrize("change", [{"missing_since": NOON}, {"state": State.PAUSED}])
def test_an_email_that_cannot_be_read_holds_up_no_progress(change: dict[str, Any]) -> None:
    assert Terminal(replace(BEHIND, **change)).standing.up_to_date


def test_the_requests_of_all_leases_count() -> None:
    standing = Standing()
    for _ in range(2):
        budget = Budget(60)
        standing.note_budget(budget)
        standing.note_budget(budget)
        budget.take()
    assert standing.requests == 2


def test_the_list_has_the_name_the_send_and_the_opens(capsys: pytest.CaptureFixture[str]) -> None:
    terminal = Terminal(READ)
    terminal.standing.reported = {"campaign": 1}
    terminal.screen.list_emails([replace(READ, sent_at=NOON), replace(READ, campaign_id=None)])
    first, second = capsys.readouterr().out.splitlines()
    assert first.split("  ")[0] == "March news"
    assert first.rstrip().endswith("  1 open so far")
    assert second.strip() == "March news"


def test_a_long_list_is_cut(capsys: pytest.CaptureFixture[str]) -> None:
    Terminal().screen.list_emails([READ] * (LISTED + 3))
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == LISTED + 1
    assert lines[-1].strip() == "and 3 e-mails more"


def test_a_name_controls_no_terminal(capsys: pytest.CaptureFixture[str]) -> None:
    Terminal().screen.list_emails([replace(READ, campaign_name="[red]a\x1b[2J")])
    printed = capsys.readouterr().out
    assert "\x1b[2J" not in printed
    assert "[red]a" in printed

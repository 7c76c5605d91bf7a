"""`email-opens connect` as a person meets it: prompts, codes, Ctrl-C."""

import json
import os
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
import requests

from constant_contact_emulator import Emulator, FastClock, Limits
from tests.integration.secrets_in_output import APP_SECRET, secrets_in
from tests.unit.cli.terminal.on_terminal import SPEED
from tests.unit.cli.terminal.terminal_session import CTRL_C, CTRL_D, TerminalSession

CLIENT_ID = "an-app"

type Start = Callable[..., TerminalSession]


@pytest.fixture
def vendor() -> Iterator[Emulator]:
    with Emulator(clock=FastClock(SPEED), limits=Limits.off()) as vendor:
        yield vendor


@pytest.fixture
def report(tmp_path: Path) -> Path:
    return tmp_path / "stored.json"


@pytest.fixture
def start(vendor: Emulator, report: Path) -> Iterator[Start]:
    # These two would stand for the size of the terminal.
    inherited = {k: v for k, v in os.environ.items() if k not in ("COLUMNS", "LINES")}
    environment = inherited | {
        "TRACKING_TABLE": "tracking",
        "LEDGER_TABLE": "ledger",
        "OPENS_TOPIC_ARN": "arn:aws:sns:eu-west-1:123456789012:opens",
        "DEAD_LETTER_QUEUE_URL": "https://sqs.eu-west-1.amazonaws.com/123456789012/dead",
        "CREDENTIALS_PREFIX": "/email-opens/",
        "CONSTANT_CONTACT_API_URL": vendor.url,
        "CONSTANT_CONTACT_AUTH_URL": vendor.auth_url,
        "TERM": "xterm-256color",
        # Visits nothing: the test is the browser.
        "BROWSER": "true",
    }
    program = [sys.executable, "-m", "tests.unit.cli.terminal.on_terminal", str(report), "connect"]
    with ExitStack() as stack:

        def begin(*arguments: str, columns: int = 80, **named: str) -> TerminalSession:
            session = TerminalSession([*program, *arguments], environment | named, columns=columns)
            return stack.enter_context(session)

        yield begin


def stored(report: Path) -> list[str]:
    names: list[str] = json.loads(report.read_text())
    return names


def test_an_application_without_a_secret_connects_by_a_code(
    vendor: Emulator, start: Start, report: Path
) -> None:
    vendor.authorization.add_client(CLIENT_ID)
    terminal = start("mine")
    terminal.see(r"API key\): $")
    terminal.type(f"{CLIENT_ID}\n")
    terminal.see(r"it has none\): $")
    terminal.type("\n")
    vendor.authorization.approve(terminal.see(r"enter the code\s+(\w+)"))
    assert terminal.end() == 0, terminal.seen
    assert stored(report) == ["/email-opens/mine"]


def test_an_application_with_a_secret_connects_by_a_browser_here(
    vendor: Emulator, start: Start, report: Path
) -> None:
    vendor.authorization.add_client(CLIENT_ID, secret=APP_SECRET)
    terminal = start("mine", "--port", "0")
    terminal.see(r"API key\): $")
    terminal.type(f"{CLIENT_ID}\n")
    terminal.see(r"it has none\): $")
    terminal.type(f"{APP_SECRET}\n")
    address = terminal.see(r"this machine:\s+(http\S+)\s")
    with requests.Session() as browser:
        browser.trust_env = False
        assert "go back to the terminal" in browser.get(address, timeout=10).text
    assert terminal.end() == 0, terminal.seen
    assert stored(report) == ["/email-opens/mine"]
    assert secrets_in(terminal.seen) == []


def test_nothing_is_asked_that_the_environment_says(vendor: Emulator, start: Start) -> None:
    vendor.authorization.add_client(CLIENT_ID)
    terminal = start(CONSTANT_CONTACT_CLIENT_ID=CLIENT_ID)
    terminal.see("Waiting until")
    assert "Client id" not in terminal.seen


@pytest.mark.parametrize("columns", [40, 80])
def test_a_qr_code_is_shown_where_it_fits(vendor: Emulator, start: Start, columns: int) -> None:
    vendor.authorization.add_client(CLIENT_ID)
    terminal = start(columns=columns, CONSTANT_CONTACT_CLIENT_ID=CLIENT_ID)
    terminal.see("Waiting until")
    blocks = [line for line in terminal.seen.splitlines() if "█" in line]
    assert len({len(line) for line in blocks}) == 1
    assert len(blocks[0]) <= columns


def test_no_qr_code_is_shown_where_none_fits(vendor: Emulator, start: Start) -> None:
    vendor.authorization.add_client(CLIENT_ID)
    terminal = start(columns=20, CONSTANT_CONTACT_CLIENT_ID=CLIENT_ID)
    terminal.see("Waiting until")
    assert "█" not in terminal.seen


@pytest.mark.parametrize(
    ("named", "shown", "key"),
    [
        # No Ctrl-C at a prompt: one that comes before Python waits for a line is seen after it.
        ({}, r"API key\): $", CTRL_D),
        ({"CONSTANT_CONTACT_CLIENT_ID": CLIENT_ID}, "Waiting until", CTRL_C),
    ],
)
def test_giving_up_changes_nothing_and_is_told(
    vendor: Emulator, start: Start, report: Path, named: dict[str, str], shown: str, key: str
) -> None:
    vendor.authorization.add_client(CLIENT_ID)
    terminal = start("mine", **named)
    terminal.see(shown)
    terminal.type(key)
    assert terminal.end() == 130, terminal.seen
    assert "Stopped; nothing was changed." in terminal.seen
    assert stored(report) == []


def test_a_denial_is_a_sentence(vendor: Emulator, start: Start, report: Path) -> None:
    vendor.authorization.add_client(CLIENT_ID)
    terminal = start("mine", CONSTANT_CONTACT_CLIENT_ID=CLIENT_ID)
    vendor.authorization.deny(terminal.see(r"enter the code\s+(\w+)"))
    assert terminal.end() == 1
    assert "The consent was denied" in terminal.seen
    assert "Traceback" not in terminal.seen
    assert stored(report) == []

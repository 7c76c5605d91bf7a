"""`email-opens connect` on a terminal: prompts, codes, Ctrl-C."""

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
from tests.unit.cli.terminal.terminal_program import SPEED
from tests.unit.cli.terminal.terminal_session import CTRL_C, CTRL_D, TerminalSession

CLIENT_ID = "an-app"

type Start = Callable[..., TerminalSession]

pytestmark = pytest.mark.slow


@pytest.fixture
def vendor() -> Iterator[Emulator]:
    with Emulator(clock=FastClock(SPEED), limits=Limits.off()) as vendor:
        yield vendor


@pytest.fixture
def report(tmp_path: Path) -> Path:
    return tmp_path / "stored.json"


@pytest.fixture
def start(vendor: Emulator, report: Path) -> Iterator[Start]:
    # These two would override the size of the terminal.
    inherited = {k: v for k, v in os.environ.items() if k not in ("COLUMNS", "LINES")}
    environment = inherited | {
        "TRACKING_TABLE": "tracking",
        "LEDGER_TABLE": "ledger",
        "OPENS_TOPIC_ARN": "arn:aws:sns:eu-west-1:123456789012:opens",
        "DEAD_LETTER_QUEUE_URL": "https://sqs.eu-west-1.amazonaws.com/123456789012/dead",
        "WAKE_UPS_QUEUE_URL": "https://sqs.eu-west-1.amazonaws.com/123456789012/wake-ups",
        "CREDENTIALS_PREFIX": "/email-opens/",
        "CONSTANT_CONTACT_API_URL": vendor.url,
        "CONSTANT_CONTACT_AUTH_URL": vendor.auth_url,
        "TERM": "xterm-256color",
        # A command that opens nothing: the test acts as the browser.
        "BROWSER": "true",
    }
    program = [
        sys.executable,
        "-m",
        "tests.unit.cli.terminal.terminal_program",
        str(report),
        "connect",
    ]
    with ExitStack() as stack:

        def begin(*arguments: str, columns: int = 80, **variables: str) -> TerminalSession:
            session = TerminalSession(
                [*program, *arguments], environment | variables, columns=columns
            )
            return stack.enter_context(session)

        yield begin


def stored(report: Path) -> list[str]:
    names: list[str] = json.loads(report.read_text())
    return names


def test_an_application_without_a_secret_connects_with_a_code(
    vendor: Emulator, start: Start, report: Path
) -> None:
    vendor.authorization.add_client(CLIENT_ID)
    terminal = start("mine")
    terminal.wait_for(r"Create one at\s+https://developer.constantcontact.com[^$]*API key\): $")
    terminal.type(f"{CLIENT_ID}\n")
    terminal.wait_for(r"it has none\): $")
    terminal.type("\n")
    vendor.authorization.approve(terminal.wait_for(r"enter the code\s+(\w+)"))
    assert terminal.wait() == 0, terminal.output
    assert stored(report) == ["/email-opens/mine"]


def test_an_application_with_a_secret_connects_with_a_local_browser(
    vendor: Emulator, start: Start, report: Path
) -> None:
    vendor.authorization.add_client(CLIENT_ID, secret=APP_SECRET)
    terminal = start("mine", "--port", "0")
    terminal.wait_for(r"API key\): $")
    terminal.type(f"{CLIENT_ID}\n")
    terminal.wait_for(r"it has none\): $")
    terminal.type(f"{APP_SECRET}\n")
    address = terminal.wait_for(r"this machine:\s+(http\S+)\s")
    with requests.Session() as browser:
        browser.trust_env = False
        assert "go back to the terminal" in browser.get(address, timeout=10).text
    assert terminal.wait() == 0, terminal.output
    assert stored(report) == ["/email-opens/mine"]
    assert secrets_in(terminal.output) == []


def test_connect_does_not_prompt_for_a_client_id_in_the_environment(
    vendor: Emulator, start: Start
) -> None:
    vendor.authorization.add_client(CLIENT_ID)
    terminal = start(CONSTANT_CONTACT_CLIENT_ID=CLIENT_ID)
    terminal.wait_for("Waiting until")
    assert "Client id" not in terminal.output


@pytest.mark.parametrize("columns", [40, 80])
def test_a_qr_code_is_shown_where_it_fits(vendor: Emulator, start: Start, columns: int) -> None:
    vendor.authorization.add_client(CLIENT_ID)
    terminal = start(columns=columns, CONSTANT_CONTACT_CLIENT_ID=CLIENT_ID)
    terminal.wait_for("Waiting until")
    blocks = [line for line in terminal.output.splitlines() if "█" in line]
    assert len({len(line) for line in blocks}) == 1
    assert len(blocks[0]) <= columns


def test_no_qr_code_is_shown_on_a_terminal_that_is_too_narrow(
    vendor: Emulator, start: Start
) -> None:
    vendor.authorization.add_client(CLIENT_ID)
    terminal = start(columns=20, CONSTANT_CONTACT_CLIENT_ID=CLIENT_ID)
    terminal.wait_for("Waiting until")
    assert "█" not in terminal.output


@pytest.mark.parametrize(
    ("variables", "pattern", "key"),
    [
        # No Ctrl-C at a prompt: if it arrives before Python reads the line, it is handled after it.
        ({}, r"API key\): $", CTRL_D),
        ({"CONSTANT_CONTACT_CLIENT_ID": CLIENT_ID}, "Waiting until", CTRL_C),
    ],
)
def test_stopping_connect_stores_nothing_and_prints_a_message(
    vendor: Emulator, start: Start, report: Path, variables: dict[str, str], pattern: str, key: str
) -> None:
    vendor.authorization.add_client(CLIENT_ID)
    terminal = start("mine", **variables)
    terminal.wait_for(pattern)
    terminal.type(key)
    assert terminal.wait() == 130, terminal.output
    assert "Stopped; nothing was changed." in terminal.output
    assert stored(report) == []


def test_a_denied_consent_is_reported_without_a_traceback(
    vendor: Emulator, start: Start, report: Path
) -> None:
    vendor.authorization.add_client(CLIENT_ID)
    terminal = start("mine", CONSTANT_CONTACT_CLIENT_ID=CLIENT_ID)
    vendor.authorization.deny(terminal.wait_for(r"enter the code\s+(\w+)"))
    assert terminal.wait() == 1
    assert "The consent was denied" in terminal.output
    assert "Traceback" not in terminal.output
    assert stored(report) == []

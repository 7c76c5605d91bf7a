"""What the functions do before their first invocation, with a whole processor."""

import os
import subprocess
import sys
from collections.abc import Callable

import pytest

from email_opens.errors import InvalidSettings
from tests.integration.deployment import ROOT, load

FUNCTIONS = ROOT / "functions"
SETTINGS = {
    "ALERTS_TABLE": "alerts",
    "ALERT_DEAD_LETTER_QUEUE_URL": "https://sqs.eu-west-1.amazonaws.com/1/dead-letters",
    "ALERT_QUEUE_URL": "https://sqs.eu-west-1.amazonaws.com/1/alerts",
    "ALERT_WEBHOOK_PARAMETER": "/email-opens/webhook",
    "AWS_ACCESS_KEY_ID": "key",
    "AWS_REGION": "eu-west-1",
    "AWS_SECRET_ACCESS_KEY": "secret",
    "CREDENTIALS_PREFIX": "/email-opens/",
    "DEAD_LETTER_QUEUE_URL": "https://sqs.eu-west-1.amazonaws.com/1/dead-letters",
    "LEDGER_TABLE": "ledger",
    "OPENS_TOPIC_ARN": "arn:aws:sns:eu-west-1:1:opens",
    "TRACKING_TABLE": "tracking",
    "WAKE_UPS_QUEUE_URL": "https://sqs.eu-west-1.amazonaws.com/1/wake-ups",
}
each_function = pytest.mark.parametrize(
    ("function", "wired"), [("poll_opens", "email_opens"), ("alert_on_opens", "alert")]
)


@pytest.fixture
def in_lambda(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_LAMBDA_RUNTIME_API", "127.0.0.1:9001")
    for name, value in SETTINGS.items():
        monkeypatch.setenv(name, value)


def kept(function: str, wired: str) -> Callable[[], object]:
    """Import a function; return the cached call that wires it."""
    made: Callable[[], object] = getattr(load(FUNCTIONS / function / "app.py"), wired)
    return made


def is_wired(made: Callable[[], object]) -> bool:
    return bool(made.cache_info().currsize)  # type: ignore[attr-defined]


@each_function
@pytest.mark.usefixtures("in_lambda")
def test_the_clients_are_made(function: str, wired: str) -> None:
    assert is_wired(kept(function, wired))


@each_function
@pytest.mark.parametrize("name", ["AWS_REGION", "AWS_ENDPOINT_URL"])
@pytest.mark.usefixtures("in_lambda")
def test_an_error_is_raised_by_the_first_invocation(
    function: str, wired: str, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(name, "not valid")
    made = kept(function, wired)
    assert not is_wired(made)
    with pytest.raises(ValueError, match=r"not valid|Invalid endpoint"):
        made()


@each_function
@pytest.mark.usefixtures("in_lambda")
def test_a_missing_setting_is_named_by_the_first_invocation(
    function: str, wired: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("TRACKING_TABLE", "ALERTS_TABLE"):
        monkeypatch.delenv(name)
    made = kept(function, wired)
    with pytest.raises(InvalidSettings, match="is not set"):
        made()


@each_function
def test_nothing_is_made_outside_lambda(
    function: str, wired: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("AWS_LAMBDA_RUNTIME_API", raising=False)
    for name, value in SETTINGS.items():
        monkeypatch.setenv(name, value)
    assert not is_wired(kept(function, wired))


@pytest.mark.parametrize("function", ["poll_opens", "alert_on_opens"])
def test_nothing_is_imported_that_takes_long_and_is_not_used(function: str) -> None:
    program = "import app, sys; print(*sys.modules)"
    ended = subprocess.run(
        [sys.executable, "-c", program],
        cwd=FUNCTIONS / function,
        env=SETTINGS | {"AWS_LAMBDA_RUNTIME_API": "127.0.0.1:9001", "PATH": os.environ["PATH"]},
        capture_output=True,
        text=True,
        check=True,
    )
    imported = {name.partition(".")[0] for name in ended.stdout.split()}
    assert "boto3" in imported
    unused = {"asyncio", "email_opens_cli", "pydantic", "rich", "typer"}
    assert unused & imported == set()

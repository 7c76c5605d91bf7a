"""`email-opens connect` with credentials on standard input."""

import json

import pytest
from typer.testing import CliRunner

from constant_contact_emulator import Emulator
from email_opens_cli.main import app
from tests.conftest import Aws


@pytest.fixture
def _environment(aws: Aws, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TRACKING_TABLE", aws.tracking_table)
    monkeypatch.setenv("LEDGER_TABLE", aws.ledger_table)
    monkeypatch.setenv("OPENS_TOPIC_ARN", aws.topic_arn)
    monkeypatch.setenv("DEAD_LETTER_QUEUE_URL", aws.dlq_url)
    monkeypatch.setenv("WAKE_UPS_QUEUE_URL", aws.wake_ups_url)
    monkeypatch.setenv("CREDENTIALS_PREFIX", aws.credentials_prefix)


@pytest.mark.usefixtures("_environment")
def test_credentials_are_stored_encrypted(aws: Aws, monkeypatch: pytest.MonkeyPatch) -> None:
    with Emulator(rotating=False) as vendor:
        monkeypatch.setenv("CONSTANT_CONTACT_API_URL", vendor.url)
        monkeypatch.setenv("CONSTANT_CONTACT_AUTH_URL", vendor.auth_url)
        credentials = vendor.credentials()
        result = CliRunner().invoke(app, ["connect", "mine"], input=json.dumps(credentials))
    assert result.exit_code == 0
    assert credentials["refresh_token"] not in result.output
    stored = aws.ssm.get_parameter(Name="/email-opens/mine", WithDecryption=True)["Parameter"]
    assert stored["Type"] == "SecureString"
    assert json.loads(stored["Value"])["refresh_token"] == credentials["refresh_token"]


@pytest.mark.usefixtures("_environment")
@pytest.mark.parametrize(
    ("credentials", "message"),
    [
        ("", "is empty: run `email-opens connect mine` on a terminal"),
        ("{", "not JSON"),
        ("[]", "malformed"),
        ('{"client_id": 7, "refresh_token": "kept-secret"}', "malformed"),
        ('{"refresh_token": "kept-secret"}', "lack client_id"),
    ],
)
def test_malformed_credentials_are_refused_by_an_error_that_does_not_contain_them(
    credentials: str, message: str
) -> None:
    result = CliRunner().invoke(app, ["connect", "mine"], input=credentials)
    assert result.exit_code == 2
    assert message in result.stderr
    assert "kept-secret" not in result.output

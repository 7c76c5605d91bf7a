"""The Credentials port over the fake, Parameter Store and SQLite."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from botocore.exceptions import ClientError

from email_opens.adapters.aws.credentials import SsmCredentials
from email_opens.adapters.local.state_file import StateFile
from email_opens.adapters.local.stores import SqliteCredentials
from email_opens.errors import AccountDisconnected, AccountStopped, InvalidInput
from email_opens.model import Tokens
from email_opens.ports import Credentials
from tests.conftest import Aws
from tests.contract.replies import Answers, error
from tests.contract.samples import NOON
from tests.fakes import MemoryCredentials

TOKENS = Tokens(
    client_id="client",
    client_secret="secret-of-the-app",
    refresh_token="refresh",
    access_token="access",
    expires_at=NOON,
)


@pytest.fixture
def ssm_credentials(aws: Aws) -> SsmCredentials:
    return SsmCredentials(aws.ssm, aws.credentials_prefix)


@pytest.fixture
def sqlite_credentials(tmp_path: Path) -> Iterator[SqliteCredentials]:
    with StateFile(tmp_path / "state.sqlite") as state:
        yield SqliteCredentials(state)


@pytest.fixture(params=["memory", "ssm", "sqlite"])
def credentials(request: pytest.FixtureRequest) -> Credentials:
    if request.param == "memory":
        return MemoryCredentials()
    adapter: Credentials = request.getfixturevalue(f"{request.param}_credentials")
    return adapter


class TestEveryCredentials:
    @pytest.mark.parametrize(
        "tokens", [TOKENS, Tokens(client_id="c", refresh_token="r")], ids=["full", "bare"]
    )
    def test_are_loaded_as_they_were_stored(self, credentials: Credentials, tokens: Tokens) -> None:
        credentials.store("default", tokens)
        assert credentials.load("default") == tokens

    def test_are_replaced(self, credentials: Credentials) -> None:
        credentials.store("default", TOKENS)
        rotated = replace(TOKENS, refresh_token="another", client_secret=None)
        credentials.store("default", rotated)
        assert credentials.load("default") == rotated

    def test_belong_to_one_account(self, credentials: Credentials) -> None:
        credentials.store("default", TOKENS)
        with pytest.raises(AccountDisconnected):
            credentials.load("other")

    def test_that_are_missing_raise_an_error_with_the_command_to_run(
        self, credentials: Credentials
    ) -> None:
        with pytest.raises(AccountDisconnected, match=r"run `email-opens .*mine"):
            credentials.load("mine")


class TestSsm:
    def test_stores_an_encrypted_parameter_under_the_prefix(
        self, aws: Aws, ssm_credentials: SsmCredentials
    ) -> None:
        ssm_credentials.store("mine", TOKENS)
        parameter = aws.ssm.get_parameter(Name="/email-opens/mine")["Parameter"]
        assert parameter["Type"] == "SecureString"
        assert parameter["Value"].startswith("kms:")  # moto's mark of an encrypted value

    @pytest.mark.parametrize(
        "value",
        [
            "{",
            "[]",
            '{"client_id": "c"}',
            '{"refresh_token": "a-secret"}',
            '{"client_id": 7, "refresh_token": "a-secret"}',
            '{"client_id": "c", "refresh_token": "a-secret", "expires_at": "soon"}',
            '{"client_id": "c", "refresh_token": "a-secret", "expires_at": "2026-03-02T14:00"}',
            "[" * 3000,
        ],
    )
    def test_reports_malformed_credentials_without_their_content(
        self, aws: Aws, ssm_credentials: SsmCredentials, value: str
    ) -> None:
        aws.ssm.put_parameter(Name="/email-opens/mine", Value=value, Type="SecureString")
        with pytest.raises(AccountDisconnected, match="email-opens connect mine") as raised:
            ssm_credentials.load("mine")
        assert "a-secret" not in str(raised.value)
        assert raised.value.__suppress_context__

    def test_refuses_credentials_that_exceed_a_parameter(
        self, ssm_credentials: SsmCredentials
    ) -> None:
        with pytest.raises(InvalidInput, match="a standard parameter holds at most 4096") as raised:
            ssm_credentials.store("mine", replace(TOKENS, access_token="x" * 4096))
        assert "xxx" not in str(raised.value)

    def test_does_not_report_denied_access_as_missing_credentials(
        self, aws: Aws, ssm_credentials: SsmCredentials
    ) -> None:
        Answers(aws.ssm, "GetParameter", error("AccessDeniedException"))
        with pytest.raises(ClientError, match="AccessDenied"):
            ssm_credentials.load("mine")

    def test_does_not_report_an_incomplete_reply_as_malformed_credentials(
        self, aws: Aws, ssm_credentials: SsmCredentials
    ) -> None:
        Answers(aws.ssm, "GetParameter", lambda _: {})
        with pytest.raises(AccountStopped, match="was incomplete"):
            ssm_credentials.load("mine")


class TestSqlite:
    PROVIDED = Tokens(client_id="client", refresh_token="provided")

    def test_stores_tokens_that_a_person_provides(
        self, sqlite_credentials: SqliteCredentials
    ) -> None:
        assert sqlite_credentials.give("default", self.PROVIDED)
        assert sqlite_credentials.load("default") == self.PROVIDED

    def test_keeps_rotated_tokens_when_the_same_tokens_are_provided_again(
        self, sqlite_credentials: SqliteCredentials
    ) -> None:
        rotated = replace(self.PROVIDED, refresh_token="rotated")
        sqlite_credentials.give("default", self.PROVIDED)
        sqlite_credentials.store("default", rotated)
        assert not sqlite_credentials.give("default", self.PROVIDED)
        assert sqlite_credentials.load("default") == rotated

    def test_replaces_tokens_when_others_are_provided(
        self, sqlite_credentials: SqliteCredentials
    ) -> None:
        sqlite_credentials.give("default", self.PROVIDED)
        assert sqlite_credentials.give("default", TOKENS)
        assert sqlite_credentials.load("default") == TOKENS

    def test_refuses_an_invalid_character_without_its_text(
        self, sqlite_credentials: SqliteCredentials
    ) -> None:
        with pytest.raises(InvalidInput, match="an invalid character") as raised:
            sqlite_credentials.give(
                "default", replace(self.PROVIDED, refresh_token="a-secret\ud800")
            )
        assert "a-secret" not in str(raised.value)
        assert raised.value.__suppress_context__

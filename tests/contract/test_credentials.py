"""The Credentials port, over the fake, the Parameter Store and SQLite."""

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
    kept: Credentials = request.getfixturevalue(f"{request.param}_credentials")
    return kept


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

    def test_that_are_missing_name_the_way_to_get_them(self, credentials: Credentials) -> None:
        with pytest.raises(AccountDisconnected, match=r"run `email-opens .*mine"):
            credentials.load("mine")


class TestSsm:
    def test_keeps_them_encrypted_under_the_prefix(
        self, aws: Aws, ssm_credentials: SsmCredentials
    ) -> None:
        ssm_credentials.store("mine", TOKENS)
        kept = aws.ssm.get_parameter(Name="/email-opens/mine")["Parameter"]
        assert kept["Type"] == "SecureString"
        assert kept["Value"].startswith("kms:")  # moto's mark of what it would encrypt

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
    def test_complains_of_what_it_cannot_read_without_its_text(
        self, aws: Aws, ssm_credentials: SsmCredentials, value: str
    ) -> None:
        aws.ssm.put_parameter(Name="/email-opens/mine", Value=value, Type="SecureString")
        with pytest.raises(AccountDisconnected, match="email-opens connect mine") as raised:
            ssm_credentials.load("mine")
        assert "a-secret" not in str(raised.value)
        assert raised.value.__suppress_context__

    def test_refuses_what_a_parameter_cannot_hold(self, ssm_credentials: SsmCredentials) -> None:
        with pytest.raises(InvalidInput, match="a standard parameter holds 4096") as raised:
            ssm_credentials.store("mine", replace(TOKENS, access_token="x" * 4096))
        assert "xxx" not in str(raised.value)

    def test_does_not_take_a_refusal_for_absence(
        self, aws: Aws, ssm_credentials: SsmCredentials
    ) -> None:
        Answers(aws.ssm, "GetParameter", error("AccessDeniedException"))
        with pytest.raises(ClientError, match="AccessDenied"):
            ssm_credentials.load("mine")


class TestSqlite:
    GIVEN = Tokens(client_id="client", refresh_token="handed-over")

    def test_takes_what_a_person_hands_over(self, sqlite_credentials: SqliteCredentials) -> None:
        assert sqlite_credentials.give("default", self.GIVEN)
        assert sqlite_credentials.load("default") == self.GIVEN

    def test_keeps_what_came_of_it_when_the_same_is_handed_over_again(
        self, sqlite_credentials: SqliteCredentials
    ) -> None:
        rotated = replace(self.GIVEN, refresh_token="rotated")
        sqlite_credentials.give("default", self.GIVEN)
        sqlite_credentials.store("default", rotated)
        assert not sqlite_credentials.give("default", self.GIVEN)
        assert sqlite_credentials.load("default") == rotated

    def test_takes_something_new_in_place_of_it(
        self, sqlite_credentials: SqliteCredentials
    ) -> None:
        sqlite_credentials.give("default", self.GIVEN)
        assert sqlite_credentials.give("default", TOKENS)
        assert sqlite_credentials.load("default") == TOKENS

    def test_refuses_half_a_character_without_its_text(
        self, sqlite_credentials: SqliteCredentials
    ) -> None:
        with pytest.raises(InvalidInput, match="half a character") as raised:
            sqlite_credentials.give("default", replace(self.GIVEN, refresh_token="a-secret\ud800"))
        assert "a-secret" not in str(raised.value)
        assert raised.value.__suppress_context__

    def test_does_not_take_a_cut_reply_for_broken_credentials(
        self, aws: Aws, ssm_credentials: SsmCredentials
    ) -> None:
        Answers(aws.ssm, "GetParameter", lambda _: {})
        with pytest.raises(AccountStopped, match="was cut"):
            ssm_credentials.load("mine")

"""The Credentials port over the fake, Parameter Store and SQLite."""

import re
from collections.abc import Iterator
from copy import replace
from pathlib import Path

import pytest
from botocore.exceptions import ReadTimeoutError

from email_opens.account import Tokens
from email_opens.adapters.aws.credentials import SsmCredentials
from email_opens.adapters.local.credentials import SqliteCredentials
from email_opens.adapters.local.state_file import StateFile
from email_opens.errors import AccountDisconnected, AccountStopped, InvalidInput
from email_opens.ports import Credentials
from tests.conftest import Aws
from tests.contract.replies import Answer, Answers, error, raising
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
        yield SqliteCredentials(state, "email-opens watch --account mine --reconnect")


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

    def test_are_unchanged_when_they_are_written_back(self, credentials: Credentials) -> None:
        credentials.store("default", TOKENS)
        assert credentials.rewrite("default") == TOKENS
        assert credentials.load("default") == TOKENS

    def test_that_are_missing_cannot_be_written_back(self, credentials: Credentials) -> None:
        with pytest.raises(AccountDisconnected, match=r"run `email-opens .*mine"):
            credentials.rewrite("mine")

    def test_are_replaced_after_they_were_written_back(self, credentials: Credentials) -> None:
        credentials.store("default", TOKENS)
        credentials.rewrite("default")
        rotated = replace(TOKENS, refresh_token="another", access_token="another")
        credentials.store("default", rotated)
        assert credentials.load("default") == rotated

    def test_that_are_missing_raise_an_error_with_the_command_to_run(
        self, credentials: Credentials
    ) -> None:
        message = r"^Account “mine” has no credentials: run `email-opens .*mine"
        with pytest.raises(AccountDisconnected, match=message):
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
        with pytest.raises(AccountDisconnected) as raised:
            ssm_credentials.load("mine")
        assert str(raised.value) == (
            "Account “mine” has credentials that cannot be read: run `email-opens connect mine`."
        )
        assert raised.value.__suppress_context__

    @pytest.mark.parametrize("tokens", [TOKENS, replace(TOKENS, access_token=None)])
    def test_fills_a_parameter_to_the_last_byte(
        self, aws: Aws, ssm_credentials: SsmCredentials, tokens: Tokens
    ) -> None:
        ssm_credentials.store("other", tokens)
        left = 4096 - len(stored(aws, "other"))
        full = replace(tokens, refresh_token=tokens.refresh_token + "x" * left)
        ssm_credentials.store("mine", full)
        assert ssm_credentials.load("mine") == full
        assert len(stored(aws, "mine")) == 4096

    def test_leaves_out_an_access_token_that_does_not_fit(
        self, ssm_credentials: SsmCredentials
    ) -> None:
        ssm_credentials.store("mine", replace(TOKENS, access_token="x" * 4096))
        assert ssm_credentials.load("mine") == replace(TOKENS, access_token=None)

    def test_refuses_credentials_that_exceed_a_parameter_without_their_content(
        self, aws: Aws, ssm_credentials: SsmCredentials
    ) -> None:
        with pytest.raises(InvalidInput, match="/email-opens/mine holds at most 4096") as raised:
            ssm_credentials.store("mine", replace(TOKENS, refresh_token="x" * 4096))
        assert "xxx" not in str(raised.value)
        assert aws.ssm.describe_parameters()["Parameters"] == []

    def test_says_how_a_parameter_becomes_one_that_holds_more(
        self, ssm_credentials: SsmCredentials
    ) -> None:
        with pytest.raises(InvalidInput) as raised:
            ssm_credentials.store("mine", replace(TOKENS, refresh_token="x" * 4096))
        assert str(raised.value).endswith(
            "holds at most 4096 bytes. An advanced parameter holds 8192 bytes; to make it one, "
            "run `aws ssm put-parameter --name /email-opens/mine --type SecureString --tier "
            'Advanced --overwrite --value "$(aws ssm get-parameter --name /email-opens/mine '
            '--with-decryption --query Parameter.Value --output text)"`.'
        )

    @pytest.mark.parametrize("operation", ["GetParameter", "GetParameterHistory", "PutParameter"])
    @pytest.mark.parametrize(
        ("failure", "message"),
        [
            (error("ThrottlingException"), r"\(ThrottlingException\): the next turn retries"),
            (error("AccessDeniedException"), r"\(AccessDeniedException\): allow ssm:"),
            (raising(ReadTimeoutError(endpoint_url="http://ssm")), r"\(ReadTimeoutError\)"),
        ],
    )
    def test_reports_a_refusal_as_stopped_with_the_operation_and_a_remedy(
        self,
        aws: Aws,
        ssm_credentials: SsmCredentials,
        operation: str,
        failure: Answer,
        message: str,
    ) -> None:
        ssm_credentials.store("mine", TOKENS)
        Answers(aws.ssm, operation, failure)
        with pytest.raises(AccountStopped, match=f"refused {operation} of .*{message}") as raised:
            ssm_credentials.rewrite("mine")
        assert not isinstance(raised.value, AccountDisconnected)
        assert raised.value.__suppress_context__

    def test_does_not_report_an_incomplete_reply_as_malformed_credentials(
        self, aws: Aws, ssm_credentials: SsmCredentials
    ) -> None:
        Answers(aws.ssm, "GetParameter", lambda _: {})
        with pytest.raises(AccountStopped, match=r"was incomplete; the next turn retries\.$"):
            ssm_credentials.load("mine")

    def test_writes_back_the_text_that_is_stored(
        self, aws: Aws, ssm_credentials: SsmCredentials
    ) -> None:
        value = '{"refresh_token":"r", "client_id":"c", "note":"of a person"}'
        aws.ssm.put_parameter(Name="/email-opens/mine", Value=value, Type="SecureString")
        ssm_credentials.rewrite("mine")
        reply = aws.ssm.get_parameter(Name="/email-opens/mine", WithDecryption=True)["Parameter"]
        assert (reply["Value"], reply["Version"]) == (value, 2)


def stored(aws: Aws, account_id: str) -> str:
    name = f"/email-opens/{account_id}"
    return aws.ssm.get_parameter(Name=name, WithDecryption=True)["Parameter"]["Value"]


class TestTheTierOfAParameter:
    @pytest.fixture
    def _advanced(self, aws: Aws) -> None:
        aws.ssm.put_parameter(
            Name="/email-opens/mine",
            Value='{"client_id": "c", "refresh_token": "r"}',
            Type="SecureString",
            Tier="Advanced",
        )

    def tiers(self, calls: Answers) -> list[str]:
        return [call["Tier"] for call in calls.calls]

    @pytest.mark.usefixtures("_advanced")
    def test_stays_advanced_when_credentials_are_replaced(
        self, aws: Aws, ssm_credentials: SsmCredentials
    ) -> None:
        calls = Answers(aws.ssm, "PutParameter")
        ssm_credentials.store("mine", TOKENS)
        assert self.tiers(calls) == ["Advanced"]

    @pytest.mark.usefixtures("_advanced")
    def test_stays_advanced_when_credentials_are_written_back_and_replaced(
        self, aws: Aws, ssm_credentials: SsmCredentials
    ) -> None:
        calls = Answers(aws.ssm, "PutParameter")
        ssm_credentials.rewrite("mine")
        ssm_credentials.store("mine", TOKENS)
        assert self.tiers(calls) == ["Advanced", "Advanced"]

    @pytest.mark.usefixtures("_advanced")
    def test_decides_how_much_fits(self, ssm_credentials: SsmCredentials) -> None:
        large = replace(TOKENS, access_token="x" * 7000)
        ssm_credentials.store("mine", large)
        assert ssm_credentials.load("mine") == large

    @pytest.mark.usefixtures("_advanced")
    def test_leaves_no_remedy_when_the_largest_is_too_small(
        self, ssm_credentials: SsmCredentials
    ) -> None:
        with pytest.raises(InvalidInput, match=r"holds at most 8192 bytes\.$"):
            ssm_credentials.store("mine", replace(TOKENS, refresh_token="x" * 8192))

    def test_is_read_without_the_secrets_of_earlier_versions(
        self, aws: Aws, ssm_credentials: SsmCredentials
    ) -> None:
        calls = Answers(aws.ssm, "GetParameterHistory")
        ssm_credentials.store("mine", TOKENS)
        assert not any(call.get("WithDecryption") for call in calls.calls)
        assert calls.calls

    def test_is_standard_for_a_new_parameter(
        self, aws: Aws, ssm_credentials: SsmCredentials
    ) -> None:
        calls = Answers(aws.ssm, "PutParameter")
        ssm_credentials.store("mine", TOKENS)
        ssm_credentials.rewrite("mine")
        assert self.tiers(calls) == ["Standard", "Standard"]


class TestALabelOnTheOldestVersion:
    """Parameter Store keeps 100 versions, and does not delete one that has a label."""

    def parameter(self, aws: Aws, versions: int, *, labelled: int = 1) -> None:
        for _ in range(versions):
            aws.ssm.put_parameter(
                Name="/email-opens/mine",
                Value='{"client_id": "c", "refresh_token": "r"}',
                Type="SecureString",
                Overwrite=True,
            )
        aws.ssm.label_parameter_version(
            Name="/email-opens/mine", ParameterVersion=labelled, Labels=["audited", "kept"]
        )

    @pytest.mark.parametrize("versions", [99, 100])
    def test_is_reported_before_a_refresh_with_the_command_that_removes_it(
        self, aws: Aws, ssm_credentials: SsmCredentials, versions: int
    ) -> None:
        self.parameter(aws, versions)
        command = (
            "Run `aws ssm unlabel-parameter-version --name /email-opens/mine --parameter-version 1 "
            "--labels audited kept`"
        )
        with pytest.raises(AccountStopped, match=re.escape(command)) as raised:
            ssm_credentials.rewrite("mine")
        assert not isinstance(raised.value, AccountDisconnected)

    def test_is_reported_before_a_refresh_when_the_second_write_would_meet_it(
        self, aws: Aws, ssm_credentials: SsmCredentials
    ) -> None:
        self.parameter(aws, 100, labelled=2)
        with pytest.raises(AccountStopped, match="--parameter-version 2"):
            ssm_credentials.rewrite("mine")

    def test_is_reported_when_credentials_are_replaced(
        self, aws: Aws, ssm_credentials: SsmCredentials
    ) -> None:
        self.parameter(aws, 100)
        with pytest.raises(AccountStopped, match="while it has a label"):
            ssm_credentials.store("mine", TOKENS)

    def test_does_not_matter_while_there_is_room_for_the_credentials_that_replace_others(
        self, aws: Aws, ssm_credentials: SsmCredentials
    ) -> None:
        self.parameter(aws, 99)
        ssm_credentials.store("mine", TOKENS)
        assert ssm_credentials.load("mine") == TOKENS

    def test_does_not_matter_while_there_is_room_for_both_writes_of_a_refresh(
        self, aws: Aws, ssm_credentials: SsmCredentials
    ) -> None:
        self.parameter(aws, 98)
        ssm_credentials.rewrite("mine")
        ssm_credentials.store("mine", TOKENS)
        assert ssm_credentials.load("mine") == TOKENS

    def test_no_longer_matters_once_it_is_removed(
        self, aws: Aws, ssm_credentials: SsmCredentials
    ) -> None:
        self.parameter(aws, 100)
        aws.ssm.unlabel_parameter_version(
            Name="/email-opens/mine", ParameterVersion=1, Labels=["audited", "kept"]
        )
        ssm_credentials.rewrite("mine")
        ssm_credentials.store("mine", TOKENS)
        assert ssm_credentials.load("mine") == TOKENS


class TestSqlite:
    PROVIDED = Tokens(client_id="client", refresh_token="provided")

    def test_stores_tokens_that_a_person_provides(
        self, sqlite_credentials: SqliteCredentials
    ) -> None:
        assert not sqlite_credentials.given_last("default", self.PROVIDED)
        sqlite_credentials.give("default", self.PROVIDED, self.PROVIDED)
        assert sqlite_credentials.load("default") == self.PROVIDED

    def test_recognises_the_tokens_that_were_provided_last_after_they_were_rotated(
        self, sqlite_credentials: SqliteCredentials
    ) -> None:
        rotated = replace(self.PROVIDED, refresh_token="rotated")
        sqlite_credentials.give("default", self.PROVIDED, rotated)
        sqlite_credentials.store("default", replace(rotated, refresh_token="again"))
        assert sqlite_credentials.given_last("default", self.PROVIDED)
        assert not sqlite_credentials.given_last("other", self.PROVIDED)

    def test_replaces_tokens_when_others_are_provided(
        self, sqlite_credentials: SqliteCredentials
    ) -> None:
        sqlite_credentials.give("default", self.PROVIDED, self.PROVIDED)
        sqlite_credentials.give("default", TOKENS, TOKENS)
        assert sqlite_credentials.load("default") == TOKENS
        assert not sqlite_credentials.given_last("default", self.PROVIDED)

    def test_reports_a_full_disk_when_tokens_are_written_back(self, tmp_path: Path) -> None:
        with StateFile(tmp_path / "state.sqlite") as state:
            credentials = SqliteCredentials(state)
            credentials.store("default", self.PROVIDED)
            with state.transaction() as connection:
                connection.execute("PRAGMA max_page_count = 1")
            with pytest.raises(AccountStopped, match="The disk is full"):
                credentials.rewrite("default")
            assert credentials.load("default") == self.PROVIDED

    def test_has_room_for_new_tokens_once_the_old_are_written_back(self, tmp_path: Path) -> None:
        with StateFile(tmp_path / "state.sqlite") as state:
            credentials = SqliteCredentials(state)
            credentials.store("default", self.PROVIDED)
            credentials.rewrite("default")
            with state.transaction() as connection:
                connection.execute("PRAGMA max_page_count = 1")
            large = replace(TOKENS, access_token="x" * 8192)
            credentials.store("default", large)
            assert credentials.load("default") == large

    def test_refuses_an_invalid_character_without_its_text(
        self, sqlite_credentials: SqliteCredentials
    ) -> None:
        invalid = replace(self.PROVIDED, refresh_token="a-secret\ud800")
        with pytest.raises(InvalidInput, match="an invalid character") as raised:
            sqlite_credentials.give("default", invalid, invalid)
        assert "a-secret" not in str(raised.value)
        assert raised.value.__suppress_context__

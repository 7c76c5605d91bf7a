"""The salt of hashed addresses, in Parameter Store and in SQLite."""

from pathlib import Path

import pytest

from email_opens.adapters.aws.salt import NAME, SsmSalt
from email_opens.adapters.local.salt import SqliteSalt
from email_opens.adapters.local.state_file import StateFile
from email_opens.errors import AccountStopped
from tests.conftest import Aws
from tests.contract.replies import Answers, Parameters, error


def stored(aws: Aws) -> str:
    name = aws.credentials_prefix + NAME
    parameter = aws.ssm.get_parameter(Name=name, WithDecryption=True)["Parameter"]
    assert parameter["Type"] == "SecureString"
    return parameter["Value"]


class TestTheSaltOfAStack:
    def test_is_made_once_and_stored_encrypted(self, aws: Aws) -> None:
        salt = SsmSalt(aws.ssm, aws.credentials_prefix)()
        assert len(salt) == 32
        assert SsmSalt(aws.ssm, aws.credentials_prefix)() == salt == stored(aws)

    def test_is_the_one_that_a_person_has_stored(self, aws: Aws) -> None:
        name = aws.credentials_prefix + NAME
        aws.ssm.put_parameter(Name=name, Value="pepper", Type="SecureString")
        assert SsmSalt(aws.ssm, aws.credentials_prefix)() == "pepper"

    def test_is_the_one_of_the_turn_that_was_faster(self, aws: Aws) -> None:
        name = aws.credentials_prefix + NAME

        def another_is_faster(_: Parameters) -> dict[str, object]:
            aws.ssm.put_parameter(Name=name, Value="theirs", Type="SecureString")
            return {"Error": {"Code": "ParameterNotFound", "Message": "There is none."}}

        Answers(aws.ssm, "GetParameter", another_is_faster)
        assert SsmSalt(aws.ssm, aws.credentials_prefix)() == "theirs"

    def test_is_no_other_while_parameter_store_does_not_show_the_stored_one_yet(
        self, aws: Aws
    ) -> None:
        name = aws.credentials_prefix + NAME
        aws.ssm.put_parameter(Name=name, Value="theirs", Type="SecureString")
        not_yet = error("ParameterNotFound")
        Answers(aws.ssm, "GetParameter", not_yet, not_yet)
        salt = SsmSalt(aws.ssm, aws.credentials_prefix)
        with pytest.raises(AccountStopped, match="ParameterAlreadyExists"):
            salt()
        assert salt() == "theirs"

    @pytest.mark.parametrize("operation", ["GetParameter", "PutParameter"])
    def test_that_may_not_be_read_or_made_stops_the_account(self, aws: Aws, operation: str) -> None:
        Answers(aws.ssm, operation, error("AccessDeniedException"))
        with pytest.raises(AccountStopped, match=r"AccessDeniedException.*none are lost\. Allow"):
            SsmSalt(aws.ssm, aws.credentials_prefix)()


def test_the_salt_of_a_state_file_is_made_once(tmp_path: Path) -> None:
    with StateFile(tmp_path / "state.sqlite") as state:
        salt = SqliteSalt(state)()
    with StateFile(tmp_path / "state.sqlite") as state:
        assert SqliteSalt(state)() == salt
    with StateFile(tmp_path / "other.sqlite") as state:
        assert SqliteSalt(state)() != salt

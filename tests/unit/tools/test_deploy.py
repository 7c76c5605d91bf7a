"""`make deploy`: what SAM is called with, what is remembered, and what is printed."""

import json
import sys
import tomllib
from collections.abc import Mapping
from pathlib import Path

import boto3
import pytest

from deploy import LONGEST_NAME, LONGEST_PREFIX, MOST_LEVELS, STACK, main, next_steps
from email_opens_cli.arguments.stack import FILE, Deployed, deployed_from, written
from tests.conftest import REGION, Aws
from tests.integration.deployment import ROOT
from tests.unit.cli.stacks import stated
from tests.unit.cli.world import settings

SAM = """
import json, sys
from pathlib import Path
Path("called.json").write_text(json.dumps(sys.argv[1:]))
sys.exit({code})
"""


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, aws: Aws) -> Path:
    """The folder of a deployment, whose stacks have the resources of `aws`."""
    for name in ("EMAIL_OPENS_STACK", "TRACKING_TABLE", "CI"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.chdir(tmp_path)
    parameters, outputs = stated(settings(aws))
    for stack in ("email-opens", "mine"):
        make_stack(stack, {"AccountId": "default"} | parameters, outputs)
    return tmp_path


def make_stack(name: str, parameters: Mapping[str, str], outputs: Mapping[str, str]) -> None:
    template = {
        "Parameters": {name: {"Type": "String"} for name in parameters},
        "Resources": {"Queue": {"Type": "AWS::SQS::Queue"}},
        "Outputs": {name: {"Value": value} for name, value in outputs.items()},
    }
    boto3.client("cloudformation").create_stack(
        StackName=name,
        TemplateBody=json.dumps(template),
        Parameters=[
            {"ParameterKey": name, "ParameterValue": value} for name, value in parameters.items()
        ],
    )


def deploy(
    folder: Path, monkeypatch: pytest.MonkeyPatch, *arguments: str, code: int = 0
) -> list[str]:
    """Deploy with a SAM that exits with a code; return what it was called with."""
    script = folder / "sam.py"
    script.write_text(SAM.format(code=code))
    monkeypatch.setenv("SAM_COMMAND", f"{sys.executable} {script}")
    assert main(arguments) == code
    called: list[str] = json.loads((folder / "called.json").read_text())
    return called


class TestSam:
    def test_gets_the_stack_and_the_region(
        self, folder: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        assert deploy(folder, monkeypatch) == [
            *("deploy", "--stack-name", "email-opens", "--region", REGION)
        ]

    def test_gets_the_stack_of_samconfig_if_none_was_deployed(self) -> None:
        samconfig = tomllib.loads((ROOT / "samconfig.toml").read_text())
        assert samconfig["default"]["global"]["parameters"]["stack_name"] == STACK

    def test_gets_the_stack_that_was_deployed_before(
        self, folder: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        (folder / FILE).write_text(written(Deployed("mine", None)))
        assert deploy(folder, monkeypatch)[2] == "mine"

    def test_gets_the_parameters_quoted(
        self, folder: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        called = deploy(folder, monkeypatch, "--stack", "mine", "IncludeNames=A*, “B”", 'X=a"b')
        assert called[-3:] == ["--parameter-overrides", 'IncludeNames="A*, “B”"', r'X="a\"b"']

    def test_prompts_for_nothing_in_ci(self, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("CI", "true")
        assert deploy(folder, monkeypatch)[-2:] == [
            *("--no-confirm-changeset", "--no-fail-on-empty-changeset")
        ]

    @pytest.mark.usefixtures("folder")
    @pytest.mark.parametrize("text", ["AlarmEmail", "=x", "--x=y", "A-b=c"])
    def test_is_not_called_with_what_is_no_parameter(self, text: str) -> None:
        with pytest.raises(SystemExit) as ended:
            main([text])
        assert ended.value.code == 2


class TestFolder:
    def test_remembers_what_was_deployed(
        self, folder: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        deploy(folder, monkeypatch, "--stack", "mine")
        assert deployed_from(folder) == Deployed("mine", REGION)

    def test_remembers_nothing_if_sam_fails(
        self, folder: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        deploy(folder, monkeypatch, code=1)
        assert deployed_from(folder) is None

    def test_without_a_region_is_refused_in_a_sentence(
        self, folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
    ) -> None:
        for name in ("AWS_REGION", "AWS_DEFAULT_REGION"):
            monkeypatch.delenv(name)
        assert main([]) == 2
        assert not (folder / "called.json").exists()
        assert "No AWS region is set" in capsys.readouterr().err


class TestCheck:
    """What is checked before a build."""

    def test_prints_where_the_stack_will_be(
        self, folder: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        assert main(["--check", "--stack", "mine", "X=a"]) == 0
        assert "Building mine, to deploy it to AWS account 123456789012 in eu-west-1" in (
            capsys.readouterr().out
        )
        assert deployed_from(folder) is None

    @pytest.mark.usefixtures("folder")
    def test_refuses_what_is_no_parameter(self) -> None:
        with pytest.raises(SystemExit) as ended:
            main(["--check", "AlarmEmail"])
        assert ended.value.code == 2

    @pytest.mark.usefixtures("folder")
    @pytest.mark.parametrize("arguments", [["--check"], []])
    def test_refuses_a_name_that_is_too_long_for_the_schedule_group(
        self, arguments: list[str], capsys: pytest.CaptureFixture[str]
    ) -> None:
        assert main([*arguments, "--stack", "x" * (LONGEST_NAME + 1)]) == 2
        assert "has 65 characters, and may have at most 64" in capsys.readouterr().err

    @pytest.mark.usefixtures("folder")
    @pytest.mark.parametrize("stack", ["x" * LONGEST_NAME, f"arn:aws:cloudformation:{'x' * 60}"])
    def test_accepts_the_longest_name_and_any_arn(self, stack: str) -> None:
        assert main(["--check", "--stack", stack]) == 0

    @pytest.mark.usefixtures("folder")
    @pytest.mark.parametrize(
        ("arguments", "reason"),
        [
            (("--stack", "AWS-mail"), "accepts no names that begin with “aws” or “ssm”"),
            (("--stack", "ssm-mail"), "cannot be stored below /ssm-mail/"),
            (("--stack", "mine", "CredentialsPrefix=/SSM/mine/"), "below /SSM/mine/"),
            (("--stack", "email-opens-alerts"), "the webhooks of alerts are stored"),
            (("--stack", "new", f"CredentialsPrefix=/{'x' * LONGEST_PREFIX}/"), "at most 892"),
            (("--stack", "new", f"CredentialsPrefix=/{'x/' * (MOST_LEVELS + 1)}"), "has 14 levels"),
        ],
    )
    def test_refuses_a_prefix_below_which_no_credentials_can_be_stored(
        self, arguments: tuple[str, ...], reason: str, capsys: pytest.CaptureFixture[str]
    ) -> None:
        assert main(["--check", *arguments]) == 2
        error = capsys.readouterr().err
        assert reason in " ".join(error.split())
        assert "PARAMETERS=CredentialsPrefix=/NAME/" in " ".join(error.split())

    @pytest.mark.usefixtures("folder")
    @pytest.mark.parametrize(
        "arguments",
        [
            ("--stack", "ssm-mail", "CredentialsPrefix=/mail/"),
            ("--stack", "new", f"CredentialsPrefix=/{'x' * (LONGEST_PREFIX - 2)}/"),
            ("--stack", "new", f"CredentialsPrefix=/{'x/' * MOST_LEVELS}"),
        ],
    )
    def test_accepts_any_other_prefix(self, arguments: tuple[str, ...]) -> None:
        assert main(["--check", *arguments]) == 0

    def test_accepts_a_stack_that_keeps_another_prefix_than_its_name(self, folder: Path) -> None:
        del folder
        make_stack("ssm-mail", {"CredentialsPrefix": "/email-opens/"}, {})
        assert main(["--check", "--stack", "ssm-mail"]) == 0

    @pytest.mark.usefixtures("folder")
    def test_refuses_a_missing_region(
        self, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
    ) -> None:
        for name in ("AWS_REGION", "AWS_DEFAULT_REGION"):
            monkeypatch.delenv(name)
        assert main(["--check"]) == 2
        assert "No AWS region is set" in capsys.readouterr().err

    @pytest.mark.usefixtures("folder")
    def test_refuses_missing_credentials(
        self, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
    ) -> None:
        for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN"):
            monkeypatch.delenv(name, raising=False)
        assert main(["--check"]) == 2
        assert "There are no AWS credentials" in capsys.readouterr().err


class TestNextSteps:
    @staticmethod
    def lines(*accounts: str) -> str:
        found = {"OpensTopicArn": "arn:aws:sns:eu-west-1:1:opens"}
        return "\n".join(next_steps("mine", "eu-west-1", "acme", found, accounts))

    def test_are_filled_in(self) -> None:
        lines = self.lines()
        assert ".venv/bin/email-opens connect acme --stack mine" in lines
        assert ".venv/bin/email-opens subscribe --queue opens --stack mine" in lines
        assert "more ways. The topic is\n  arn:aws:sns:eu-west-1:1:opens" in lines
        assert ".venv/bin/email-opens status --stack mine" in lines

    def test_do_not_connect_an_account_that_is_connected(self) -> None:
        assert "connect acme" not in self.lines("acme")

    def test_are_printed_after_a_deployment(
        self, folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
    ) -> None:
        deploy(folder, monkeypatch)
        assert "connect default --stack email-opens" in capsys.readouterr().out

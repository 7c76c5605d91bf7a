"""An account beside the stack's own is polled by a schedule of its own, made once."""

import json
from collections.abc import Iterator

import boto3
import pytest
from typer.testing import Result

from constant_contact_emulator import Emulator, Limits
from email_opens.errors import InvalidInput
from email_opens_cli.deployed.schedules import Schedules
from tests.conftest import Aws
from tests.integration.template import of_type, read_template
from tests.unit.cli.stacks import EVERY, FUNCTION, ROLE, STACK, make_stack, schedule, schedules
from tests.unit.cli.world import complaint, run, settings


@pytest.fixture
def vendor(aws: Aws) -> Iterator[Emulator]:
    with Emulator(limits=Limits.off()) as vendor:
        make_stack(aws, vendor)
        yield vendor


def connect(vendor: Emulator, account_id: str, *options: str) -> Result:
    given = json.dumps(vendor.credentials(account_id))
    return run("connect", account_id, *options, typed=given)


def test_it_is_made(vendor: Emulator) -> None:
    said = connect(vendor, "other", "--stack", STACK).stdout
    assert "A schedule of its own polls it" in said
    assert schedules() == ["other"]


def test_it_polls_its_account(vendor: Emulator) -> None:
    connect(vendor, "other", "--stack", STACK)
    target = schedule("other")["Target"]
    assert (target["Arn"], target["RoleArn"]) == (FUNCTION, ROLE)
    assert json.loads(target["Input"]) == {"account_id": "other"}


def test_it_polls_as_often_as_the_stacks_own(vendor: Emulator) -> None:
    connect(vendor, "other", "--stack", STACK)
    assert schedule("other")["ScheduleExpression"] == EVERY


def test_it_tries_again_as_the_templates_own_does(vendor: Emulator) -> None:
    connect(vendor, "other", "--stack", STACK)
    poll = of_type(read_template(), "AWS::Serverless::Function")["PollOpens"]
    own = poll["Events"]["Schedule"]["Properties"]["RetryPolicy"]
    assert schedule("other")["Target"]["RetryPolicy"] == own


def test_it_is_left_as_it_is_when_the_account_connects_again(vendor: Emulator) -> None:
    connect(vendor, "other", "--stack", STACK)
    before = schedule("other")
    assert "exists already" in connect(vendor, "other", "--stack", STACK).stdout
    assert schedule("other") == before


def test_the_stacks_own_account_needs_none(vendor: Emulator) -> None:
    assert "own schedule polls it" in connect(vendor, "default", "--stack", STACK).stdout
    assert schedules() == []


def test_no_stack_is_told_of_as_such(
    vendor: Emulator, aws: Aws, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in settings(aws, vendor).items():
        monkeypatch.setenv(name, value)
    assert "--stack NAME" in connect(vendor, "other").stdout
    assert schedules() == []


def test_an_unknown_stack_stores_nothing(vendor: Emulator, aws: Aws) -> None:
    said = complaint(connect(vendor, "other", "--stack", "nowhere"), 2)
    assert "There is no stack “nowhere”" in said
    assert aws.ssm.describe_parameters()["Parameters"] == []


@pytest.mark.usefixtures("aws")
def test_a_stack_of_something_else_is_refused() -> None:
    template = {"Resources": {"Queue": {"Type": "AWS::SQS::Queue"}}}
    boto3.client("cloudformation").create_stack(StackName="else", TemplateBody=json.dumps(template))
    with pytest.raises(InvalidInput, match="not a stack of email-opens"):
        Schedules.of_stack("else")

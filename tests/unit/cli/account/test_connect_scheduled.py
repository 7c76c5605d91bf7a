"""`email-opens connect --stack`: each further account gets its own schedule, created once."""

import json
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import boto3
import pytest
from typer.testing import Result

from constant_contact_emulator import Emulator, Limits
from email_opens.errors import InvalidInput
from email_opens_cli.deployed.turns.schedules import Schedules, first_event
from tests.conftest import Aws
from tests.integration.template import of_type, read_template
from tests.unit.cli.stacks import (
    FUNCTION,
    ROLE,
    SCHEDULE_EXPRESSION,
    STACK,
    make_stack,
    schedule,
    schedules,
)
from tests.unit.cli.world import complaint, run, settings


@pytest.fixture
def vendor(aws: Aws) -> Iterator[Emulator]:
    with Emulator(limits=Limits.off()) as vendor:
        make_stack(aws, vendor)
        yield vendor


def connect(vendor: Emulator, account_id: str, *options: str) -> Result:
    credentials = json.dumps(vendor.credentials(account_id))
    return run("connect", account_id, *options, typed=credentials)


def test_connecting_an_account_creates_its_schedule(vendor: Emulator) -> None:
    output = connect(vendor, "other", "--stack", STACK).stdout
    assert "A schedule of its own polls it" in output
    assert schedules() == ["other"]


def test_the_schedule_polls_its_account(vendor: Emulator) -> None:
    connect(vendor, "other", "--stack", STACK)
    target = schedule("other")["Target"]
    assert (target["Arn"], target["RoleArn"]) == (FUNCTION, ROLE)
    assert json.loads(target["Input"]) == {"account_id": "other"}


def test_the_schedule_polls_as_often_as_the_stacks_schedule(vendor: Emulator) -> None:
    connect(vendor, "other", "--stack", STACK)
    assert schedule("other")["ScheduleExpression"] == SCHEDULE_EXPRESSION


def test_the_schedule_has_the_retry_policy_of_the_template(vendor: Emulator) -> None:
    connect(vendor, "other", "--stack", STACK)
    poll = of_type(read_template(), "AWS::Serverless::Function")["PollOpens"]
    retry_policy = poll["Events"]["Schedule"]["Properties"]["RetryPolicy"]
    assert schedule("other")["Target"]["RetryPolicy"] == retry_policy


def test_connecting_again_leaves_the_schedule_unchanged(vendor: Emulator) -> None:
    connect(vendor, "other", "--stack", STACK)
    before = schedule("other")
    assert "exists already" in connect(vendor, "other", "--stack", STACK).stdout
    assert schedule("other") == before


def test_the_stacks_own_account_gets_no_further_schedule(vendor: Emulator) -> None:
    assert "own schedule polls it" in connect(vendor, "default", "--stack", STACK).stdout
    assert schedules() == []


def test_without_a_stack_connect_suggests_the_stack_option(
    vendor: Emulator, aws: Aws, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in settings(aws, vendor).items():
        monkeypatch.setenv(name, value)
    assert "--stack NAME" in connect(vendor, "other").stdout
    assert schedules() == []


def test_connecting_with_an_unknown_stack_stores_nothing(vendor: Emulator, aws: Aws) -> None:
    error = complaint(connect(vendor, "other", "--stack", "nowhere"), 2)
    assert "There is no stack “nowhere”" in error
    assert aws.ssm.describe_parameters()["Parameters"] == []


@pytest.mark.usefixtures("aws")
def test_a_stack_of_another_product_is_refused() -> None:
    template = {"Resources": {"Queue": {"Type": "AWS::SQS::Queue"}}}
    boto3.client("cloudformation").create_stack(StackName="else", TemplateBody=json.dumps(template))
    with pytest.raises(InvalidInput, match="not a stack of email-opens"):
        Schedules.of_stack("else")


def test_the_consent_of_another_account_of_the_vendor_needs_an_option(
    vendor: Emulator,
) -> None:
    connect(vendor, "mine", "--stack", STACK)
    other = json.dumps(vendor.credentials("other"))
    error = complaint(run("connect", "mine", "--stack", STACK, typed=other), 2)
    assert "add --another-account" in error
    again = json.dumps(vendor.credentials("other"))
    result = run("connect", "mine", "--stack", STACK, "--another-account", typed=again)
    assert result.exit_code == 0
    assert "are stored" in result.stdout


def test_the_schedule_begins_within_a_minute_at_a_second_of_the_accounts_own(
    vendor: Emulator,
) -> None:
    now = datetime.now(UTC)
    connect(vendor, "other", "--stack", STACK)
    begins = schedule("other")["StartDate"]
    assert begins.second == first_event("other", now).second
    assert begins > now


class TestFirstEvent:
    NOW = datetime(2026, 3, 2, 14, 7, 30, 5, tzinfo=UTC)

    def test_is_always_the_same_second_and_within_a_minute(self) -> None:
        for number in range(200):
            begins = first_event(f"account-{number}", self.NOW)
            assert timedelta() < begins - self.NOW <= timedelta(minutes=1)
            later = first_event(f"account-{number}", self.NOW + timedelta(hours=1, seconds=17))
            assert (later.second, later.microsecond) == (begins.second, 0)

    def test_spreads_accounts_over_the_minute(self) -> None:
        seconds = Counter(
            first_event(f"account-{number}", self.NOW).second for number in range(6_000)
        )
        assert len(seconds) == 60
        assert max(seconds.values()) < 2 * 6_000 / 60

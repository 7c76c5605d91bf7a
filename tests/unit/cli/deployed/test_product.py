"""How a command reaches a deployed product: by a stack, however it is named."""

from copy import replace
from pathlib import Path

import boto3
import pytest

from email_opens_cli.arguments import invocation
from email_opens_cli.arguments.stack import FILE, Deployed, written
from email_opens_cli.deployed.product import aws, described, environment
from tests.conftest import REGION
from tests.contract.samples import ACTIVITY
from tests.unit.cli.stacks import STACK, make_stack
from tests.unit.cli.world import ONE, World, complaint, run


@pytest.fixture
def stack(world: World, monkeypatch: pytest.MonkeyPatch) -> World:
    """A stack, and an environment without settings."""
    make_stack(world.aws, world.vendor)
    monkeypatch.delenv("TRACKING_TABLE")
    return world


class TestStack:
    @pytest.mark.usefixtures("stack")
    def test_can_be_named_by_a_variable(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("EMAIL_OPENS_STACK", STACK)
        assert run("status").exit_code == 0

    @pytest.mark.usefixtures("stack")
    def test_of_the_folder_is_used_in_its_own_region(self, monkeypatch: pytest.MonkeyPatch) -> None:
        Path(FILE).write_text(written(Deployed(STACK, REGION)))
        monkeypatch.delenv("AWS_REGION")
        monkeypatch.delenv("AWS_DEFAULT_REGION")
        assert run("status").exit_code == 0

    @pytest.mark.usefixtures("stack")
    def test_stands_in_the_commands_of_messages(self) -> None:
        message = complaint(run("poll", "--account", "other", "--stack", STACK), 2)
        assert f"`email-opens connect other --stack {STACK}`" in message

    @pytest.mark.usefixtures("stack")
    def test_that_is_not_named_is_asked_for(self) -> None:
        message = complaint(run("poll"), 2)
        assert message.startswith("No stack is named: add --stack NAME, set EMAIL_OPENS_STACK")
        assert "TRACKING_TABLE" not in message  # A person needs a stack, not its variables.

    @pytest.mark.usefixtures("stack")
    def test_that_does_not_exist_yet_can_be_deployed_or_done_without(self) -> None:
        message = complaint(run("poll"), 2)
        assert "If there is no stack yet, run `make deploy`, or `email-opens watch`" in message

    @pytest.mark.usefixtures("world")
    def test_that_does_not_exist_is_refused_with_what_to_do(self) -> None:
        message = complaint(run("status", "--stack", "x"), 2)
        assert "or deploy it with `make deploy STACK=x`" in message

    def test_states_its_settings_by_its_parameters_its_outputs_and_its_name(
        self, stack: World, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("FIRST_OPENS", "DISABLED")
        with invocation.begun():
            found = environment(STACK)
        assert found["CONSTANT_CONTACT_API_URL"] == stack.vendor.url
        assert found["TRACKING_TABLE"] == stack.aws.tracking_table
        assert (found["FIRST_OPENS"], found["STACK_NAME"]) == ("ENABLED", STACK)

    @pytest.mark.usefixtures("stack")
    def test_is_described_once_in_a_command(self) -> None:
        with invocation.begun():
            found = described(STACK)
            boto3.client("cloudformation").delete_stack(StackName=STACK)
            assert described(STACK) is found


@pytest.mark.usefixtures("aws")
class TestSession:
    def test_is_shared_by_the_parts_of_a_command(self) -> None:
        with invocation.begun():
            assert aws() is aws()
            assert aws("us-east-1") is not aws()

    def test_is_not_shared_by_two_commands(self) -> None:
        with invocation.begun():
            first = aws()
        with invocation.begun():
            assert aws() is not first


class TestAccount:
    @pytest.mark.usefixtures("world")
    @pytest.mark.parametrize(
        "arguments",
        [
            *(["status"], ["explain"], ["poll"], ["discover"], ["campaigns"], ["tail"]),
            *([name, ONE] for name in ("track", "untrack", "pause", "resume", "audit")),
            ["replay", ONE, "--since", "2h", "--to", "arn:aws:sns:eu-west-1:123456789012:mine"],
        ],
        ids=lambda arguments: arguments[0],
    )
    def test_of_which_nothing_is_stored_is_refused(self, arguments: list[str]) -> None:
        message = complaint(run(*arguments, "--account", "typo"), 2)
        assert "There is no account typo" in message
        assert "Connected accounts: default." in message
        assert "`email-opens connect typo`" in message

    def test_is_not_created_by_a_mistake(self, world: World) -> None:
        run("poll", "--account", "typo")
        assert world.tracking.account("typo") is None

    def test_is_known_by_its_credentials(self, world: World) -> None:
        world.aws.ssm.put_parameter(Name="/email-opens/new", Value="{}", Type="SecureString")
        assert run("status", "--account", "new").exit_code == 0

    def test_is_known_by_what_is_tracked_for_it(self, world: World) -> None:
        world.tracking.add(replace(ACTIVITY, account_id="tracked"))
        assert run("status", "--account", "tracked").exit_code == 0

    @pytest.mark.usefixtures("world")
    def test_of_a_stack_without_any_is_to_be_connected(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("CREDENTIALS_PREFIX", "/elsewhere/")
        message = complaint(run("status"), 2)
        assert "Connected" not in message
        assert "`email-opens connect default`" in message

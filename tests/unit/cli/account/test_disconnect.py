"""`email-opens disconnect`: what it deletes, what it keeps, and its confirmation."""

import json
from collections.abc import Iterator

import pytest

from constant_contact_emulator import Emulator, Limits
from email_opens.adapters.aws.tracking import DynamoDBTracking
from tests.conftest import Aws
from tests.unit.cli.stacks import STACK, make_stack, schedules
from tests.unit.cli.terminal.pseudo_terminal import run_in_terminal
from tests.unit.cli.world import ONE, World, complaint, run, settings


@pytest.fixture(autouse=True)
def _connected(aws: Aws, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Connect the stack's own account and another, and track an activity for each."""
    with Emulator(limits=Limits.off()) as vendor:
        make_stack(aws, vendor)
        for name, value in settings(aws, vendor).items():
            monkeypatch.setenv(name, value)
        for account_id in ("default", "other"):
            credentials = json.dumps(vendor.credentials(account_id))
            run("connect", account_id, "--stack", STACK, typed=credentials)
            tracking = DynamoDBTracking(aws.dynamodb, aws.tracking_table)
            World(aws, vendor, tracking).track(ONE, account_id=account_id)
        yield


def stored_accounts(aws: Aws) -> set[str]:
    parameters = aws.ssm.describe_parameters()["Parameters"]
    return {item["Name"].removeprefix("/email-opens/") for item in parameters}


def test_disconnect_deletes_the_credentials(aws: Aws) -> None:
    assert "are deleted" in run("disconnect", "other", "--yes").stdout
    assert stored_accounts(aws) == {"default"}


def test_disconnect_with_a_stack_deletes_the_schedule() -> None:
    output = run("disconnect", "other", "--stack", STACK, "--yes").stdout
    assert "Its schedule is deleted" in output
    assert schedules() == []


def test_disconnect_without_a_stack_keeps_the_schedule() -> None:
    assert "--stack NAME deletes it" in run("disconnect", "other", "--yes").stdout
    assert schedules() == ["other"]


def test_disconnecting_the_stacks_own_account_names_the_setting_that_stops_its_schedule() -> None:
    output = run("disconnect", "default", "--stack", STACK, "--yes").stdout
    assert "ScheduleState=DISABLED" in output


def test_disconnect_keeps_the_tracked_activities_and_reports_it(aws: Aws) -> None:
    assert "its ledger stay" in run("disconnect", "other", "--yes").stdout
    tracking = DynamoDBTracking(aws.dynamodb, aws.tracking_table)
    assert len(tracking.activities("other")) == 1


def test_disconnect_releases_the_lease(aws: Aws) -> None:
    run("disconnect", "other", "--yes")
    account = DynamoDBTracking(aws.dynamodb, aws.tracking_table).account("other")
    assert account is not None
    assert account.lease_holder is None


def test_disconnecting_twice_reports_that_the_credentials_were_deleted_already() -> None:
    run("disconnect", "other", "--stack", STACK, "--yes")
    result = run("disconnect", "other", "--stack", STACK, "--yes")
    assert (result.exit_code, "were already deleted" in result.stdout) == (0, True)


def test_disconnect_without_a_terminal_requires_the_yes_option(aws: Aws) -> None:
    assert "add --yes" in complaint(run("disconnect", "other"), 2)
    assert stored_accounts(aws) == {"default", "other"}


def test_answering_no_on_a_terminal_deletes_nothing(aws: Aws) -> None:
    output = run_in_terminal("disconnect", "other", columns=40, typed="n\n")
    assert "Delete the credentials of account other?" in output.text
    assert (output.exit_code, stored_accounts(aws)) == (1, {"default", "other"})


def test_answering_yes_on_a_terminal_deletes_the_credentials(aws: Aws) -> None:
    run_in_terminal("disconnect", "other", columns=40, typed="y\n")
    assert stored_accounts(aws) == {"default"}


def test_disconnect_reports_an_unknown_account() -> None:
    output = complaint(run("disconnect", "nobody", "--stack", STACK, "--yes"), 2)
    assert "There is no account nobody" in output


def test_disconnect_does_not_create_an_unknown_account(aws: Aws) -> None:
    run("disconnect", "nobody", "--yes")
    assert DynamoDBTracking(aws.dynamodb, aws.tracking_table).account("nobody") is None


def test_disconnect_deletes_nothing_when_the_stack_is_unknown(aws: Aws) -> None:
    complaint(run("disconnect", "other", "--stack", "nowhere", "--yes"), 2)
    assert stored_accounts(aws) == {"default", "other"}

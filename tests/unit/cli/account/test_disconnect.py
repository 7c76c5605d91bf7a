"""Disconnecting: what is deleted, what stays, and who is asked."""

import json
from collections.abc import Iterator

import pytest

from constant_contact_emulator import Emulator, Limits
from email_opens.adapters.aws.tracking import DynamoDBTracking
from tests.conftest import Aws
from tests.unit.cli.stacks import STACK, make_stack, schedules
from tests.unit.cli.terminal.pseudo_terminal import run_in_terminal
from tests.unit.cli.world import ONE, complaint, run, settings


@pytest.fixture(autouse=True)
def _connected(aws: Aws, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Two accounts of one stack, its own among them, are connected and track an e-mail."""
    with Emulator(limits=Limits.off()) as vendor:
        make_stack(aws, vendor)
        for name, value in settings(aws, vendor).items():
            monkeypatch.setenv(name, value)
        for account_id in ("default", "other"):
            given = json.dumps(vendor.credentials(account_id))
            run("connect", account_id, "--stack", STACK, typed=given)
            run("track", ONE, "--account", account_id)
        yield


def connected(aws: Aws) -> set[str]:
    listed = aws.ssm.describe_parameters()["Parameters"]
    return {one["Name"].removeprefix("/email-opens/") for one in listed}


def test_credentials_are_deleted(aws: Aws) -> None:
    assert "are deleted" in run("disconnect", "other", "--yes").stdout
    assert connected(aws) == {"default"}


def test_its_schedule_is_deleted() -> None:
    said = run("disconnect", "other", "--stack", STACK, "--yes").stdout
    assert "Its schedule is deleted" in said
    assert schedules() == []


def test_a_schedule_is_not_looked_for_without_a_stack() -> None:
    assert "--stack NAME deletes it" in run("disconnect", "other", "--yes").stdout
    assert schedules() == ["other"]


def test_the_stacks_own_schedule_is_told_to_go_on() -> None:
    said = run("disconnect", "default", "--stack", STACK, "--yes").stdout
    assert "ScheduleState=DISABLED" in said


def test_what_is_tracked_stays_and_is_told_of(aws: Aws) -> None:
    assert "the ledger stay" in run("disconnect", "other", "--yes").stdout
    tracking = DynamoDBTracking(aws.dynamodb, aws.tracking_table)
    assert len(tracking.activities("other")) == 1


def test_the_account_is_let_go(aws: Aws) -> None:
    run("disconnect", "other", "--yes")
    account = DynamoDBTracking(aws.dynamodb, aws.tracking_table).account("other")
    assert account is not None
    assert account.lease_holder is None


def test_it_can_be_done_again() -> None:
    run("disconnect", "other", "--stack", STACK, "--yes")
    again = run("disconnect", "other", "--stack", STACK, "--yes")
    assert (again.exit_code, "were already deleted" in again.stdout) == (0, True)


def test_where_nobody_can_be_asked_yes_must_be_said(aws: Aws) -> None:
    assert "add --yes" in complaint(run("disconnect", "other"), 2)
    assert connected(aws) == {"default", "other"}


def test_on_a_terminal_it_is_asked_about_and_no_is_heard(aws: Aws) -> None:
    shown = run_in_terminal("disconnect", "other", columns=40, typed="n\n")
    assert "Delete the credentials of account other?" in shown.text
    assert (shown.exit_code, connected(aws)) == (1, {"default", "other"})


def test_on_a_terminal_yes_is_enough(aws: Aws) -> None:
    run_in_terminal("disconnect", "other", columns=40, typed="y\n")
    assert connected(aws) == {"default"}


def test_an_unknown_account_is_told() -> None:
    said = complaint(run("disconnect", "nobody", "--stack", STACK, "--yes"), 2)
    assert "There is no account nobody" in said


def test_an_unknown_account_is_not_made(aws: Aws) -> None:
    run("disconnect", "nobody", "--yes")
    assert DynamoDBTracking(aws.dynamodb, aws.tracking_table).account("nobody") is None


def test_an_unknown_stack_is_told_before_anything_is_deleted(aws: Aws) -> None:
    complaint(run("disconnect", "other", "--stack", "nowhere", "--yes"), 2)
    assert connected(aws) == {"default", "other"}

"""`email-opens subscribe --slack` and `unsubscribe alert`: the alert of a stack."""

import os
import sys
from typing import Any

import pytest

from email_opens_cli.commands.subscribers.only import parse_only
from email_opens_cli.commands.subscribers.subscribe import alert_settings
from email_opens_cli.deployed.subscribing import alert
from tests.contract.replies import Answers, error
from tests.unit.cli.every_client import every_client
from tests.unit.cli.subscribers.alerts import (
    PARAMETER,
    PARAMETERS,
    STACK,
    URL,
    make_stack,
    parameters,
    stored,
)
from tests.unit.cli.subscribers.subscribers import client, steps, subscribe
from tests.unit.cli.terminal.terminal_session import TerminalSession
from tests.unit.cli.world import World, complaint, run


class TestSlack:
    def test_stores_the_url_and_updates_the_stack(self, stack: World) -> None:
        result = subscribe("--slack", URL)
        assert stored(stack) == URL
        assert parameters() == PARAMETERS | {"AlertWebhook": PARAMETER, "AlertOpens": "first"}
        assert "The alert is on." in result.stdout
        assert "The alert shows first opens of all campaigns" in result.stdout

    def test_replaces_the_whole_filter(self, stack: World) -> None:
        del stack
        subscribe("--slack", URL, "--only", "campaign=News", "--only", "fresh=1h")
        result = subscribe("--slack", URL, "--only", "first-opens")
        (step,) = steps(result)
        assert step.startswith("update the stack with AlertMaxDelaySeconds=900, AlertCampaigns=")
        assert parameters() == PARAMETERS | {"AlertWebhook": PARAMETER, "AlertOpens": "first"}

    def test_shows_all_opens_if_no_event_says_which_are_first(
        self, world: World, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        make_stack(world, **PARAMETERS | {"FirstOpens": "DISABLED", "AlertOpens": "first"})
        monkeypatch.setenv("EMAIL_OPENS_STACK", STACK)
        subscribe("--slack", URL)
        assert parameters()["AlertOpens"] == "all"

    def test_never_shows_the_url(self, stack: World) -> None:
        del stack
        result = subscribe("--slack", URL)
        assert "https://hooks.example.com/…" in result.stdout
        assert "secret" not in result.output.replace("is a secret", "")
        assert "T0" not in result.output

    def test_changes_nothing_the_second_time(self, stack: World) -> None:
        del stack
        subscribe("--webhook", URL)
        again = run("subscribe", "--slack", URL)
        assert again.exit_code == 0
        assert steps(again) == []

    def test_replaces_the_url_without_an_update(self, stack: World) -> None:
        subscribe("--slack", URL)
        result = subscribe("--slack", f"{URL}2")
        (step,) = steps(result)
        assert step.startswith("replace the URL")
        assert stored(stack) == f"{URL}2"

    def test_reads_the_url_from_stdin(self, stack: World) -> None:
        result = run("subscribe", "--slack", "-", "--yes", typed=f"{URL}\n")
        assert result.exit_code == 0
        assert "shell's history" not in result.stderr
        assert stored(stack) == URL

    def test_warns_of_the_history_of_the_shell(self, stack: World) -> None:
        del stack
        assert "--slack - reads it from stdin" in subscribe("--slack", URL).stderr

    def test_refuses_what_is_no_url_on_stdin(self, stack: World) -> None:
        result = run("subscribe", "--slack", "-", "--yes", typed="nothing\n")
        assert "--slack needs a URL that begins with https://" in complaint(result, 2)
        assert stored(stack) is None

    @pytest.mark.parametrize("argument", ["-", "https://user:secret@hooks.example.com/x"])
    def test_refuses_a_url_that_the_alert_does_not_accept(
        self, stack: World, argument: str
    ) -> None:
        typed = "https://user:secret@hooks.example.com/x\n"
        said = complaint(run("subscribe", "--slack", argument, "--yes", typed=typed), 2)
        assert "--slack needs a URL without a user and a password" in said
        assert "secret" not in said
        assert stored(stack) is None

    def test_sets_the_parameters_of_its_filter(self, stack: World) -> None:
        del stack
        only = ["first-opens", "fresh=1h", "campaign=News", "campaign=Spring sale"]
        subscribe("--slack", URL, *(part for value in only for part in ("--only", value)))
        assert parameters() == PARAMETERS | {
            "AlertWebhook": PARAMETER,
            "AlertOpens": "first",
            "AlertMaxDelaySeconds": "3600",
            "AlertCampaigns": "News,Spring sale",
        }

    @pytest.mark.parametrize(
        ("only", "message"),
        [
            ("device=mobile", "accepts fresh, first-opens and campaign=NAME"),
            ("account=acme", "accepts fresh, first-opens and campaign=NAME"),
            ("campaign=Spring*", "needs a whole name without commas, quotes, backslashes and"),
            ("campaign=a, b", "needs a whole name without commas, quotes, backslashes and"),
            ('campaign="a"', "needs a whole name without commas, quotes, backslashes and"),
            ("campaign=a\\b", "needs a whole name without commas, quotes, backslashes and"),
            ("fresh=8d", "fresh=DURATION is at most 7 days"),
        ],
    )
    def test_refuses_filters_that_an_alert_does_not_have(
        self, stack: World, only: str, message: str
    ) -> None:
        said = complaint(run("subscribe", "--slack", URL, "--only", only, "--yes"), 2)
        assert message in said
        assert stored(stack) is None

    def test_has_no_template_and_says_what_to_do_instead(self, stack: World) -> None:
        del stack
        said = complaint(run("subscribe", "--slack", URL, "--cloudformation"), 2)
        assert f"aws ssm put-parameter --name {PARAMETER} --type SecureString" in said
        assert f'make deploy PARAMETERS="AlertWebhook={PARAMETER}" STACK=mine' in said
        assert "T0" not in said

    @pytest.mark.usefixtures("world")
    def test_needs_a_stack(self) -> None:
        said = complaint(run("subscribe", "--slack", URL, "--yes"), 2)
        assert "--slack turns on the alert of a stack: add --stack NAME" in said
        assert "`email-opens watch --alert`" in said

    def test_refuses_a_stack_of_an_older_version(
        self, world: World, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        make_stack(world, AccountId="default")
        monkeypatch.setenv("EMAIL_OPENS_STACK", STACK)
        said = complaint(run("subscribe", "--slack", URL, "--yes"), 2)
        assert "The deployed stack has no parameter AlertWebhook" in said
        assert "`make deploy STACK=mine`" in said
        assert stored(world) is None

    def test_refuses_first_opens_that_no_event_names(
        self, world: World, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        make_stack(world, **PARAMETERS | {"FirstOpens": "DISABLED"})
        monkeypatch.setenv("EMAIL_OPENS_STACK", STACK)
        only = ("--only", "first-opens")
        said = complaint(run("subscribe", "--slack", URL, *only, "--yes"), 2)
        assert "`make deploy PARAMETERS=FirstOpens=ENABLED STACK=mine`" in said
        assert stored(world) is None

    def test_refuses_a_stack_that_is_being_changed(
        self, stack: World, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        (found,) = client("cloudformation").describe_stacks(StackName=STACK)["Stacks"]
        changing = {"Stacks": [found | {"StackStatus": "UPDATE_IN_PROGRESS"}]}
        Answers(
            every_client(monkeypatch, "cloudformation"), "DescribeStacks", then=lambda _: changing
        )
        said = complaint(run("subscribe", "--slack", URL, "--yes"), 2)
        assert "The stack is being changed (UPDATE_IN_PROGRESS)" in said
        assert stored(stack) is None

    def test_waits_for_the_update(self, stack: World, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(alert, "_PAUSE_SECONDS", 0)
        statuses = ["UPDATE_COMPLETE", "UPDATE_IN_PROGRESS", "UPDATE_COMPLETE_CLEANUP_IN_PROGRESS"]
        answers = Answers(
            every_client(monkeypatch, "cloudformation"),
            "DescribeStacks",
            *(described(status) for status in statuses),
        )
        assert "The alert is on." in subscribe("--slack", URL).stdout
        assert len(answers.calls) == 4
        del stack

    def test_reports_an_update_that_failed(
        self, stack: World, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        del stack
        answers = [described("UPDATE_COMPLETE"), described("UPDATE_ROLLBACK_COMPLETE")]
        clients = every_client(monkeypatch, "cloudformation")
        Answers(clients, "DescribeStacks", *answers)
        updates = Answers(clients, "UpdateStack")

        def events(_: Any) -> Any:
            token = updates.calls[0]["ClientRequestToken"]
            return {"StackEvents": [event(token, "Alert", "CREATE_FAILED", "No such layer")]}

        Answers(clients, "DescribeStackEvents", then=events)
        said = complaint(run("subscribe", "--slack", URL, "--yes"), 1)
        assert "The update of the stack ended with UPDATE_ROLLBACK_COMPLETE: No such layer" in said
        assert "Done so far: 1 of 2 steps." in said

    @pytest.mark.parametrize(
        ("service", "operation", "action"),
        [
            ("ssm", "PutParameter", "ssm:PutParameter"),
            ("cloudformation", "UpdateStack", "cloudformation:UpdateStack"),
        ],
    )
    def test_completes_what_a_denied_request_has_left(
        self,
        stack: World,
        monkeypatch: pytest.MonkeyPatch,
        service: str,
        operation: str,
        action: str,
    ) -> None:
        with monkeypatch.context() as patch:
            Answers(every_client(patch, service), operation, error("AccessDeniedException"))
            said = complaint(run("subscribe", "--slack", URL, "--yes"), 1)
        assert f"Ask for a policy that allows {action}." in said
        subscribe("--slack", URL)
        assert stored(stack) == URL
        assert parameters()["AlertWebhook"] == PARAMETER


def described(status: str) -> Any:
    """Return an answer that describes the stack with a status."""
    (found,) = client("cloudformation").describe_stacks(StackName=STACK)["Stacks"]
    return lambda _: {"Stacks": [found | {"StackStatus": status}]}


def event(token: str, name: str, status: str, reason: str) -> dict[str, str]:
    return {
        "StackId": STACK,
        "EventId": name,
        "StackName": STACK,
        "LogicalResourceId": name,
        "ResourceStatus": status,
        "ResourceStatusReason": reason,
        "ClientRequestToken": token,
    }


@pytest.mark.slow
def test_the_url_is_not_shown_when_it_is_typed() -> None:
    program = (
        "from email_opens_cli.commands.subscribers.subscribe import read_webhook\n"
        "print(len(read_webhook()), 'characters')"
    )
    with TerminalSession([sys.executable, "-c", program], os.environ) as terminal:
        terminal.wait_for("The URL of the webhook: $")
        terminal.type(f"{URL}\n")
        terminal.wait_for(f"{len(URL)} characters")
        assert "secret" not in terminal.output


class TestFirstOpens:
    @pytest.mark.parametrize(
        ("parameters", "warning"),
        [
            ({"FirstOpens": "DISABLED"}, "make deploy PARAMETERS=FirstOpens=ENABLED STACK=mine"),
            ({"AccountId": "default"}, "The deployed stack is of an older version"),
        ],
        ids=["disabled", "older"],
    )
    def test_is_a_warning_if_no_event_has_the_attribute(
        self,
        world: World,
        monkeypatch: pytest.MonkeyPatch,
        parameters: dict[str, str],
        warning: str,
    ) -> None:
        make_stack(world, **parameters)
        monkeypatch.setenv("EMAIL_OPENS_STACK", STACK)
        assert warning in subscribe("--queue", "team", "--only", "first-opens").stderr

    def test_is_none_if_events_have_it(self, stack: World) -> None:
        del stack
        assert not subscribe("--queue", "team", "--only", "first-opens").stderr


def test_an_alert_without_a_filter_names_no_parameter() -> None:
    assert alert_settings(parse_only([])) == {}

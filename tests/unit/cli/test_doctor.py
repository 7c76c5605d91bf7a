"""`email-opens doctor`: a line for each check, with a remedy where it fails."""

import json
from datetime import timedelta
from typing import Any

import boto3
import pytest
from moto.core.utils import utcnow
from moto.ssm import models

from constant_contact_emulator import Kind
from email_opens.account import KeyShare
from email_opens.instants import iso
from email_opens_cli.deployed.queues import ALIVE_AT, PREFIX, TOPIC
from tests.contract.samples import NOON
from tests.unit.cli.deployed.checks.doctor import (
    STACK,
    alarm,
    findings,
    let_topic_send,
    make_healthy,
    make_stack,
    schedule,
)
from tests.unit.cli.terminal.pseudo_terminal import run_in_terminal
from tests.unit.cli.world import World, complaint, run


@pytest.fixture
def stack(world: World) -> World:
    return make_stack(world)


class TestHealthyAccount:
    @pytest.mark.usefixtures("stack")
    def test_is_reported_as_one_whose_opens_arrive(self) -> None:
        assert run("doctor", "--stack", STACK).stdout.endswith("No check failed: opens arrive.\n")

    @pytest.mark.usefixtures("stack")
    def test_is_reported_by_nothing_to_cron(self) -> None:
        result = run("doctor", "--stack", STACK, "--quiet")
        assert (result.exit_code, result.output) == (0, "")

    @pytest.mark.usefixtures("stack")
    def test_is_reported_as_json(self) -> None:
        report = json.loads(run("doctor", "--stack", STACK, "--json").stdout)
        assert (report["account_id"], report["stack"], report["ok"]) == ("default", STACK, True)
        assert report["findings"][0] == {
            "subject": "settings",
            "result": "ok",
            "message": "those of the stack mine",
            "remedy": None,
        }

    @pytest.mark.usefixtures("stack")
    def test_has_no_failed_check(self) -> None:
        assert [
            line for line in findings("--stack", STACK, code=0).values() if line[0] == "✗"
        ] == []

    @pytest.mark.usefixtures("stack")
    @pytest.mark.parametrize(
        "subject",
        [
            *("settings", "version", "tracking table", "ledger table", "activities"),
            *("topic", "subscriptions", "deliveries", "dead-letter queue", "left-overs"),
            *("token", "privilege", "clock", "quota", "schedule", "function", "alarms"),
            *("last turn", "last search"),
        ],
    )
    def test_passes_the_check(self, subject: str) -> None:
        assert findings("--stack", STACK, code=0)[subject].startswith("✓")

    @pytest.mark.parametrize(
        "subject",
        ["version", "schedule", "function", "invocations", "alarms"],
    )
    def test_skips_the_checks_of_a_stack_without_the_stack_option(
        self, world: World, subject: str
    ) -> None:
        make_healthy(world)
        line = findings(code=0)[subject]
        assert line.startswith("- ")
        assert "Add --stack NAME." in line

    def test_costs_one_request(self, world: World) -> None:
        run("doctor")
        account = world.tracking.account("default")
        assert account
        assert (account.requests_spent, account.lease_holder) == (1, None)

    def test_prints_no_secret(self, world: World) -> None:
        parameter = world.aws.ssm.get_parameter(Name="/email-opens/default", WithDecryption=True)
        secrets = json.loads(parameter["Parameter"]["Value"])
        output = run("doctor").output
        assert [name for name in ("access_token", "refresh_token") if secrets[name] in output] == []

    def test_fits_a_terminal_of_forty_columns(self, world: World) -> None:
        make_healthy(world)
        output = run_in_terminal("doctor", columns=40)
        assert output.exit_code == 0
        assert output.widest() <= 40


class TestReports:
    @pytest.mark.parametrize("options", [(), ("--json",), ("--quiet",)])
    def test_no_stack_as_bad_input(self, options: tuple[str, ...]) -> None:
        assert complaint(run("doctor", *options), 2).startswith("No stack is named")

    @pytest.mark.usefixtures("world")
    @pytest.mark.parametrize(
        ("name", "value", "subject"),
        [
            ("TRACKING_TABLE", "nowhere", "vendor"),
            ("TRACKING_TABLE", "nowhere", "activities"),
            ("LEDGER_TABLE", "nowhere", "ledger table"),
            ("OPENS_TOPIC_ARN", "arn:aws:sns:eu-west-1:123456789012:nowhere", "topic"),
            (
                "DEAD_LETTER_QUEUE_URL",
                "https://sqs.eu-west-1.amazonaws.com/123456789012/nowhere",
                "dead-letter queue",
            ),
        ],
    )
    def test_a_missing_resource(
        self, monkeypatch: pytest.MonkeyPatch, name: str, value: str, subject: str
    ) -> None:
        monkeypatch.setenv(name, value)
        assert findings(code=1)[subject].startswith("✗")

    def test_dead_letters(self, world: World) -> None:
        world.aws.sqs.send_message(QueueUrl=world.aws.dlq_url, MessageBody="{}")
        assert "email-opens dead-letters list" in findings(code=1)["dead-letter queue"]

    @pytest.mark.usefixtures("world")
    def test_an_account_that_is_not_connected(self) -> None:
        assert "email-opens connect other" in findings("--account", "other", code=1)["token"]

    def test_an_unknown_account_without_creating_it(self, world: World) -> None:
        run("doctor", "--account", "other")
        assert world.tracking.account("other") is None

    def test_a_missing_privilege(self, world: World) -> None:
        world.vendor.world.behaviour.privileged = False
        assert "ui:campaign:metrics" in findings(code=1)["privilege"]

    def test_reports_that_are_refused_to_an_account_that_may_read_them(self, world: World) -> None:
        world.vendor.faults.add(Kind.STATUS, status=403, body="<html>")
        assert "answered 403 with an HTML page" in findings(code=1)["privilege"]

    def test_a_token_that_is_refused_everywhere(self, world: World) -> None:
        world.vendor.faults.add(Kind.UNAUTHORIZED, times=2)
        assert "refuses the access token" in findings(code=1)["privilege"]

    @pytest.mark.parametrize("status", [429, 503])
    def test_a_pause_that_the_vendor_asks_for(self, world: World, status: int) -> None:
        world.vendor.faults.add(Kind.STATUS, status=status, headers={"Retry-After": "600"})
        assert "no request is sent before" in findings(code=1)["rest"]
        assert "No request is sent" in findings(code=1)["vendor"]
        assert len(world.vendor.requests) == 1

    def test_a_vendor_that_fails(self, world: World) -> None:
        world.vendor.faults.add(Kind.STATUS, status=503)
        assert "the vendor answered 503" in findings(code=1)["privilege"]

    def test_a_vendor_that_does_not_answer(self, world: World) -> None:
        world.vendor.faults.add(Kind.DROP)
        assert "did not answer" in findings(code=1)["vendor"]

    def test_the_lease_of_a_running_turn(self, world: World) -> None:
        now = world.vendor.world.clock()
        make_healthy(world)
        world.tracking.lease(
            "default", holder="x", now=now, until=now + timedelta(minutes=1), reserve=1, budget=9
        )
        lines = findings("--wait", "0s", code=0)
        assert lines["vendor"].startswith("- vendor: not checked")
        assert "A turn of the function is working on account default" in lines["vendor"]

    @pytest.mark.usefixtures("world")
    def test_a_spent_budget(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("REQUESTS_PER_DAY", "1")
        assert "1 of 1 requests today" in findings(code=1)["quota"]

    def test_a_budget_of_turns_that_is_nearly_spent(self, world: World) -> None:
        now = world.vendor.world.clock()
        until = now + timedelta(minutes=1)
        world.tracking.lease(
            "default", holder="x", now=now, until=until, reserve=8_600, budget=9_000
        )
        world.tracking.release(
            "default",
            holder="x",
            day=now.date().isoformat(),
            unused=0,
            closed_until=None,
            last_error=None,
        )
        found = findings(code=1)["quota"]
        assert found.startswith("✗ quota: 8,6")
        assert "of 9,000 requests today" in found

    def test_a_key_that_others_use_too(self, world: World) -> None:
        now = world.vendor.world.clock()
        make_healthy(world)
        until = now + timedelta(minutes=1)
        world.tracking.lease("default", holder="x", now=now, until=until, reserve=0, budget=0)
        world.tracking.release(
            "default",
            holder="x",
            day=now.date().isoformat(),
            unused=0,
            closed_until=None,
            last_error=None,
            turn_completed_at=now,
            key_share=KeyShare(1900, (now - timedelta(days=1)).date()),
        )
        assert json.loads(run("status", "--json").stdout)["account"]["requests_to_spend"] == 1900
        found = findings(code=0)["quota"]
        assert found.endswith(" of 1,900 requests today, because others use the same key")

    def test_a_day_that_the_vendor_has_closed(self, world: World) -> None:
        world.track(world.opened(1))
        world.vendor.faults.add(Kind.QUOTA_EXCEEDED)
        run("poll")
        assert "the vendor reports that the quota is spent" in findings(code=1)["quota"]

    def test_the_error_that_stopped_the_last_turn(self, world: World) -> None:
        world.track(world.opened(1))
        world.vendor.faults.add(Kind.QUOTA_EXCEEDED)
        run("poll")
        assert "quota" in findings(code=1)["last turn"]

    @pytest.mark.parametrize(
        ("days", "code", "mark"), [(0.5, 0, "! last turn: none"), (2, 1, "✗ last turn: none")]
    )
    def test_no_turn_since_the_account_was_connected_though_its_token_was_renewed(
        self, world: World, monkeypatch: pytest.MonkeyPatch, days: float, code: int, mark: str
    ) -> None:
        let_topic_send(world)
        name, connected = "/email-opens/default", utcnow() - timedelta(days=days)
        kept = world.aws.ssm.get_parameter(Name=name, WithDecryption=True)["Parameter"]["Value"]
        world.aws.ssm.delete_parameter(Name=name)
        with monkeypatch.context() as earlier:
            earlier.setattr(models, "utcnow", lambda: connected)
            world.aws.ssm.put_parameter(Name=name, Value=kept, Type="SecureString")
        world.aws.ssm.put_parameter(Name=name, Value=kept, Type="SecureString", Overwrite=True)
        assert findings(code=code)["last turn"].startswith(mark)

    @pytest.mark.usefixtures("stack")
    def test_an_account_without_a_schedule(self) -> None:
        line = findings("--stack", STACK, "--account", "other", code=1)["schedule"]
        assert "email-opens connect other --stack mine" in line

    @pytest.mark.usefixtures("stack")
    def test_a_disabled_schedule(self) -> None:
        schedule("DISABLED", "other")
        line = findings("--stack", STACK, "--account", "other", code=1)["schedule"]
        assert "Enable the schedule other of the group mine" in line

    @pytest.mark.usefixtures("stack")
    def test_the_disabled_schedule_of_the_stack(self) -> None:
        scheduler: Any = boto3.client("scheduler")
        scheduler.delete_schedule(Name="default", GroupName=STACK)
        schedule("DISABLED")
        line = findings("--stack", STACK, code=1)["schedule"]
        assert "make deploy PARAMETERS=ScheduleState=ENABLED" in line

    @pytest.mark.usefixtures("stack")
    def test_an_alarm_of_this_stack(self) -> None:
        alarm(f"{STACK}-Missing", "ALARM")
        assert "docs/operations.md#opens-are-missing" in findings("--stack", STACK, code=1)["alarm"]

    @pytest.mark.usefixtures("stack")
    def test_no_alarm_of_another_account(self) -> None:
        alarm(f"{STACK}-Missing", "ALARM", account_id="other")
        assert findings("--stack", STACK, code=0)["alarms"].startswith("✓")

    @pytest.mark.usefixtures("stack")
    def test_no_alarm_of_another_stack(self) -> None:
        alarm("another-Missing", "ALARM")
        assert findings("--stack", STACK, code=0)["alarms"].startswith("✓")

    @pytest.mark.usefixtures("stack")
    def test_that_no_alarm_of_the_stack_is_in_alarm(self) -> None:
        alarm(f"{STACK}-Missing", "OK")
        assert "none of 1 is in alarm" in findings("--stack", STACK, code=0)["alarms"]

    def test_the_queue_of_a_killed_tail(self, world: World) -> None:
        tags = {ALIVE_AT: iso(NOON), TOPIC: world.aws.topic_arn}
        world.aws.sqs.create_queue(QueueName=f"{PREFIX}killed", tags=tags)
        make_healthy(world)
        line = findings(code=0)["left-overs"]
        assert line.startswith("!")
        assert "The next `email-opens tail` removes it." in line

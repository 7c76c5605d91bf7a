"""What is wrong, a line each with a remedy; and what is right."""

import json
from datetime import datetime, timedelta
from email.utils import format_datetime
from typing import Any

import boto3
import pytest

from constant_contact_emulator import Kind
from email_opens.adapters.vendor.http import Reply
from email_opens.instants import iso
from email_opens_cli.deployed.checks import skew
from email_opens_cli.deployed.queues import ALIVE_AT, PREFIX
from tests.contract.samples import NOON
from tests.unit.cli.terminal.pseudo_terminal import run_in_terminal
from tests.unit.cli.world import World, complaint, run, settings

STACK = "mine"


def found(*arguments: str, code: int) -> dict[str, str]:
    """Return what was said by subject: the mark, the finding and its remedy."""
    result = run("doctor", *arguments)
    complaint(result, code)
    said: dict[str, str] = {}
    subject = ""
    for line in result.stdout.splitlines():
        if line.startswith("  → "):
            said[subject] += line
        else:
            subject = line[2:].partition(":")[0]
            said[subject] = line
    return said


@pytest.fixture
def stack(world: World) -> World:
    """The same product, described by a stack whose schedule and function are there."""
    iam: Any = boto3.client("iam")
    role_arn = iam.create_role(RoleName="function", AssumeRolePolicyDocument="{}")["Role"]["Arn"]
    boto3.client("lambda").create_function(
        FunctionName="polls",
        Role=role_arn,
        Code={"ZipFile": b"nothing"},
        Runtime="python3.13",
        Handler="app.handler",
    )
    outputs = settings(world.aws, world.vendor) | {
        "POLL_OPENS_FUNCTION": "polls",
        "SCHEDULE_GROUP": STACK,
    }
    template = {
        "Resources": {"Queue": {"Type": "AWS::SQS::Queue"}},
        "Outputs": {
            "".join(word.capitalize() for word in name.split("_")): {"Value": value}
            for name, value in outputs.items()
        },
    }
    boto3.client("cloudformation").create_stack(StackName=STACK, TemplateBody=json.dumps(template))
    scheduler: Any = boto3.client("scheduler")
    scheduler.create_schedule_group(Name=STACK)
    schedule("ENABLED")
    return world


def schedule(state: str, account_id: str = "default") -> None:
    scheduler: Any = boto3.client("scheduler")
    scheduler.create_schedule(
        Name=account_id,
        GroupName=STACK,
        ScheduleExpression="rate(1 minute)",
        FlexibleTimeWindow={"Mode": "OFF"},
        State=state,
        Target={"Arn": "arn:aws:lambda:x:1:function:polls", "RoleArn": "arn:aws:iam::1:role/r"},
    )


def alarm(name: str, state: str) -> None:
    cloudwatch: Any = boto3.client("cloudwatch")
    cloudwatch.put_metric_alarm(
        AlarmName=name,
        AlarmDescription="Read docs/operations.md#opens-are-missing.",
        MetricName="Missing",
        Namespace="EmailOpens",
        ComparisonOperator="GreaterThanThreshold",
        EvaluationPeriods=1,
        Period=60,
        Statistic="Sum",
        Threshold=0,
    )
    cloudwatch.set_alarm_state(AlarmName=name, StateValue=state, StateReason="a test says so")


class TestOfAHealthyAccount:
    @pytest.mark.usefixtures("stack")
    def test_finds_nothing_wrong(self) -> None:
        assert [line for line in found("--stack", STACK, code=0).values() if line[0] == "✗"] == []

    @pytest.mark.usefixtures("stack")
    @pytest.mark.parametrize(
        "subject",
        [
            *("settings", "tracking table", "ledger table", "topic", "dead-letter queue"),
            *("token", "privilege", "quota", "schedule", "function", "alarms", "left-overs"),
        ],
    )
    def test_sees_that_it_is_well(self, subject: str) -> None:
        assert found("--stack", STACK, code=0)[subject].startswith("✓")

    @pytest.mark.usefixtures("world")
    @pytest.mark.parametrize("subject", ["schedule", "function", "alarms"])
    def test_says_what_it_cannot_see_without_a_stack(self, subject: str) -> None:
        line = found(code=0)[subject]
        assert line.startswith("- ")
        assert "Add --stack NAME." in line

    def test_spends_one_request(self, world: World) -> None:
        run("doctor")
        account = world.tracking.account("default")
        assert account
        assert (account.requests_spent, account.lease_holder) == (1, None)

    def test_shows_no_secret(self, world: World) -> None:
        held = world.aws.ssm.get_parameter(Name="/email-opens/default", WithDecryption=True)
        secrets = json.loads(held["Parameter"]["Value"])
        shown = run("doctor").output
        assert [name for name in ("access_token", "refresh_token") if secrets[name] in shown] == []

    @pytest.mark.usefixtures("world")
    def test_says_its_findings_on_a_terminal_of_forty_columns(self) -> None:
        shown = run_in_terminal("doctor", columns=40)
        assert shown.exit_code == 0
        assert shown.widest() <= 40


class TestFinds:
    def test_settings_that_are_missing(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.delenv("TRACKING_TABLE", raising=False)
        assert "TRACKING_TABLE is not set" in found(code=1)["settings"]

    @pytest.mark.usefixtures("world")
    @pytest.mark.parametrize(
        ("name", "value", "subject"),
        [
            ("TRACKING_TABLE", "nowhere", "tracking table"),
            ("LEDGER_TABLE", "nowhere", "ledger table"),
            ("OPENS_TOPIC_ARN", "arn:aws:sns:eu-west-1:123456789012:nowhere", "topic"),
            (
                "DEAD_LETTER_QUEUE_URL",
                "https://sqs.eu-west-1.amazonaws.com/123456789012/nowhere",
                "dead-letter queue",
            ),
        ],
    )
    def test_what_is_not_there(
        self, monkeypatch: pytest.MonkeyPatch, name: str, value: str, subject: str
    ) -> None:
        monkeypatch.setenv(name, value)
        assert found(code=1)[subject].startswith("✗")

    def test_dead_letters(self, world: World) -> None:
        world.aws.sqs.send_message(QueueUrl=world.aws.dlq_url, MessageBody="{}")
        assert "email-opens dead-letters list" in found(code=1)["dead-letter queue"]

    @pytest.mark.usefixtures("world")
    def test_an_account_that_is_not_connected(self) -> None:
        assert "email-opens connect other" in found("--account", "other", code=1)["token"]

    def test_no_account_where_there_was_none(self, world: World) -> None:
        run("doctor", "--account", "other")
        assert world.tracking.account("other") is None

    def test_a_missing_privilege(self, world: World) -> None:
        world.vendor.world.behaviour.privileged = False
        assert "ui:campaign:metrics" in found(code=1)["privilege"]

    def test_a_vendor_that_fails(self, world: World) -> None:
        world.vendor.faults.add(Kind.STATUS, status=503)
        assert "the vendor answered 503" in found(code=1)["privilege"]

    def test_a_vendor_that_does_not_answer(self, world: World) -> None:
        world.vendor.faults.add(Kind.DROP)
        assert "did not answer" in found(code=1)["vendor"]

    def test_a_poll_at_work(self, world: World) -> None:
        now = world.vendor.world.clock()
        world.tracking.lease(
            "default", holder="x", now=now, until=now + timedelta(minutes=1), reserve=1, budget=9
        )
        findings = found("--wait", "0s", code=0)
        assert findings["vendor"].startswith("- vendor: not checked")
        assert findings["tracking table"].startswith("- tracking table: read")
        assert "A turn of the function is working on account default" in findings["vendor"]

    @pytest.mark.usefixtures("world")
    def test_a_day_that_is_spent(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("REQUESTS_PER_DAY", "1")
        assert "1 of 1 requests today" in found(code=1)["quota"]

    def test_a_day_that_the_vendor_has_closed(self, world: World) -> None:
        run("track", world.opened(1))
        world.vendor.faults.add(Kind.QUOTA_EXCEEDED)
        run("poll")
        assert "the vendor has closed the day" in found(code=1)["quota"]

    def test_what_stopped_the_last_turn(self, world: World) -> None:
        run("track", world.opened(1))
        world.vendor.faults.add(Kind.QUOTA_EXCEEDED)
        run("poll")
        assert "quota" in found(code=1)["last turn"]

    @pytest.mark.usefixtures("stack")
    def test_an_account_without_a_schedule(self) -> None:
        said = found("--stack", STACK, "--account", "other", code=1)["schedule"]
        assert "email-opens connect other --stack mine" in said

    @pytest.mark.usefixtures("stack")
    def test_a_schedule_that_is_disabled(self) -> None:
        schedule("DISABLED", "other")
        said = found("--stack", STACK, "--account", "other", code=1)["schedule"]
        assert "ScheduleState=ENABLED" in said

    @pytest.mark.usefixtures("stack")
    def test_an_alarm_of_this_stack(self) -> None:
        alarm(f"{STACK}-Missing", "ALARM")
        assert "docs/operations.md#opens-are-missing" in found("--stack", STACK, code=1)["alarm"]

    @pytest.mark.usefixtures("stack")
    def test_no_alarm_of_another_stack(self) -> None:
        alarm("another-Missing", "ALARM")
        assert found("--stack", STACK, code=0)["alarms"].startswith("✓")

    @pytest.mark.usefixtures("stack")
    def test_no_alarm_where_all_is_well(self) -> None:
        alarm(f"{STACK}-Missing", "OK")
        assert "none of 1 is in alarm" in found("--stack", STACK, code=0)["alarms"]

    def test_the_queue_of_a_tail_that_was_killed(self, world: World) -> None:
        tags = {ALIVE_AT: iso(NOON)}
        world.aws.sqs.create_queue(QueueName=f"{PREFIX}killed", tags=tags)
        assert "The next `email-opens tail` removes it." in found(code=1)["left-overs"]


def dated(instant: datetime | None) -> Reply:
    return Reply(200, {"Date": format_datetime(instant)} if instant else {}, b"")


class TestClock:
    @pytest.mark.parametrize(("ahead_seconds", "mark"), [(60, "✓"), (-60, "✓"), (61, "✗")])
    def test_is_judged_by_the_date_of_a_reply(self, ahead_seconds: int, mark: str) -> None:
        reply = dated(NOON - timedelta(seconds=ahead_seconds))
        assert skew(reply, NOON).mark == mark

    def test_is_not_judged_without_one(self) -> None:
        assert skew(dated(None), NOON).mark == "-"

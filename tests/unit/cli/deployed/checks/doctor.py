"""Runs `email-opens doctor`, and makes what it checks healthy."""

import json
from datetime import UTC, datetime, timedelta
from importlib.metadata import version
from typing import Any

import boto3

from email_opens.account import Searches
from email_opens_cli.deployed.queues import queue_arn
from tests.contract.samples import ACTIVITY
from tests.unit.cli.world import World, complaint, run, settings

STACK = "mine"


def findings(*arguments: str, code: int) -> dict[str, str]:
    """Run doctor; return each finding by subject: its mark, text and remedy."""
    result = run("doctor", *arguments)
    complaint(result, code)
    lines: dict[str, str] = {}
    subject = ""
    for line in result.stdout.splitlines():
        if line.startswith("  → "):
            lines[subject] += line
        else:
            subject = line[2:].partition(":")[0]
            lines[subject] = line
    return lines


def make_healthy(world: World) -> None:
    """Track an e-mail, complete a turn and a search just now, and let the subscriber receive."""
    let_topic_send(world)
    world.tracking.add(ACTIVITY)
    complete(world)


def complete(
    world: World, *, ago: timedelta = timedelta(), account_id: str = "default", **others: Any
) -> None:
    """Complete a turn and a search of the account, some time ago."""
    now = datetime.now(UTC)
    completed: dict[str, Any] = {
        "turn_completed_at": now - ago,
        "searches": Searches(completed_at=now - ago, tried_at=now - ago),
    }
    world.tracking.lease(
        account_id, holder="x", now=now, until=now + timedelta(minutes=1), reserve=0, budget=9
    )
    world.tracking.release(
        account_id,
        holder="x",
        day=now.date().isoformat(),
        unused=0,
        closed_until=None,
        last_error=None,
        **(completed | others),
    )


def let_topic_send(world: World) -> None:
    """Give the subscriber's queue a policy that lets the topic send."""
    sqs = world.aws.sqs
    statement = {
        "Effect": "Allow",
        "Principal": {"Service": "sns.amazonaws.com"},
        "Action": "sqs:SendMessage",
        "Resource": queue_arn(sqs, world.aws.subscriber_url),
        "Condition": {"ArnEquals": {"aws:SourceArn": world.aws.topic_arn}},
    }
    policy = {"Version": "2012-10-17", "Statement": [statement]}
    sqs.set_queue_attributes(
        QueueUrl=world.aws.subscriber_url, Attributes={"Policy": json.dumps(policy)}
    )


def make_stack(world: World, **others: str) -> World:
    """Describe the product by a stack, with its schedule, its function and other outputs."""
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
        "EMAIL_OPENS_VERSION": version("email-opens"),
        **others,
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
    make_healthy(world)
    return world


def schedule(
    state: str,
    name: str = "default",
    target: str = "arn:aws:lambda:x:1:function:polls",
    expression: str = "rate(1 minute)",
) -> None:
    scheduler: Any = boto3.client("scheduler")
    scheduler.create_schedule(
        Name=name,
        GroupName=STACK,
        ScheduleExpression=expression,
        FlexibleTimeWindow={"Mode": "OFF"},
        State=state,
        Target={
            "Arn": target,
            "RoleArn": "arn:aws:iam::1:role/r",
            "Input": '{"account_id": "default"}',
        },
    )


def alarm(name: str, state: str, account_id: str = "default") -> None:
    cloudwatch: Any = boto3.client("cloudwatch")
    cloudwatch.put_metric_alarm(
        AlarmName=name,
        AlarmDescription="Read docs/operations.md#opens-are-missing.",
        MetricName="Missing",
        Dimensions=[{"Name": "account_id", "Value": account_id}],
        Namespace="EmailOpens",
        ComparisonOperator="GreaterThanThreshold",
        EvaluationPeriods=1,
        Period=60,
        Statistic="Sum",
        Threshold=0,
    )
    cloudwatch.set_alarm_state(AlarmName=name, StateValue=state, StateReason="a test says so")

"""The stack as deployed to AWS: its own schedule polls, and it is deleted at the end."""

import json
import re
import time
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import pytest

from email_opens_cli.demo.subscriber import ReportedOpen
from embedded_aws import EmbeddedAws
from tests.e2e.conftest import Stacks
from tests.e2e.trial import ACCOUNT, Trial

SCHEDULE_SECONDS = 90
"""A minute from its creation, and the time that the embedded AWS needs to fire it."""
RETAINED = {"TrackingTable", "LedgerTable", "DeadLetterQueue"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Life:
    """What a stack did until it was deleted, and what remained of it."""

    trial: Trial
    received: Counter[ReportedOpen]
    """What its schedule alone published."""
    polled_again: dict[str, Any]
    deployed: set[str]
    """The resources before the deletion, by logical id."""
    remaining: set[str]
    """The resources after the deletion."""


@pytest.fixture(scope="module")
def life(stacks: Stacks) -> Life:
    trial, aws = stacks.scheduled, stacks.scheduled.aws
    expected = trial.reported.total()
    with stacks.subscriber as subscriber:
        deadline = time.monotonic() + SCHEDULE_SECONDS
        while len(subscriber.received()) < expected and time.monotonic() < deadline:
            time.sleep(0.2)  # The schedule invokes the function without notice.
        received = Counter(event.open for event in subscriber.received())
        polled_again = invoke(trial)
    resources = resources_of(aws, trial.stack.name)
    deployed = existing(aws, trial.stack.name, resources)
    aws.delete(trial.stack.name)
    return Life(
        trial=trial,
        received=received,
        polled_again=polled_again,
        deployed=deployed,
        remaining=existing(aws, trial.stack.name, resources),
    )


def invoke(trial: Trial) -> dict[str, Any]:
    """Invoke the deployed function as its schedule does."""
    reply = trial.aws.client("lambda").invoke(
        FunctionName=trial.stack.outputs["PollOpensFunction"],
        Payload=json.dumps({"account_id": ACCOUNT}),
    )
    result: dict[str, Any] = json.loads(reply["Payload"].read())
    return result


def resources_of(aws: EmbeddedAws, name: str) -> dict[str, tuple[str, str]]:
    """Return the type and the physical id of a stack's resources, by logical id."""
    listed = aws.client("cloudformation").describe_stack_resources(StackName=name)
    return {
        # SAM appends a hash to a layer's logical id.
        re.sub("(?<=Layer)[0-9a-f]{10}$", "", resource["LogicalResourceId"]): (
            resource["ResourceType"],
            resource["PhysicalResourceId"],
        )
        for resource in listed["StackResources"]
    }


def existing(aws: EmbeddedAws, stack: str, resources: Mapping[str, tuple[str, str]]) -> set[str]:
    """Return the stack's resources that exist, as the services themselves list them."""
    lambdas, scheduler = aws.client("lambda"), aws.client("scheduler")
    functions = lambdas.list_functions()["Functions"]
    layers = lambdas.list_layer_versions(LayerName="EmailOpensLayer")["LayerVersions"]
    logs = aws.client("logs").describe_log_groups()["logGroups"]
    queues = aws.client("sqs").list_queues()["QueueUrls"]
    roles = aws.client("iam").list_roles()["Roles"]
    schedules = scheduler.list_schedules()["Schedules"]
    groups = scheduler.list_schedule_groups()["ScheduleGroups"]
    topics = aws.client("sns").list_topics()["Topics"]
    listed = {
        "AWS::DynamoDB::Table": set(aws.client("dynamodb").list_tables()["TableNames"]),
        "AWS::IAM::Role": {role["RoleName"] for role in roles},
        "AWS::Lambda::Function": {function["FunctionName"] for function in functions},
        "AWS::Lambda::LayerVersion": {layer["LayerVersionArn"] for layer in layers},
        "AWS::Logs::LogGroup": {log["logGroupName"] for log in logs},
        "AWS::SNS::Topic": {topic["TopicArn"] for topic in topics},
        # The stack's URLs have the other name of the same host.
        "AWS::SQS::Queue": {url.replace("127.0.0.1", "localhost") for url in queues},
        # Filtered here, because the embedded AWS lists the schedules of every group.
        "AWS::Scheduler::Schedule": {
            schedule["Name"] for schedule in schedules if schedule["GroupName"] == stack
        },
        "AWS::Scheduler::ScheduleGroup": {group["Name"] for group in groups},
    }
    return {
        name for name, (kind, physical) in resources.items() if physical in listed.get(kind, set())
    }


def test_the_schedule_publishes_each_open_once(life: Life) -> None:
    assert life.received == life.trial.reported


def test_opens_that_the_schedule_published_are_not_published_again(life: Life) -> None:
    assert life.polled_again["published"] == 0


def test_retained_resources_outlive_the_stack(life: Life) -> None:
    assert life.remaining >= RETAINED


def test_all_other_resources_are_deleted_with_the_stack(life: Life) -> None:
    assert life.deployed - life.remaining == {
        "AlarmTopic",
        "EmailOpensLayer",
        "OpensTopic",
        "PollOpens",
        "PollOpensLog",
        "PollOpensRole",
        "PollOpensSchedule",
        "ScheduleGroup",
        "ScheduleRole",
        "WakeUps",
    }


def test_tracked_activities_outlive_the_stack(life: Life) -> None:
    activities = life.trial.tracking.activities(ACCOUNT)
    assert [activity.campaign_activity_id for activity in activities] == [life.trial.activity_id]


def test_the_ledger_outlives_the_stack(life: Life) -> None:
    ledger = life.trial.aws.client("dynamodb").scan(
        TableName=life.trial.stack.environment["LEDGER_TABLE"], Select="COUNT"
    )
    assert ledger["Count"] > 0


@pytest.mark.parametrize(
    ("attribute", "value"),
    [
        pytest.param("SqsManagedSseEnabled", "true", id="encrypted"),
        pytest.param("MessageRetentionPeriod", "1209600", id="14-days"),
    ],
)
def test_the_retained_queue_keeps_the_templates_properties(
    life: Life, attribute: str, value: str
) -> None:
    queue = life.trial.aws.client("sqs").get_queue_attributes(
        QueueUrl=life.trial.stack.environment["DEAD_LETTER_QUEUE_URL"],
        AttributeNames=[attribute],
    )
    assert queue["Attributes"][attribute] == value

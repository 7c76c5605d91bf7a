"""The stack as it is deployed to AWS: its own schedule polls, and it is deleted again."""

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
"""A minute from when it was made, and what the embedded AWS takes to notice."""
RETAINED = {"TrackingTable", "LedgerTable", "DeadLetterQueue"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Life:
    """What a stack did until it was deleted, and what was left of it."""

    trial: Trial
    received: Counter[ReportedOpen]
    """What its schedule alone had published."""
    polled_again: dict[str, Any]
    deployed: set[str]
    """The resources that there were, by their names in the template."""
    left: set[str]


@pytest.fixture(scope="module")
def life(stacks: Stacks) -> Life:
    trial, aws = stacks.scheduled, stacks.scheduled.aws
    expected = trial.reported.total()
    with stacks.subscriber as subscriber:
        ends = time.monotonic() + SCHEDULE_SECONDS
        while len(subscriber.received()) < expected and time.monotonic() < ends:
            time.sleep(0.2)  # The real schedule invokes, and tells nobody.
        received = Counter(one.open for one in subscriber.received())
        polled_again = invoke(trial)
    resources = resources_of(aws, trial.stack.name)
    deployed = still_there(aws, trial.stack.name, resources)
    aws.delete(trial.stack.name)
    return Life(
        trial=trial,
        received=received,
        polled_again=polled_again,
        deployed=deployed,
        left=still_there(aws, trial.stack.name, resources),
    )


def invoke(trial: Trial) -> dict[str, Any]:
    """Invoke the deployed function as its schedule does."""
    reply = trial.aws.client("lambda").invoke(
        FunctionName=trial.stack.outputs["PollOpensFunction"],
        Payload=json.dumps({"account_id": ACCOUNT}),
    )
    said: dict[str, Any] = json.loads(reply["Payload"].read())
    return said


def resources_of(aws: EmbeddedAws, name: str) -> dict[str, tuple[str, str]]:
    """Return the type and the name of a stack's resources, by their names in the template."""
    listed = aws.client("cloudformation").describe_stack_resources(StackName=name)
    return {
        # SAM puts a hash behind a layer's name.
        re.sub("(?<=Layer)[0-9a-f]{10}$", "", one["LogicalResourceId"]): (
            one["ResourceType"],
            one["PhysicalResourceId"],
        )
        for one in listed["StackResources"]
    }


def still_there(aws: EmbeddedAws, stack: str, resources: Mapping[str, tuple[str, str]]) -> set[str]:
    """Return which of a stack's resources exist, as the services themselves see it."""
    lambdas, scheduler = aws.client("lambda"), aws.client("scheduler")
    functions = lambdas.list_functions()["Functions"]
    layers = lambdas.list_layer_versions(LayerName="EmailOpensLayer")["LayerVersions"]
    logs = aws.client("logs").describe_log_groups()["logGroups"]
    queues = aws.client("sqs").list_queues()["QueueUrls"]
    roles = aws.client("iam").list_roles()["Roles"]
    schedules = scheduler.list_schedules()["Schedules"]
    groups = scheduler.list_schedule_groups()["ScheduleGroups"]
    topics = aws.client("sns").list_topics()["Topics"]
    existing = {
        "AWS::DynamoDB::Table": set(aws.client("dynamodb").list_tables()["TableNames"]),
        "AWS::IAM::Role": {one["RoleName"] for one in roles},
        "AWS::Lambda::Function": {one["FunctionName"] for one in functions},
        "AWS::Lambda::LayerVersion": {one["LayerVersionArn"] for one in layers},
        "AWS::Logs::LogGroup": {one["logGroupName"] for one in logs},
        "AWS::SNS::Topic": {one["TopicArn"] for one in topics},
        # The same host, by the name that the stack has for it.
        "AWS::SQS::Queue": {url.replace("127.0.0.1", "localhost") for url in queues},
        # Filtered here: the embedded AWS lists those of every group.
        "AWS::Scheduler::Schedule": {one["Name"] for one in schedules if one["GroupName"] == stack},
        "AWS::Scheduler::ScheduleGroup": {one["Name"] for one in groups},
    }
    return {
        name
        for name, (kind, physical) in resources.items()
        if physical in existing.get(kind, set())
    }


def test_its_schedule_publishes_each_open_once(life: Life) -> None:
    assert life.received == life.trial.reported


def test_what_its_schedule_published_is_not_published_again(life: Life) -> None:
    assert life.polled_again["published"] == 0


def test_what_the_template_retains_outlives_the_stack(life: Life) -> None:
    assert life.left >= RETAINED


def test_all_else_goes_with_the_stack(life: Life) -> None:
    assert life.deployed - life.left == {
        "AlarmTopic",
        "DiscoverCampaigns",
        "DiscoverCampaignsLog",
        "DiscoverCampaignsRole",
        "DiscoverCampaignsSchedule",
        "EmailOpensLayer",
        "OpensTopic",
        "PollOpens",
        "PollOpensLog",
        "PollOpensRole",
        "PollOpensSchedule",
        "ScheduleGroup",
        "ScheduleRole",
    }


def test_what_was_tracked_outlives_the_stack(life: Life) -> None:
    tracked = life.trial.tracking.activities(ACCOUNT)
    assert [one.campaign_activity_id for one in tracked] == [life.trial.activity_id]


def test_the_ledger_of_what_was_published_outlives_the_stack(life: Life) -> None:
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
def test_the_retained_queue_is_as_the_template_says(life: Life, attribute: str, value: str) -> None:
    queue = life.trial.aws.client("sqs").get_queue_attributes(
        QueueUrl=life.trial.stack.environment["DEAD_LETTER_QUEUE_URL"],
        AttributeNames=[attribute],
    )
    assert queue["Attributes"][attribute] == value

"""A CloudFormation stack of the product, with its schedule group."""

import json
from collections.abc import Mapping
from typing import Any

import boto3

from constant_contact_emulator import Emulator
from tests.conftest import Aws
from tests.unit.cli.world import settings

STACK = "mine"
FUNCTION = "arn:aws:lambda:eu-west-1:123456789012:function:poll"
ROLE = "arn:aws:iam::123456789012:role/schedules"
SCHEDULE_EXPRESSION = "rate(2 minutes)"
PARAMETERS = {
    "AccountId": "default",
    "ScheduleExpression": SCHEDULE_EXPRESSION,
    "AlertWebhook": "",
    "AlertOpens": "first",
    "AlertMaxDelaySeconds": "900",
    "AlertCampaigns": "",
    "FirstOpens": "ENABLED",
}


def make_stack(aws: Aws, vendor: Emulator) -> None:
    """Create the stack of the account `default`, with what the commands read of it."""
    parameters, outputs = stated(settings(aws, vendor))
    parameters |= PARAMETERS
    outputs |= {
        "PollOpensFunctionArn": FUNCTION,
        "ScheduleRoleArn": ROLE,
        "ScheduleGroup": STACK,
    }
    template = {
        "Parameters": {name: {"Type": "String"} for name in parameters},
        "Resources": {"Queue": {"Type": "AWS::SQS::Queue"}},
        "Outputs": {name: {"Value": value} for name, value in outputs.items()},
    }
    boto3.client("cloudformation").create_stack(
        StackName=STACK,
        TemplateBody=json.dumps(template),
        # Those that are left out moto does not find again when it updates the stack.
        Parameters=[
            {"ParameterKey": name, "ParameterValue": value} for name, value in parameters.items()
        ],
    )
    scheduler().create_schedule_group(Name=STACK)


def stated(settings: Mapping[str, str]) -> tuple[dict[str, str], dict[str, str]]:
    """Return the parameters and the outputs by which a stack states settings."""
    named = {name.title().replace("_", ""): value for name, value in settings.items()}
    made = {name for name in named if name.endswith(("Table", "Arn", "QueueUrl"))}
    return (
        {name: value for name, value in named.items() if name not in made},
        {name: value for name, value in named.items() if name in made},
    )


def schedule(account_id: str) -> dict[str, Any]:
    """Return an account's schedule; raise if it does not exist."""
    reply: dict[str, Any] = scheduler().get_schedule(Name=account_id, GroupName=STACK)
    del reply["ResponseMetadata"]
    return reply


def schedules() -> list[str]:
    """Return the names of the group's schedules."""
    return [item["Name"] for item in scheduler().list_schedules(GroupName=STACK)["Schedules"]]


def scheduler() -> Any:
    return boto3.client("scheduler")

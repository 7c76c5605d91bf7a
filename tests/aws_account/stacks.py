"""Stacks of the template's own resources in the emulated AWS, one account for all."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import boto3

from email_opens.config.settings import environment_of
from tests.aws_account.recorded import ACCOUNT, arn
from tests.integration.rendering import rendered
from tests.integration.template import read_template

KINDS = {
    "AWS::DynamoDB::Table",
    "AWS::IAM::Role",
    "AWS::Logs::LogGroup",
    "AWS::SNS::Topic",
    "AWS::SQS::Queue",
}
"""What the emulated CloudFormation creates; the group of schedules is created beside it."""
FUNCTION = "Variable"
"""The beginning of outputs with the variables of the function's environment."""


@dataclass(frozen=True, slots=True)
class Stack:
    name: str
    outputs: Mapping[str, str]
    resources: Mapping[str, str]
    """Physical ids by logical ids."""

    @property
    def environment(self) -> dict[str, str]:
        """The environment of the function, as CloudFormation has resolved it."""
        named = {
            name.removeprefix(FUNCTION): value
            for name, value in self.outputs.items()
            if name.startswith(FUNCTION)
        }
        return environment_of(named)


def create(name: str, **parameters: str) -> Stack:
    """Create a stack with these parameters; the others have the template's defaults."""
    cloudformation: Any = boto3.client("cloudformation")
    cloudformation.create_stack(
        StackName=name,
        TemplateBody=json.dumps(reduced(name)),
        Parameters=[
            {"ParameterKey": key, "ParameterValue": value} for key, value in parameters.items()
        ],
    )
    scheduler: Any = boto3.client("scheduler")
    scheduler.create_schedule_group(Name=name)
    (found,) = cloudformation.describe_stacks(StackName=name)["Stacks"]
    listed = cloudformation.describe_stack_resources(StackName=name)["StackResources"]
    return Stack(
        name,
        {each["OutputKey"]: each["OutputValue"] for each in found["Outputs"]},
        {each["LogicalResourceId"]: each["PhysicalResourceId"] for each in listed},
    )


def reduced(name: str) -> dict[str, Any]:
    """Return the template with the resources of KINDS, and the function's environment as outputs.

    The emulation creates neither functions nor roles that name them.
    """
    template = read_template()
    others = {
        "PollOpens": arn("lambda", f"function:{name}-PollOpens-1A2B3C4D5E6F"),
        "ScheduleRole": f"arn:aws:iam::{ACCOUNT}:role/{name}-ScheduleRole-1A2B3C4D5E6F",
        "ScheduleGroup": rendered(
            template["Resources"]["ScheduleGroup"]["Properties"]["Name"],
            **{"AWS::StackName": name},
        ),
    }
    variables = template["Resources"]["PollOpens"]["Properties"]["Environment"]["Variables"]
    resources = {
        key: each
        for key, each in template["Resources"].items()
        if each["Type"] in KINDS and "Condition" not in each and key != "ScheduleRole"
    }
    outputs = {
        key: {"Value": _without(each["Value"], others)}
        for key, each in template["Outputs"].items()
        if "Condition" not in each
    } | {
        FUNCTION + key.title().replace("_", ""): {"Value": value}
        for key, value in variables.items()
    }
    return {
        "Parameters": template["Parameters"],
        "Conditions": template["Conditions"],
        "Resources": resources,
        "Outputs": outputs,
    }


def _without(value: Any, others: Mapping[str, str]) -> Any:
    """Return a value in which references to other resources are replaced by names or ARNs."""
    if isinstance(value, dict):
        if value.get("Ref") in others:
            return others[value["Ref"]].rpartition(":")[2]
        if value.get("Fn::GetAtt", [""])[0] in others:
            return others[value["Fn::GetAtt"][0]]
    return value

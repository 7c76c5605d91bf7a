"""Stands in for `make deploy PARAMETERS=NAME=VALUE`: deploys what is built already, unasked."""

import json
import os
import sys
from pathlib import Path

import boto3
from botocore.exceptions import ClientError

from embedded_aws.sam import run_sam

STACK = "email-opens"
BUILT, PARAMETERS = "DRILL_BUILT", "DRILL_PARAMETERS"
"""The variables of the environment that describe a new stack."""


def main(target: str, assigned: str) -> None:
    """Update the stack, or create it if it does not exist."""
    if target != "deploy":
        raise ValueError(target)
    name, _, value = assigned.removeprefix("PARAMETERS=").partition("=")
    cloudformation = boto3.client("cloudformation")
    try:
        (stack,) = cloudformation.describe_stacks(StackName=STACK)["Stacks"]
    except ClientError:
        create(json.loads(os.environ[PARAMETERS]) | {name: value})
        return
    others = {each["ParameterKey"] for each in stack["Parameters"]} - {name}
    cloudformation.update_stack(
        StackName=STACK,
        UsePreviousTemplate=True,
        Capabilities=["CAPABILITY_IAM", "CAPABILITY_AUTO_EXPAND"],
        Parameters=[
            {"ParameterKey": name, "ParameterValue": value},
            *({"ParameterKey": key, "UsePreviousValue": True} for key in others),
        ],
    )
    cloudformation.get_waiter("stack_update_complete").wait(
        StackName=STACK, WaiterConfig={"Delay": 1}
    )


def create(parameters: dict[str, str]) -> None:
    """Create the stack as `make deploy` does, with its code in a bucket of this region."""
    arguments = ("--stack-name", STACK, "--resolve-s3", "--capabilities", "CAPABILITY_IAM")
    overrides = (f'{key}="{value}"' for key, value in parameters.items())
    run_sam(
        (
            "deploy",
            *("--template-file", os.environ[BUILT]),
            *arguments,
            *("--no-confirm-changeset", "--no-progressbar"),
            *("--parameter-overrides", *overrides),
        ),
        os.environ,
        Path.cwd(),
    )


if __name__ == "__main__":
    main(*sys.argv[1:])

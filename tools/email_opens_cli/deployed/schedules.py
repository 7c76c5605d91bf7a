"""The schedules of a stack's group: one for each account, each named like its account."""

import json
from typing import Any, Self

from botocore.exceptions import ClientError

from email_opens.errors import InvalidInput
from email_opens_cli.deployed.product import aws, described

LATE_SECONDS = 60
TRIES = 2
"""As the template has it: a try that is a minute late meets the next schedule."""


class Schedules:
    """What a stack was deployed with, and the schedules that stand beside its own."""

    def __init__(self, stack: str, outputs: dict[str, str], parameters: dict[str, str]) -> None:
        wanted = {"ScheduleGroup", "ScheduleRoleArn", "PollOpensFunctionArn"}
        missing = sorted(wanted - outputs.keys())
        if missing:
            raise InvalidInput(
                f"The stack “{stack}” is no stack of email-opens, or one of long ago: it has no "
                f"output {', '.join(missing)}. Deploy it anew."
            )
        self._client: Any = aws().client("scheduler")
        self._group = outputs["ScheduleGroup"]
        self._role_arn = outputs["ScheduleRoleArn"]
        self._function_arn = outputs["PollOpensFunctionArn"]
        self._expression = parameters.get("ScheduleExpression", "rate(1 minute)")
        self.own_account_id = parameters.get("AccountId", "default")
        """The account whose schedule comes and goes with the stack."""

    @classmethod
    def of_stack(cls, stack: str) -> Self:
        """Read a stack.

        Raises:
            InvalidInput: there is none, or it is another's.
        """
        found = described(stack)
        outputs = {one["OutputKey"]: one["OutputValue"] for one in found.get("Outputs", [])}
        parameters = {
            one["ParameterKey"]: one["ParameterValue"] for one in found.get("Parameters", [])
        }
        return cls(stack, outputs, parameters)

    def add(self, account_id: str) -> bool:
        """Have an account polled as the stack's own is; return False if a schedule is there."""
        try:
            self._client.create_schedule(
                Name=account_id,
                GroupName=self._group,
                Description=f"Polls the account {account_id}.",
                ScheduleExpression=self._expression,
                FlexibleTimeWindow={"Mode": "OFF"},
                State="ENABLED",
                Target={
                    "Arn": self._function_arn,
                    "RoleArn": self._role_arn,
                    "Input": json.dumps({"account_id": account_id}),
                    "RetryPolicy": {
                        "MaximumRetryAttempts": TRIES,
                        "MaximumEventAgeInSeconds": LATE_SECONDS,
                    },
                },
            )
        except ClientError as error:
            if error.response["Error"]["Code"] != "ConflictException":
                raise
            return False
        return True

    def remove(self, account_id: str) -> bool:
        """Have an account polled no more; return False if no schedule was there."""
        try:
            self._client.delete_schedule(Name=account_id, GroupName=self._group)
        except ClientError as error:
            if error.response["Error"]["Code"] != "ResourceNotFoundException":
                raise
            return False
        return True

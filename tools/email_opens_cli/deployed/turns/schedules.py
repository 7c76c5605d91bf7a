"""The schedules of a stack's group: one for each account, named like the account."""

import json
from datetime import UTC, datetime, timedelta
from hashlib import blake2b
from typing import Any, Self

from botocore.exceptions import ClientError

from email_opens.errors import InvalidInput
from email_opens_cli.deployed.product import aws, outputs, parameters

LATE_SECONDS = 60
TRIES = 2
"""As in the template: an attempt that is a minute late would meet the next schedule."""
MINUTE = timedelta(minutes=1)


def first_event(account_id: str, now: datetime) -> datetime:
    """Return when an account's schedule begins: within a minute, at a second derived from its id.

    Its turns follow at whole intervals, so those of many accounts are spread over the minute.
    """
    digest = blake2b(account_id.encode(), digest_size=8).digest()
    second = int.from_bytes(digest) % 60
    begins = now.replace(second=second, microsecond=0)
    return begins if begins > now else begins + MINUTE


class Schedules:
    """The schedules of a stack beside its own one."""

    def __init__(self, stack: str, outputs: dict[str, str], parameters: dict[str, str]) -> None:
        wanted = {"ScheduleGroup", "ScheduleRoleArn", "PollOpensFunctionArn"}
        missing = sorted(wanted - outputs.keys())
        if missing:
            raise InvalidInput(
                f"The stack “{stack}” is not a stack of email-opens, or is outdated: it has no "
                f"output {', '.join(missing)}. Deploy it again with `make deploy`."
            )
        self._client: Any = aws().client("scheduler")
        self._group = outputs["ScheduleGroup"]
        self._role_arn = outputs["ScheduleRoleArn"]
        self._function_arn = outputs["PollOpensFunctionArn"]
        self._expression = parameters.get("ScheduleExpression", "rate(1 minute)")
        self.own_account_id = parameters.get("AccountId", "default")
        """The account whose schedule is part of the stack."""

    @classmethod
    def of_stack(cls, stack: str) -> Self:
        """Read a stack.

        Raises:
            InvalidInput: it does not exist, or is not a stack of email-opens.
        """
        return cls(stack, outputs(stack), parameters(stack))

    def add(self, account_id: str) -> bool:
        """Schedule an account like the stack's own; return False if it has a schedule."""
        try:
            self._client.create_schedule(
                Name=account_id,
                GroupName=self._group,
                Description=f"Polls the account {account_id}.",
                ScheduleExpression=self._expression,
                StartDate=first_event(account_id, datetime.now(UTC)),
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
        """Delete the schedule of an account; return False if it had none."""
        try:
            self._client.delete_schedule(Name=account_id, GroupName=self._group)
        except ClientError as error:
            if error.response["Error"]["Code"] != "ResourceNotFoundException":
                raise
            return False
        return True

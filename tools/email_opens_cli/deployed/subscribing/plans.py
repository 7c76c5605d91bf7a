"""What a command will do on AWS, shown before it is done, and what a refusal of AWS means."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from threading import Lock
from typing import Any

from botocore.exceptions import ClientError
from msgspec import Struct, field

from email_opens.errors import EmailOpensError
from email_opens.ports import Clock
from email_opens_cli.deployed.clients import Clients, code_of
from email_opens_cli.deployed.product import aws
from email_opens_cli.deployed.subscribing.targets import Topic
from email_opens_cli.terminal.complaints import ACCESS

ACTIONS = {
    "AddPermission": "lambda:AddPermission",
    "CreateQueue": "sqs:CreateQueue",
    "CreateRole": "iam:CreateRole",
    "DeleteParameter": "ssm:DeleteParameter",
    "DeleteQueue": "sqs:DeleteQueue",
    "DeleteRole": "iam:DeleteRole",
    "DeleteRolePolicy": "iam:DeleteRolePolicy",
    "DescribeDeliveryStream": "firehose:DescribeDeliveryStream",
    "DescribeStackEvents": "cloudformation:DescribeStackEvents",
    "DescribeStacks": "cloudformation:DescribeStacks",
    "GetFunctionConfiguration": "lambda:GetFunctionConfiguration",
    "GetMetricData": "cloudwatch:GetMetricData",
    "GetParameter": "ssm:GetParameter",
    "GetPolicy": "lambda:GetPolicy",
    "GetQueueAttributes": "sqs:GetQueueAttributes",
    "GetQueueUrl": "sqs:GetQueueUrl",
    "GetRole": "iam:GetRole",
    "GetRolePolicy": "iam:GetRolePolicy",
    "GetSubscriptionAttributes": "sns:GetSubscriptionAttributes",
    "GetTopicAttributes": "sns:GetTopicAttributes",
    "ListQueueTags": "sqs:ListQueueTags",
    "ListSubscriptionsByTopic": "sns:ListSubscriptionsByTopic",
    "PutParameter": "ssm:PutParameter",
    "PutRolePolicy": "iam:PutRolePolicy",
    "RemovePermission": "lambda:RemovePermission",
    "SetQueueAttributes": "sqs:SetQueueAttributes",
    "SetSubscriptionAttributes": "sns:SetSubscriptionAttributes",
    "Subscribe": "sns:Subscribe",
    "Unsubscribe": "sns:Unsubscribe",
    "UpdateStack": "cloudformation:UpdateStack",
}
"""The IAM action of each operation that the commands use."""
WITH = {"CreateQueue": "sqs:TagQueue", "CreateRole": "iam:TagRole"}
"""The action that AWS requires besides, because what is created has a tag."""


class Access:
    """The topic, and clients of AWS in each region."""

    def __init__(self, topic: Topic, clock: Clock) -> None:
        self.topic, self.clock = topic, clock
        self._clients: dict[str, Clients] = {}
        self._lock = Lock()

    def client(self, service: str, region: str | None = None) -> Any:
        """Return a client, by default in the topic's region."""
        region = region or self.topic.region
        with self._lock:  # Threads share it.
            if region not in self._clients:
                self._clients[region] = Clients(aws(region))
        return self._clients[region](service)


class Step(Struct, frozen=True):
    """A change on AWS."""

    what: str
    """The end of a sentence: “create the queue team”."""
    act: Callable[[], object]


class Plan(Struct):
    """What a command will change, in this order, and what there is to say about it."""

    steps: list[Step] = field(default_factory=list)
    exists: list[str] = field(default_factory=list)
    """What stays as it is, as sentences."""
    warnings: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    """What remains to be done by a person, as sentences."""
    sends_request: bool = False
    """Whether SNS asks the subscriber to confirm."""

    def add(self, what: str, act: Callable[[], object]) -> None:
        self.steps.append(Step(what, act))

    def carry_out(self) -> None:
        """Take the steps one after another.

        Raises:
            EmailOpensError: AWS denies one; the earlier ones are done.
        """
        for number, step in enumerate(self.steps):
            try:
                with explained():
                    step.act()
            except EmailOpensError as error:
                raise EmailOpensError(f"{error} {_so_far(number, len(self.steps))}") from None
            except ClientError as error:
                details = error.response["Error"]
                reason = (details.get("Message") or details["Code"]).rstrip(".")
                raise EmailOpensError(
                    f"AWS refused to {step.what}: {reason}. {_so_far(number, len(self.steps))}"
                ) from None


def _so_far(done: int, steps: int) -> str:
    return (
        f"Done so far: {done} of {steps} steps. Run the command again to complete it: it continues "
        "where it stopped."
    )


@contextmanager
def explained() -> Iterator[None]:
    """Name the missing IAM action where AWS denies a request.

    Raises:
        EmailOpensError: AWS has denied a request.
    """
    try:
        yield
    except ClientError as error:
        if code_of(error) not in ACCESS:
            raise
        name = error.operation_name
        action = ACTIONS.get(name, name)
        needed = f"{action} and {WITH[name]}" if name in WITH else action
        message = error.response["Error"].get("Message", "").rstrip(".")
        raise EmailOpensError(
            f"AWS denies {action} to this user: {message}. Ask for a policy that allows {needed}."
        ) from None

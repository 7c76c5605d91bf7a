"""Records what every client of AWS is asked in this process: the action and the resources."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import pytest
from botocore import handlers
from botocore.model import OperationModel

type Params = Mapping[str, Any]

REGION, ACCOUNT = "eu-west-1", "123456789012"
ACTIONS = {
    "sns:PublishBatch": "sns:Publish",
    "sqs:SendMessageBatch": "sqs:SendMessage",
    "sqs:DeleteMessageBatch": "sqs:DeleteMessage",
    "sqs:ChangeMessageVisibilityBatch": "sqs:ChangeMessageVisibility",
}
"""The IAM actions that have other names than the operation."""
SERVICES = {"monitoring": "cloudwatch"}
"""The services that IAM knows by other names."""
TAGGING = {"sqs:CreateQueue": "sqs:TagQueue", "iam:CreateRole": "iam:TagRole"}
"""What an action requires besides, if what it creates has tags."""


@dataclass(frozen=True, slots=True, order=True)
class Call:
    action: str
    resource: str
    """An ARN, or `*` for an action that names none."""
    key: str = ""
    """The partition key of an item, if one is named."""


@dataclass(slots=True)
class Recorded:
    """The calls so far, each once."""

    calls: set[Call] = field(default_factory=set)

    def record(self, params: dict[str, Any], model: OperationModel, **_: Any) -> None:
        self.calls |= set(calls_of(params, model))

    @contextmanager
    def recording(self) -> Iterator["Recorded"]:
        """Record every client that is created from now on, until the `with` block ends."""
        with pytest.MonkeyPatch.context() as patch:
            registered = [*handlers.BUILTIN_HANDLERS, ("provide-client-params", self.record)]
            patch.setattr(handlers, "BUILTIN_HANDLERS", registered)
            yield self


def calls_of(params: Params, model: OperationModel) -> Iterator[Call]:
    """Yield what a request needs of IAM."""
    prefix = model.service_model.endpoint_prefix
    service = SERVICES.get(prefix, prefix)
    action = ACTIONS.get(f"{service}:{model.name}", f"{service}:{model.name}")
    if service == "dynamodb":
        yield from _of_tables(action, params)
        return
    resource = _resource(service, params)
    yield Call(action, resource)
    if action in TAGGING and (params.get("tags") or params.get("Tags")):
        yield Call(TAGGING[action], resource)
    passed = params.get("Target", {}) | params.get("Attributes", {})
    for name in {"RoleArn", "SubscriptionRoleArn"} & passed.keys():
        yield Call("iam:PassRole", passed[name])


def _of_tables(action: str, params: Params) -> Iterator[Call]:
    for item in params.get("TransactItems", ()):
        for kind, write in item.items():
            yield Call(f"dynamodb:{kind}Item", _table(write), _key(write))
    for name, writes in params.get("RequestItems", {}).items():
        for write in writes:
            yield Call(action, _table({"TableName": name}), _key(next(iter(write.values()))))
    if "TableName" in params:
        yield Call(action, _table(params), _key(params))


def _resource(service: str, params: Params) -> str:
    """Return the ARN of what a request names."""
    for name, make in RESOURCES.get(service, {}).items():
        if name in params:
            return make(params)
    return "*"


def arn(service: str, resource: str) -> str:
    return f"arn:aws:{service}:{REGION}:{ACCOUNT}:{resource}"


def _table(params: Params) -> str:
    return arn("dynamodb", f"table/{params['TableName']}")


def _key(call: Params) -> str:
    """Return the partition key of what a request reads or writes."""
    item = call.get("Key") or call.get("Item") or {}
    for name in ("account_id", "campaign_activity_id"):
        if name in item:
            return str(next(iter(item[name].values())))
    return ""


def _stack(params: Params) -> str:
    name = params["StackName"]
    return arn("cloudformation", f"stack/{name}/id") if name[:4] != "arn:" else name


RESOURCES: Mapping[str, Mapping[str, Callable[[Params], str]]] = {
    "cloudformation": {"StackName": _stack},
    "firehose": {
        "DeliveryStreamName": lambda of: arn(
            "firehose", f"deliverystream/{of['DeliveryStreamName']}"
        )
    },
    "iam": {"RoleName": lambda of: f"arn:aws:iam::{ACCOUNT}:role/{of['RoleName']}"},
    "lambda": {
        "FunctionName": lambda of: arn(
            "lambda", f"function:{of['FunctionName'].rpartition(':')[2]}"
        )
    },
    "logs": {"logGroupName": lambda of: arn("logs", f"log-group:{of['logGroupName']}:*")},
    "scheduler": {
        "GroupName": lambda of: arn("scheduler", f"schedule/{of['GroupName']}/{of['Name']}")
    },
    "sns": {
        # IAM knows no resource of these actions.
        "SubscriptionArn": lambda _: "*",
        "TopicArn": lambda of: of["TopicArn"],
    },
    "sqs": {
        "QueueName": lambda of: arn("sqs", of["QueueName"]),
        "QueueUrl": lambda of: arn("sqs", of["QueueUrl"].rpartition("/")[2]),
    },
    "ssm": {
        "Name": lambda of: arn("ssm", f"parameter/{of['Name'].lstrip('/')}"),
        "Path": lambda of: arn("ssm", f"parameter/{of['Path'].strip('/')}"),
    },
}
"""How the ARN follows from a parameter of a request, by service; the first that is given counts."""

"""The properties and policies of what a subscription needs; pure.

CloudFormation and the API name them alike, so the commands and the printed templates share them. A
value may be an ARN, or what stands for one in a template.
"""

import json
from collections.abc import Iterable, Mapping
from typing import Any

from email_opens_cli.deployed.subscribing.targets import Kind, Target, Topic, digest

type Arn = str | Mapping[str, Any]
"""An ARN, or a function of CloudFormation that returns one."""
type Document = dict[str, Any]

MADE_FOR = "email-opens:made-for"
"""The tag with the ARN of the topic for which a queue or role was created."""
RETENTION_SECONDS = 14 * 24 * 60 * 60
MOST_RECEIVES = 5
VISIBILITY_SECONDS = 180
"""Six times the half minute that a function may take with some messages, as Lambda recommends."""
ROLE_POLICY = "deliver"
_VERSION = "2012-10-17"
_ENABLED_BY_DEFAULT = {
    *("us-east-1", "us-east-2", "us-west-1", "us-west-2", "ca-central-1", "sa-east-1"),
    *("eu-central-1", "eu-north-1", "eu-west-1", "eu-west-2", "eu-west-3"),
    *("ap-northeast-1", "ap-northeast-2", "ap-northeast-3", "ap-south-1"),
    *("ap-southeast-1", "ap-southeast-2"),
}
"""The regions of the partition `aws` that need no opt-in; every newer one does."""
_STREAM_ACTIONS = (
    "firehose:DescribeDeliveryStream",
    "firehose:ListDeliveryStreams",
    "firehose:ListTagsForDeliveryStream",
    "firehose:PutRecord",
    "firehose:PutRecordBatch",
)
"""What SNS needs of a stream, by its documentation."""


def statement_id(topic_arn: str) -> str:
    """Return the id of the statement that lets this topic send, among those of other topics."""
    return f"EmailOpens{digest(topic_arn)}"


def principal(topic: Topic, region: str) -> str:
    """Return the principal as which SNS delivers to a region."""
    opted_in = topic.partition == "aws" and topic.region not in _ENABLED_BY_DEFAULT
    if opted_in and region != topic.region:
        return f"sns.{topic.region}.amazonaws.com"
    return "sns.amazonaws.com"


def send_statement(
    queue: Arn, topic: Arn, sid: str | None = None, service: str = "sns.amazonaws.com"
) -> Document:
    """Return the statement that lets one topic send to a queue."""
    return ({"Sid": sid} if sid else {}) | {
        "Effect": "Allow",
        "Principal": {"Service": service},
        "Action": "sqs:SendMessage",
        "Resource": queue,
        "Condition": {"ArnEquals": {"aws:SourceArn": topic}},
    }


def policy_of(statements: Iterable[Mapping[str, Any]]) -> Document:
    return {"Version": _VERSION, "Statement": list(statements)}


def with_statement(policy: str | None, statement: Mapping[str, Any]) -> Document:
    """Return a policy with a statement in place of the one with its Sid; the others stay."""
    found = json.loads(policy) if policy else policy_of(())
    return found | {"Statement": [*others(policy, statement["Sid"]), statement]}


def without_statement(policy: str | None, sid: str) -> Document | None:
    """Return a policy without the statement of this Sid; None: it has no other."""
    left = others(policy, sid)
    return json.loads(policy or "{}") | {"Statement": left} if left else None


def others(policy: str | None, sid: str) -> list[Mapping[str, Any]]:
    """Return the statements of a policy that have another Sid."""
    return [each for each in statements_of(policy) if each.get("Sid") != sid]


def statements_of(policy: str | None) -> list[Mapping[str, Any]]:
    found = json.loads(policy or "{}").get("Statement", [])
    return found if isinstance(found, list) else [found]


def queue_properties(*, fifo: bool, failed: Arn | None = None) -> Document:
    """Return the properties of a queue; `failed` is its dead-letter queue."""
    properties: Document = {
        "MessageRetentionPeriod": RETENTION_SECONDS,
        "SqsManagedSseEnabled": True,
    }
    if failed is not None:
        properties |= {"VisibilityTimeout": VISIBILITY_SECONDS, "RedrivePolicy": redrive(failed)}
    if fifo:
        # As the topic does, so that e-mails do not share a limit.
        properties |= {
            "FifoQueue": True,
            "DeduplicationScope": "messageGroup",
            "FifoThroughputLimit": "perMessageGroupId",
        }
    return properties


def redrive(failed: Arn) -> Document:
    """Return the redrive policy of a queue."""
    return {"deadLetterTargetArn": failed, "maxReceiveCount": MOST_RECEIVES}


def subscription_properties(
    kind: Kind,
    filter_policy: Mapping[str, Any],
    *,
    undelivered: Arn | None = None,
    role: Arn | None = None,
) -> Document:
    """Return the properties of a subscription, besides its topic, protocol and endpoint."""
    properties: Document = {}
    if kind in (Kind.QUEUE, Kind.STREAM, Kind.URL):
        properties["RawMessageDelivery"] = True
    if filter_policy:
        properties["FilterPolicy"] = dict(filter_policy)
    if undelivered is not None:
        properties["RedrivePolicy"] = {"deadLetterTargetArn": undelivered}
    if role is not None:
        properties["SubscriptionRoleArn"] = role
    return properties


def permission(function: str, topic: Arn, service: str = "sns.amazonaws.com") -> Document:
    """Return the properties of the permission with which a topic invokes a function."""
    return {
        "FunctionName": function,
        "Action": "lambda:InvokeFunction",
        "Principal": service,
        "SourceArn": topic,
    }


def role_trust() -> Document:
    statement = {
        "Effect": "Allow",
        "Principal": {"Service": "sns.amazonaws.com"},
        "Action": "sts:AssumeRole",
    }
    return policy_of([statement])


def role_policy(stream_arn: str) -> Document:
    """Return the policy of the role with which SNS writes to one stream."""
    actions = list(_STREAM_ACTIONS)
    return policy_of([{"Effect": "Allow", "Action": actions, "Resource": stream_arn}])


def role_name(target: Target, topic: Topic) -> str:
    return f"email-opens-{target.name[:36]}-{digest(topic.arn + target.endpoint)}"


def wire(properties: Mapping[str, Any]) -> dict[str, str]:
    """Return properties as the APIs of SQS and SNS take them: each is a string."""
    return {name: _wire(value) for name, value in properties.items()}


def _wire(value: object) -> str:
    return value if isinstance(value, str) else json.dumps(value)

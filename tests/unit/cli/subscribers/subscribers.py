"""Runs of `email-opens subscribe`, and what they leave on the emulated AWS."""

import json
from collections.abc import Mapping
from typing import Any

import boto3
from typer.testing import Result

from tests.conftest import Aws
from tests.unit.cli.world import complaint, run

ACCOUNT = "123456789012"
OTHER_ACCOUNT = "111111111111"
SUBSCRIBED = {"team", "team-failed", "team-undelivered"}
"""The queues of `subscribe --queue team`."""


def client(service: str, region: str | None = None) -> Any:
    make: Any = boto3.client
    return make(service, region_name=region)


def subscribe(*arguments: str, code: int = 0) -> Result:
    """Run the command; check its exit code."""
    result = run("subscribe", *arguments, "--yes")
    complaint(result, code)
    return result


def unsubscribe(*arguments: str, code: int = 0) -> Result:
    result = run("unsubscribe", *arguments, "--yes")
    complaint(result, code)
    return result


def steps(result: Result) -> list[str]:
    """Return what the command said it would do."""
    lines = result.stdout.splitlines()
    return [line.removeprefix("  - ") for line in lines if line.startswith("  - ")]


def queues(aws: Aws, region: str | None = None) -> set[str]:
    """Return the names of all queues but those of the product itself."""
    sqs = client("sqs", region) if region else aws.sqs
    names = {url.rpartition("/")[2] for url in sqs.list_queues().get("QueueUrls", [])}
    return names - {"subscriber", "dead-letters", "wake-ups"}


def url_of(aws: Aws, name: str) -> str:
    return aws.sqs.get_queue_url(QueueName=name)["QueueUrl"]


def attributes(aws: Aws, name: str) -> dict[str, Any]:
    """Return the attributes of a queue; those in JSON are parsed."""
    sqs: Any = aws.sqs
    reply = sqs.get_queue_attributes(QueueUrl=url_of(aws, name), AttributeNames=["All"])
    found: dict[str, Any] = reply["Attributes"]
    for key in ("Policy", "RedrivePolicy"):
        if key in found:
            found[key] = json.loads(found[key])
    return found


def subscription(aws: Aws, endpoint: str) -> dict[str, Any]:
    """Return the attributes of the only subscription of an endpoint; those in JSON are parsed."""
    found = aws.sns.list_subscriptions_by_topic(TopicArn=aws.topic_arn)["Subscriptions"]
    (arn,) = [each["SubscriptionArn"] for each in found if each["Endpoint"] == endpoint]
    reply = aws.sns.get_subscription_attributes(SubscriptionArn=arn)
    values: dict[str, Any] = dict(reply["Attributes"])
    for key in ("FilterPolicy", "RedrivePolicy"):
        if key in values:
            values[key] = json.loads(values[key])
    return values


def endpoints(aws: Aws) -> list[str]:
    """Return all that is subscribed, but the queue of the product's tests."""
    found = aws.sns.list_subscriptions_by_topic(TopicArn=aws.topic_arn)["Subscriptions"]
    return [each["Endpoint"] for each in found if not each["Endpoint"].endswith(":subscriber")]


def queue_arn(name: str) -> str:
    return f"arn:aws:sqs:eu-west-1:{ACCOUNT}:{name}"


def publish(aws: Aws, body: str, values: Mapping[str, str | int]) -> None:
    """Publish a message with attributes, as the product does."""
    aws.sns.publish(
        TopicArn=aws.topic_arn,
        Message=body,
        MessageAttributes={
            name: {
                "DataType": "Number" if isinstance(value, int) else "String",
                "StringValue": str(value),
            }
            for name, value in values.items()
        },
    )


def received(aws: Aws, name: str) -> list[str]:
    """Return the bodies in a queue."""
    reply = aws.sqs.receive_message(QueueUrl=url_of(aws, name), MaxNumberOfMessages=10)
    return sorted(message["Body"] for message in reply.get("Messages", []))


def make_function(name: str = "alert") -> str:
    """Create a function; return its ARN."""
    role = client("iam").create_role(RoleName=f"of-{name}", AssumeRolePolicyDocument="{}")
    reply = client("lambda").create_function(
        FunctionName=name,
        Role=role["Role"]["Arn"],
        Code={"ZipFile": b"nothing"},
        Runtime="python3.13",
        Handler="app.handler",
    )
    arn: str = reply["FunctionArn"]
    return arn


def make_stream(name: str = "archive") -> str:
    """Create a Firehose stream; return its ARN."""
    destination = {
        "RoleARN": f"arn:aws:iam::{ACCOUNT}:role/writes",
        "BucketARN": "arn:aws:s3:::archive",
    }
    reply = client("firehose").create_delivery_stream(
        DeliveryStreamName=name, ExtendedS3DestinationConfiguration=destination
    )
    arn: str = reply["DeliveryStreamARN"]
    return arn

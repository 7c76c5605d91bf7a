"""The templates that `email-opens subscribe --cloudformation` prints, deployed."""

import json
from collections.abc import Iterator
from io import BytesIO
from typing import Any
from uuid import uuid4
from zipfile import ZipFile

import pytest

from email_opens_cli.commands.subscribers.only import parse_only
from email_opens_cli.commands.subscribers.yaml_text import yaml_text
from email_opens_cli.deployed.subscribing.documents import policy_of
from email_opens_cli.deployed.subscribing.targets import (
    Topic,
    address_target,
    function_target,
    queue_target,
    stream_target,
    url_target,
)
from email_opens_cli.deployed.subscribing.templates import template
from embedded_aws import EmbeddedAws

FRESH = parse_only(["fresh"]).policy


@pytest.fixture(scope="module")
def topic(strict_aws: EmbeddedAws) -> Topic:
    reply = strict_aws.client("sns").create_topic(Name="subscribed-opens")
    return Topic.of(reply["TopicArn"])


@pytest.fixture(scope="module")
def function_arn(strict_aws: EmbeddedAws) -> str:
    archive = BytesIO()
    with ZipFile(archive, "w") as files:
        files.writestr("app.py", "def handler(event, context):\n    return None\n")
    trust = policy_of(
        [
            {
                "Effect": "Allow",
                "Principal": {"Service": "lambda.amazonaws.com"},
                "Action": "sts:AssumeRole",
            }
        ]
    )
    role = strict_aws.client("iam").create_role(
        RoleName="of-subscribed", AssumeRolePolicyDocument=json.dumps(trust)
    )
    reply = strict_aws.client("lambda").create_function(
        FunctionName="subscribed",
        Role=role["Role"]["Arn"],
        Code={"ZipFile": archive.getvalue()},
        Runtime="python3.13",
        Handler="app.handler",
    )
    arn: str = reply["FunctionArn"]
    return arn


@pytest.fixture(scope="module")
def stream_arn(strict_aws: EmbeddedAws) -> str:
    reply = strict_aws.client("firehose").create_delivery_stream(
        DeliveryStreamName="subscribed",
        ExtendedS3DestinationConfiguration={
            "RoleARN": "arn:aws:iam::000000000000:role/any",
            "BucketARN": "arn:aws:s3:::subscribed",
        },
    )
    arn: str = reply["DeliveryStreamARN"]
    return arn


@pytest.fixture
def deploy(strict_aws: EmbeddedAws) -> Iterator[Any]:
    """Deploy a template as a stack, which is deleted at the end."""
    cloudformation, stacks = strict_aws.client("cloudformation"), []

    def create(document: dict[str, Any]) -> dict[str, str]:
        name = f"subscriber-{uuid4().hex[:8]}"
        cloudformation.create_stack(
            StackName=name, TemplateBody=yaml_text(document), Capabilities=["CAPABILITY_IAM"]
        )
        stacks.append(name)
        waiter = cloudformation.get_waiter("stack_create_complete")
        waiter.wait(StackName=name, WaiterConfig={"Delay": 1})
        return dict(strict_aws.stack(name).outputs)

    yield create
    for name in stacks:
        cloudformation.delete_stack(StackName=name)
        waiter = cloudformation.get_waiter("stack_delete_complete")
        waiter.wait(StackName=name, WaiterConfig={"Delay": 1})


def subscription(aws: EmbeddedAws, topic: Topic, protocol: str) -> dict[str, Any]:
    """Return the attributes of the topic's subscription of a protocol."""
    sns = aws.client("sns")
    listed = sns.list_subscriptions_by_topic(TopicArn=topic.arn)["Subscriptions"]
    (arn,) = [each["SubscriptionArn"] for each in listed if each["Protocol"] == protocol]
    attributes: dict[str, Any] = sns.get_subscription_attributes(SubscriptionArn=arn)["Attributes"]
    assert json.loads(attributes["FilterPolicy"]) == FRESH
    return attributes


def test_a_queue_receives_the_opens_that_match_its_filter(
    strict_aws: EmbeddedAws, topic: Topic, deploy: Any
) -> None:
    url = deploy(template(queue_target("subscribed", topic), topic, FRESH))["QueueUrl"]
    for delay in ("10", "10000"):
        strict_aws.client("sns").publish(
            TopicArn=topic.arn,
            Message=delay,
            MessageAttributes={"delay_seconds": {"DataType": "Number", "StringValue": delay}},
        )
    reply = strict_aws.client("sqs").receive_message(QueueUrl=url, MaxNumberOfMessages=10)
    assert [message["Body"] for message in reply["Messages"]] == ["10"]


def test_a_function_may_be_invoked_by_the_topic(
    strict_aws: EmbeddedAws, topic: Topic, function_arn: str, deploy: Any
) -> None:
    deploy(template(function_target(function_arn, topic), topic, FRESH))
    assert "RedrivePolicy" in subscription(strict_aws, topic, "lambda")
    policy = strict_aws.client("lambda").get_policy(FunctionName=function_arn)["Policy"]
    (statement,) = json.loads(policy)["Statement"]
    assert statement["Principal"] == {"Service": "sns.amazonaws.com"}
    assert topic.arn in json.dumps(statement["Condition"])


def test_a_stream_is_written_to_with_a_role(
    strict_aws: EmbeddedAws, topic: Topic, stream_arn: str, deploy: Any
) -> None:
    deploy(template(stream_target(stream_arn, topic), topic, FRESH))
    attributes = subscription(strict_aws, topic, "firehose")
    role = attributes["SubscriptionRoleArn"].rpartition("/")[2]
    document = strict_aws.client("iam").get_role_policy(RoleName=role, PolicyName="deliver")
    assert document["PolicyDocument"]["Statement"][0]["Resource"] == stream_arn


@pytest.mark.parametrize("protocol", ["email", "https"])
def test_an_address_and_an_endpoint_are_subscribed(
    strict_aws: EmbeddedAws, topic: Topic, deploy: Any, protocol: str
) -> None:
    target = (
        address_target("bo@example.com", topic)
        if protocol == "email"
        else url_target("https://example.com/opens", topic)
    )
    deploy(template(target, topic, FRESH))
    assert subscription(strict_aws, topic, protocol)

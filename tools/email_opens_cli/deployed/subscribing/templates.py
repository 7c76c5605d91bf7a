"""A CloudFormation template with what `subscribe` creates; pure."""

from collections.abc import Mapping
from typing import Any

from email_opens_cli.deployed.subscribing.documents import (
    ROLE_POLICY,
    Document,
    permission,
    policy_of,
    principal,
    queue_properties,
    role_policy,
    role_trust,
    send_statement,
    subscription_properties,
)
from email_opens_cli.deployed.subscribing.targets import (
    FIFO,
    NOUNS,
    Kind,
    Target,
    Topic,
    digest,
    undelivered_name,
)

_TOPIC: Document = {"Ref": "OpensTopicArn"}


def template(target: Target, topic: Topic, filter_policy: Mapping[str, Any]) -> Document:
    """Return the template that subscribes a target, to deploy in the target's region."""
    resources: Document = {}
    subscription: Document = {}
    endpoint: Any = target.endpoint
    service = principal(topic, target.region)
    if target.kind is Kind.QUEUE:
        fifo = target.name.endswith(FIFO)
        resources["Failed"] = _queue(target.failed, queue_properties(fifo=fifo))
        resources["Opens"] = _queue(
            target.name, queue_properties(fifo=fifo, failed=_arn_of("Failed"))
        )
        resources["OpensPolicy"] = _policy("Opens", service)
        endpoint, subscription["DependsOn"] = _arn_of("Opens"), "OpensPolicy"
    elif target.kind is Kind.FUNCTION:
        resources["Permission"] = {
            "Type": "AWS::Lambda::Permission",
            "Properties": permission(target.endpoint, _TOPIC, service),
        }
        subscription["DependsOn"] = "Permission"
    elif target.kind is Kind.STREAM:
        resources["Role"] = {
            "Type": "AWS::IAM::Role",
            "Properties": {
                "AssumeRolePolicyDocument": role_trust(),
                "Policies": [
                    {"PolicyName": ROLE_POLICY, "PolicyDocument": role_policy(target.endpoint)}
                ],
            },
        }
    # It must be in the region of the topic.
    if has_undelivered(target) and target.region == topic.region:
        name = undelivered_name(target, topic)
        resources["Undelivered"] = _queue(name, queue_properties(fifo=topic.ordered))
        resources["UndeliveredPolicy"] = _policy("Undelivered", "sns.amazonaws.com")
    properties = {
        "TopicArn": _TOPIC,
        "Protocol": str(target.kind),
        "Endpoint": endpoint,
    } | subscription_properties(
        target.kind,
        filter_policy,
        undelivered=_arn_of("Undelivered") if "Undelivered" in resources else None,
        role=_arn_of("Role") if "Role" in resources else None,
    )
    if target.region != topic.region:
        properties["Region"] = topic.region
    resources["Subscription"] = {
        "Type": "AWS::SNS::Subscription",
        **subscription,
        "Properties": properties,
    }
    made: Document = {
        "AWSTemplateFormatVersion": "2010-09-09",
        "Description": f"Subscribes one {NOUNS[target.kind]} to the opens of email-opens.",
        "Parameters": {
            "OpensTopicArn": {
                "Description": "The topic of email-opens: its stack's output OpensTopicArn.",
                "Type": "String",
                "Default": topic.arn,
            }
        },
        "Resources": resources,
    }
    if target.kind is Kind.QUEUE:
        made["Outputs"] = {
            "QueueUrl": {"Value": {"Ref": "Opens"}},
            "QueueArn": {"Value": _arn_of("Opens")},
        }
    return made


def deployment(target: Target, topic: Topic, file: str = "subscriber.yaml") -> str:
    """Return the command that deploys a target's template from a file."""
    role = " --capabilities CAPABILITY_IAM" if target.kind is Kind.STREAM else ""
    return (
        f"aws cloudformation deploy --region {target.region} --template-file {file} "
        f"--stack-name {stack_name(target, topic)}{role}"
    )


def stack_name(target: Target, topic: Topic) -> str:
    """Return a name for the stack of a target, and of no other."""
    ending = FIFO if topic.ordered else ""
    name = undelivered_name(target, topic).removesuffix(ending).removesuffix("-undelivered")
    if target.kind is Kind.ADDRESS:
        name = f"email-{digest(target.endpoint)}"
    return "opens-to-" + name.replace("_", "-")


def has_undelivered(target: Target) -> bool:
    """Return whether a queue is of use for what SNS cannot deliver: a mail is not sent again."""
    return target.kind is not Kind.ADDRESS


def _queue(name: str, properties: Mapping[str, Any]) -> Document:
    # A queue may hold messages when its stack is deleted.
    return {
        "Type": "AWS::SQS::Queue",
        "DeletionPolicy": "Retain",
        "UpdateReplacePolicy": "Retain",
        "Properties": {"QueueName": name, **properties},
    }


def _policy(queue: str, service: str) -> Document:
    statement = send_statement(_arn_of(queue), _TOPIC, service=service)
    return {
        "Type": "AWS::SQS::QueuePolicy",
        "Properties": {"Queues": [{"Ref": queue}], "PolicyDocument": policy_of([statement])},
    }


def _arn_of(resource: str) -> Document:
    return {"Fn::GetAtt": [resource, "Arn"]}

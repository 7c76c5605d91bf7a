"""All that subscribing a target to the topic takes, as one plan."""

from collections.abc import Mapping
from typing import Any

from email_opens.errors import InvalidInput
from email_opens_cli.deployed.subscribing.endpoints import plan_function, plan_stream
from email_opens_cli.deployed.subscribing.plans import Access, Plan, explained
from email_opens_cli.deployed.subscribing.queues import plan_queue, plan_undelivered
from email_opens_cli.deployed.subscribing.subscriptions import (
    listed,
    plan_subscription,
)
from email_opens_cli.deployed.subscribing.targets import FIFO, OPTIONS, Kind, Target, Topic
from email_opens_cli.deployed.subscribing.templates import deployment, has_undelivered


def plan_of(access: Access, target: Target, filter_policy: Mapping[str, Any]) -> Plan:
    """Return what is missing for a subscription; without steps, all of it exists.

    Raises:
        InvalidInput: the topic cannot deliver to the target, or one of them does not exist.
        EmailOpensError: AWS denies a request.
    """
    check_deliverable(target, access.topic)
    if target.account_id != access.topic.account_id:
        raise InvalidInput(_from_another_account(target, access.topic))
    listed(access)  # The topic exists.
    plan = Plan()
    with explained():
        role = None
        if target.kind is Kind.QUEUE:
            plan_queue(plan, access, target)
        elif target.kind is Kind.FUNCTION:
            plan_function(plan, access, target)
        elif target.kind is Kind.STREAM:
            role = plan_stream(plan, access, target)
        undelivered = plan_undelivered(plan, access, target) if has_undelivered(target) else None
        plan_subscription(plan, access, target, filter_policy, undelivered=undelivered, role=role)
    return plan


def check_deliverable(target: Target, topic: Topic) -> None:
    """Make sure that a topic can deliver to a target.

    Raises:
        InvalidInput: it cannot.
    """
    if topic.ordered and target.kind is not Kind.QUEUE:
        remedy = "subscribe a queue with `email-opens subscribe --queue NAME`"
        if target.kind is Kind.FUNCTION:
            remedy += (
                ", and let it invoke the function with `aws lambda create-event-source-mapping "
                f"--region {target.region} --function-name {target.endpoint} --event-source-arn "
                "QUEUE_ARN`"
            )
        raise InvalidInput(
            f"The topic {topic.name} is FIFO and delivers to queues only, so "
            f"{OPTIONS[target.kind]} does not work: {remedy}."
        )
    if target.kind is Kind.QUEUE and target.name.endswith(FIFO) and not topic.ordered:
        raise InvalidInput(
            f"The topic {topic.name} is a standard topic, which cannot deliver to a FIFO queue: "
            f"`email-opens subscribe --queue {target.name.removesuffix(FIFO)}` subscribes a "
            "standard one."
        )
    elsewhere = (target.region, target.account_id) != (topic.region, topic.account_id)
    if target.kind is Kind.STREAM and elsewhere:
        raise InvalidInput(
            f"The stream {target.name} is in {target.region} of the AWS account "
            f"{target.account_id}, and SNS delivers only to streams in the topic's own region and "
            f"account, {topic.region} of {topic.account_id}: `aws firehose list-delivery-streams "
            f"--region {topic.region}` lists those. Or subscribe a queue there: "
            f"`email-opens subscribe --queue arn:{topic.partition}:sqs:{target.region}:"
            f"{target.account_id}:{target.name.replace('.', '-')}`."
        )


def _from_another_account(target: Target, topic: Topic) -> str:
    """Return why a target cannot be subscribed from here, and the commands that subscribe it."""
    allow = (
        f"aws sns add-permission --region {topic.region} --topic-arn {topic.arn} "
        f"--label email-opens-{target.account_id} --aws-account-id {target.account_id} "
        "--action-name Subscribe"
    )
    template = (
        f"email-opens subscribe {OPTIONS[target.kind]} {target.endpoint} --cloudformation"
        " > subscriber.yaml"
    )
    creates = "creates the queue and" if target.kind is Kind.QUEUE else "adds the permission and"
    return (
        f"{target.shown[0].upper()}{target.shown[1:]} belongs to the AWS account "
        f"{target.account_id}, and only that account can subscribe it without a confirmation. "
        f"Allow it to: `{allow}`. Write the template that {creates} subscribes it, with the same "
        f"--only: `{template}`. Deploy that with the credentials of {target.account_id}: "
        f"`{deployment(target)}`."
    )

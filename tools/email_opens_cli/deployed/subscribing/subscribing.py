"""Everything that a target's subscription needs, as one plan."""

from collections.abc import Iterable, Mapping
from shlex import quote
from typing import Any

from email_opens.errors import InvalidInput
from email_opens_cli.deployed.subscribing.documents import role_name, subscription_properties
from email_opens_cli.deployed.subscribing.endpoints import plan_function, plan_stream
from email_opens_cli.deployed.subscribing.plans import Access, Plan, explained
from email_opens_cli.deployed.subscribing.queues import plan_queue, plan_undelivered
from email_opens_cli.deployed.subscribing.subscriptions import current, plan_subscription
from email_opens_cli.deployed.subscribing.targets import (
    FIFO,
    OPTIONS,
    Kind,
    Target,
    Topic,
    undelivered_name,
)
from email_opens_cli.deployed.subscribing.templates import deployment, has_undelivered


def plan_of(access: Access, target: Target, filter_policy: Mapping[str, Any]) -> Plan:
    """Return what is missing for a subscription; without steps, all of it exists.

    The topic can deliver to the target, and both belong to one AWS account.

    Raises:
        InvalidInput: one of them does not exist, or SNS cannot encrypt for the queue.
        EmailOpensError: AWS denies a request.
    """
    plan = Plan()
    with explained():
        found = current(access, target)
        role = undelivered = None
        if target.kind is Kind.QUEUE:
            plan_queue(plan, access, target)
        elif target.kind is Kind.FUNCTION:
            plan_function(plan, access, target)
        elif target.kind is Kind.STREAM:
            other = found and found.other("SubscriptionRoleArn", role_name(target, access.topic))
            if other:
                plan.exists.append(f"The subscription uses the role {other}.")
            else:
                role = plan_stream(plan, access, target)
        if has_undelivered(target):
            other = found and found.other("RedrivePolicy", undelivered_name(target, access.topic))
            if other:
                plan.exists.append(f"What SNS cannot deliver already goes elsewhere: {other}.")
            else:
                undelivered = plan_undelivered(plan, access, target)
        properties = subscription_properties(
            target.kind, filter_policy, undelivered=undelivered, role=role
        )
        plan_subscription(plan, access, target, found, properties)
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


def check_account(target: Target, topic: Topic, only: Iterable[str]) -> None:
    """Make sure that a target belongs to the topic's AWS account.

    Raises:
        InvalidInput: it does not; the message has the commands that subscribe it.
    """
    if target.account_id == topic.account_id:
        return
    options = "".join(f" --only {quote(value)}" for value in only)
    allow = (
        f"aws sns add-permission --region {topic.region} --topic-arn {topic.arn} "
        f"--label email-opens-{target.account_id} --aws-account-id {target.account_id} "
        "--action-name Subscribe"
    )
    template = (
        f"email-opens subscribe {OPTIONS[target.kind]} {target.endpoint}{options} --cloudformation"
        " > subscriber.yaml"
    )
    creates = "creates the queue and" if target.kind is Kind.QUEUE else "adds the permission and"
    raise InvalidInput(
        f"{target.subject} belongs to the AWS account "
        f"{target.account_id}, and only that account can subscribe it without a confirmation. "
        f"Allow it to: `{allow}`. Write the template that {creates} subscribes it: "
        f"`{template}`. Deploy that with the credentials of {target.account_id}: "
        f"`{deployment(target, topic)}`."
    )


def check_foreign(target: Target, outputs: Mapping[str, str]) -> None:
    """Refuse what belongs to the stack of the topic itself; `outputs` are those of the stack.

    Raises:
        InvalidInput: it is a function or a queue of the stack.
    """
    own = {
        value.rpartition("/")[2]
        for name, value in outputs.items()
        if name.endswith(("Function", "QueueUrl"))
    }
    if target.kind in (Kind.QUEUE, Kind.FUNCTION) and target.name in own:
        raise InvalidInput(
            f"{target.subject} is a part of the stack itself. To change what the alert shows, use "
            "`email-opens subscribe --slack -`; for anything else, subscribe a queue or a function "
            "of your own."
        )

"""The end of a subscription, and the removal of what `subscribe` has created for it."""

import json
from collections.abc import Iterator, Sequence
from functools import partial

from botocore.exceptions import ClientError

from email_opens.errors import InvalidInput
from email_opens_cli.deployed.clients import code_of
from email_opens_cli.deployed.subscribing.endpoints import plan_no_permission, plan_no_role
from email_opens_cli.deployed.subscribing.plans import Access, Plan, explained
from email_opens_cli.deployed.subscribing.queues import find, plan_removal
from email_opens_cli.deployed.subscribing.subscriptions import (
    Subscription,
    attributes_of,
    listed,
    plan_end,
)
from email_opens_cli.deployed.subscribing.targets import (
    FIFO,
    MAKERS,
    Kind,
    Target,
    Topic,
    named,
    queue_arn,
    shortened,
    undelivered_name,
)
from email_opens_cli.terminal.complaints import ACCESS


def plan_of_removal(access: Access, text: str, *, with_messages: bool) -> Plan:
    """Return what ends the subscription that a text names.

    Raises:
        InvalidInput: nothing or several subscriptions have this name, or it is part of a stack.
        EmailOpensError: AWS denies a request.
    """
    found = matching(listed(access), text)
    if len(found) > 1:
        endpoints = {each.endpoint for each in found}
        # One endpoint may have subscriptions by several protocols.
        by_endpoint = len(endpoints) == len(found)
        arns = ", ".join(each.endpoint if by_endpoint else each.arn for each in found)
        raise InvalidInput(f"Several subscriptions are called “{text[:200]}”: name one of {arns}.")
    plan = Plan()
    if found:
        (subscription,) = found
        with explained():
            _plan(plan, access, subscription, with_messages=with_messages)
        return plan
    # An earlier run may have ended the subscription, and then failed.
    for target in _targets(text, access.topic):
        try:
            _plan_rest(plan, access, target, None, with_messages=with_messages)
        except ClientError as error:
            if code_of(error) not in ACCESS:
                raise
            # Nothing says that there is such a function or role at all.
            continue
    return plan


def matching(subscriptions: Sequence[Subscription], text: str) -> list[Subscription]:
    """Return the subscriptions with an endpoint, a name or an ARN."""
    exact = [each for each in subscriptions if text in (each.arn, each.endpoint)]
    return exact or [
        each
        for each in subscriptions
        if each.endpoint.startswith("arn:") and text == named(each.endpoint)
    ]


def _plan(plan: Plan, access: Access, subscription: Subscription, *, with_messages: bool) -> None:
    target = _target_of(subscription, access.topic)
    shown = (
        target.shown
        if target
        else f"{subscription.protocol} {shortened(subscription.protocol, subscription.endpoint)}"
    )
    if target:
        _refuse_a_part_of_a_stack(access, target)
    plan_end(plan, access, subscription, shown)
    if target:
        _plan_rest(plan, access, target, subscription, with_messages=with_messages)


def _target_of(subscription: Subscription, topic: Topic) -> Target | None:
    """Return what is subscribed; None: `subscribe` accepts nothing like it."""
    if subscription.protocol not in set(Kind):
        return None
    try:
        return MAKERS[Kind(subscription.protocol)](subscription.endpoint, topic)
    except InvalidInput:
        return None


def _refuse_a_part_of_a_stack(access: Access, target: Target) -> None:
    if target.kind is not Kind.QUEUE or target.account_id != access.topic.account_id:
        return
    found = find(access.client("sqs", target.region), target.name, target.account_id)
    if found is None or not found.stack:
        return
    undelivered = find(
        access.client("sqs"), undelivered_name(target, access.topic), target.account_id
    )
    if undelivered is not None and undelivered.is_made_for(access.topic.arn):
        return  # Only the queue is part of a stack: `subscribe` has subscribed it.
    own = access.topic.name.removesuffix(FIFO) == f"{found.stack}-opens"
    remedy = (
        "`email-opens unsubscribe alert` ends it"
        if own
        else f"`aws cloudformation delete-stack --region {target.region} --stack-name "
        f"{found.stack}` deletes all of it"
    )
    raise InvalidInput(
        f"The queue {target.name} and its subscription belong to the stack {found.stack}: {remedy}."
    )


def _plan_rest(
    plan: Plan,
    access: Access,
    target: Target,
    ended: Subscription | None,
    *,
    with_messages: bool,
) -> None:
    """Plan the removal of all but the subscription, which ends."""
    topic = access.topic
    remove = partial(
        plan_removal,
        plan,
        access,
        with_messages=with_messages,
        user=lambda arn: _user(access, arn, ended),
    )
    if target.account_id != topic.account_id:
        plan.notes.append(
            f"What {target.shown} has for this topic in the AWS account {target.account_id} stays."
        )
        return
    if target.kind is Kind.QUEUE:
        if remove(target.region, target.name):
            remove(target.region, target.failed)
    elif target.kind is Kind.FUNCTION:
        plan_no_permission(plan, access, target)
    elif target.kind is Kind.STREAM:
        plan_no_role(plan, access, target)
    if target.kind is not Kind.ADDRESS:
        remove(topic.region, undelivered_name(target, topic))


def _user(access: Access, arn: str, ended: Subscription | None) -> str | None:
    """Return which subscription that stays, or queue of one, has a queue as dead-letter queue."""
    for subscription in listed(access):
        if subscription == ended:
            continue
        target = _target_of(subscription, access.topic)
        if target is not None and target.kind is Kind.QUEUE:
            failed = queue_arn(access.topic, target.failed, target.region)
            if arn == failed and target.account_id == access.topic.account_id:
                return target.shown
        attributes = {} if subscription.pending else attributes_of(access, subscription)
        redrive = json.loads(attributes.get("RedrivePolicy") or "{}")
        if redrive.get("deadLetterTargetArn") == arn:
            name = shortened(subscription.protocol, subscription.endpoint)
            return f"the subscription of {name}"
    return None


def _targets(text: str, topic: Topic) -> Iterator[Target]:
    """Yield what a text may name."""
    for make in MAKERS.values():
        try:
            yield make(text, topic)
        except InvalidInput:
            continue  # It is no name of this kind.

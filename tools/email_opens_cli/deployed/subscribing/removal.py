"""The end of a subscription, and the removal of what `subscribe` has created for it."""

from collections.abc import Iterator, Sequence

from botocore.exceptions import ClientError

from email_opens.errors import InvalidInput
from email_opens_cli.deployed.clients import code_of
from email_opens_cli.deployed.subscribing.endpoints import plan_no_permission, plan_no_role
from email_opens_cli.deployed.subscribing.plans import Access, Plan, explained
from email_opens_cli.deployed.subscribing.queues import find, plan_removal
from email_opens_cli.deployed.subscribing.subscriptions import Subscription, listed, plan_end
from email_opens_cli.deployed.subscribing.targets import (
    FIFO,
    MAKERS,
    Kind,
    Target,
    Topic,
    named,
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
        arns = ", ".join(each.endpoint for each in found)
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
            _plan_rest(plan, access, target, with_messages=with_messages)
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
        _plan_rest(plan, access, target, with_messages=with_messages)


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


def _plan_rest(plan: Plan, access: Access, target: Target, *, with_messages: bool) -> None:
    """Plan the removal of all but the subscription."""
    topic = access.topic
    if target.account_id != topic.account_id:
        plan.notes.append(
            f"What {target.shown} has for this topic in the AWS account {target.account_id} stays."
        )
        return
    if target.kind is Kind.QUEUE:
        gone = plan_removal(plan, access, target.region, target.name, with_messages=with_messages)
        if gone:
            plan_removal(plan, access, target.region, target.failed, with_messages=with_messages)
    elif target.kind is Kind.FUNCTION:
        plan_no_permission(plan, access, target)
    elif target.kind is Kind.STREAM:
        plan_no_role(plan, access, target)
    if target.kind is not Kind.ADDRESS:
        name = undelivered_name(target, topic)
        plan_removal(plan, access, topic.region, name, with_messages=with_messages)


def _targets(text: str, topic: Topic) -> Iterator[Target]:
    """Yield what a text may name."""
    for make in MAKERS.values():
        try:
            yield make(text, topic)
        except InvalidInput:
            continue  # It is no name of this kind.

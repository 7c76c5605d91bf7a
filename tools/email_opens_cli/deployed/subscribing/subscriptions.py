"""The subscription itself: found, created, changed and removed."""

import json
from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from botocore.exceptions import ClientError
from msgspec import Struct

from email_opens.errors import InvalidInput
from email_opens_cli.deployed.clients import code_of, is_missing
from email_opens_cli.deployed.queues import PREFIX
from email_opens_cli.deployed.subscribing.documents import wire
from email_opens_cli.deployed.subscribing.plans import Access, Plan, explained
from email_opens_cli.deployed.subscribing.targets import Kind, Target

_ROLE_TRIES = 6
_ROLE_PAUSE = timedelta(seconds=5)
"""A new role can be used after some seconds."""
NOTES = {
    Kind.ADDRESS: (
        "AWS sends the address a message with a link, which somebody must open within two days; "
        "until then, nothing is delivered. Afterwards, each open is a message with the event in "
        "JSON."
    ),
    Kind.URL: (
        "The endpoint must confirm within two days; until then, nothing is delivered. SNS sends "
        "it a POST with the header x-amz-sns-message-type: SubscriptionConfirmation, whose JSON "
        "has a SubscribeURL that the endpoint must request. Afterwards, the body of each POST is "
        "an event. `email-opens subscriptions` shows whether the endpoint has confirmed."
    ),
    Kind.FUNCTION: (
        "Lambda tries an open three times, and drops it after that unless the function has a "
        "destination for failures."
    ),
}
"""What a person must do or know after a subscription was created."""
_BY_ATTRIBUTES = "MessageAttributes"
_UNTIL_EFFECTIVE = "SNS applies a changed filter within 15 minutes."


class Subscription(Struct, frozen=True):
    """A subscription, as SNS lists it."""

    arn: str
    protocol: str
    endpoint: str

    @property
    def pending(self) -> bool:
        """Whether its endpoint has not confirmed it; then its ARN is not known."""
        return not self.arn.startswith("arn:")


def listed(access: Access) -> list[Subscription]:
    """Return the topic's subscriptions, without those of `tail`.

    Raises:
        InvalidInput: the topic does not exist.
    """
    sns, arn = access.client("sns"), access.topic.arn
    try:
        with explained():
            pages = sns.get_paginator("list_subscriptions_by_topic").paginate(TopicArn=arn)
            found = [each for page in pages for each in page["Subscriptions"]]
            if not found:
                sns.get_topic_attributes(TopicArn=arn)
    except ClientError as error:
        if not is_missing(error):
            raise
        raise InvalidInput(
            f"There is no topic {arn}: name the right stack with --stack, choose its region with "
            "AWS_REGION, or deploy it with `make deploy`."
        ) from None
    return [
        Subscription(each["SubscriptionArn"], each["Protocol"], each.get("Endpoint", ""))
        for each in found
        if PREFIX not in each.get("Endpoint", "")
    ]


def attributes_of(access: Access, subscription: Subscription) -> Mapping[str, str]:
    sns = access.client("sns")
    reply = sns.get_subscription_attributes(SubscriptionArn=subscription.arn)
    attributes: Mapping[str, str] = reply["Attributes"]
    return attributes


class Current(Struct, frozen=True):
    """The subscription that a target has."""

    subscription: Subscription
    attributes: Mapping[str, str]
    """Empty as long as it is not confirmed."""

    def other(self, attribute: str, own: str) -> str | None:
        """Return the value of an attribute that somebody else has set; None: there is none."""
        value = self.attributes.get(attribute)
        return value if value and own not in value else None


def current(access: Access, target: Target) -> Current | None:
    """Return the subscription of a target; None: it has none.

    Raises:
        InvalidInput: the topic does not exist.
    """
    for each in listed(access):
        if (each.protocol, each.endpoint) == (target.kind, target.endpoint):
            return Current(each, {} if each.pending else attributes_of(access, each))
    return None


def plan_subscription(
    plan: Plan,
    access: Access,
    target: Target,
    found: Current | None,
    properties: Mapping[str, Any],
) -> None:
    """Plan the subscription, or the changes of the one that was found."""
    wanted, policy = wire(properties), properties.get("FilterPolicy", {})
    if found is None or found.subscription.pending:
        plan.sends_request = target.kind in (Kind.ADDRESS, Kind.URL)
        plan.notes += filter(None, [NOTES.get(target.kind)])
    if found is None:
        raw = " with raw delivery" if "RawMessageDelivery" in wanted else ""
        plan.add(
            f"subscribe {target.shown} to the topic {access.topic.name}{raw}, {_with(policy)}",
            lambda: _subscribe(access, target, wanted),
        )
    elif found.subscription.pending:
        plan.exists.append(f"The subscription of {target.shown} exists, but is not confirmed.")
        plan.add(
            f"send {target.shown} the request to confirm it again, {_with(policy)}",
            lambda: _subscribe_again(access, target, wanted),
        )
    else:
        _plan_changes(plan, access, target, found, wanted)


def _plan_changes(
    plan: Plan, access: Access, target: Target, found: Current, wanted: Mapping[str, str]
) -> None:
    has, arn = found.attributes, found.subscription.arn
    plan.exists.append(f"{target.subject} is subscribed.")

    def set_to(name: str, value: str) -> None:
        access.client("sns").set_subscription_attributes(
            SubscriptionArn=arn, AttributeName=name, AttributeValue=value
        )

    before, after = _read(has.get("FilterPolicy")), _read(wanted.get("FilterPolicy"))
    by_body = has.get("FilterPolicyScope", _BY_ATTRIBUTES) != _BY_ATTRIBUTES

    def replace_filter() -> None:
        if by_body and after:
            # A policy for bodies may not be one for attributes, so that it goes first.
            set_to("FilterPolicy", "{}")
            set_to("FilterPolicyScope", _BY_ATTRIBUTES)
        set_to("FilterPolicy", json.dumps(after))

    if before != after or (by_body and after):
        by = " by the body" if by_body and before else ""
        plan.add(
            f"replace {_filter(before)}{by} of the subscription with {_filter(after)}",
            replace_filter,
        )
        plan.notes.append(_UNTIL_EFFECTIVE)
    else:
        plan.exists.append(f"The subscription has {_filter(after)}.")
    if "RedrivePolicy" in wanted and not has.get("RedrivePolicy"):
        plan.add(
            "send what SNS cannot deliver to that queue",
            lambda: set_to("RedrivePolicy", wanted["RedrivePolicy"]),
        )
    if "RawMessageDelivery" in wanted and has.get("RawMessageDelivery", "").lower() != "true":
        plan.warnings.append(
            f"{target.subject} was subscribed without raw delivery, which stays, because its "
            "consumer may depend on SNS's envelope. To change it: `aws sns "
            f"set-subscription-attributes --region {access.topic.region} --subscription-arn {arn} "
            "--attribute-name RawMessageDelivery --attribute-value true`."
        )


def _subscribe(access: Access, target: Target, attributes: Mapping[str, str]) -> str:
    """Subscribe a target; return the subscription's ARN, even if it is not confirmed yet."""
    for left in reversed(range(_ROLE_TRIES)):
        try:
            reply = access.client("sns").subscribe(
                TopicArn=access.topic.arn,
                Protocol=str(target.kind),
                Endpoint=target.endpoint,
                Attributes=dict(attributes),
                ReturnSubscriptionArn=True,
            )
        except ClientError as error:
            of_role = "SubscriptionRoleArn" in attributes and code_of(error).startswith("Invalid")
            if not (left and of_role):
                raise
            access.clock.sleep(_ROLE_PAUSE.total_seconds())
        else:
            return str(reply["SubscriptionArn"])
    raise AssertionError  # The last try raises.


def _subscribe_again(access: Access, target: Target, attributes: Mapping[str, str]) -> None:
    arn = _subscribe(access, target, {})
    for name, value in ({"FilterPolicy": "{}"} | dict(attributes)).items():
        access.client("sns").set_subscription_attributes(
            SubscriptionArn=arn, AttributeName=name, AttributeValue=value
        )


def plan_end(plan: Plan, access: Access, subscription: Subscription, shown: str) -> None:
    """Plan the end of a subscription."""
    if subscription.pending:
        plan.exists.append(
            f"The subscription of {shown} was never confirmed: SNS deletes it after two days."
        )
        return
    plan.add(
        f"end the subscription of {shown}",
        lambda: access.client("sns").unsubscribe(SubscriptionArn=subscription.arn),
    )


def _with(policy: Mapping[str, Any]) -> str:
    return f"with {_filter(policy)}" if policy else "for all opens"


def _filter(policy: Mapping[str, Any]) -> str:
    return f"the filter {json.dumps(policy, ensure_ascii=False)}" if policy else "no filter"


def _read(policy: str | None) -> dict[str, Any]:
    found = json.loads(policy or "{}")
    return found if isinstance(found, dict) else {}

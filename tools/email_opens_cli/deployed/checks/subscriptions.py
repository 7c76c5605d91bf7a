"""Checks of the topic and its subscriptions: whether each can receive what is published."""

import json
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor

from botocore.exceptions import ClientError

from email_opens_cli.deployed.checks.finding import (
    Deployment,
    Finding,
    Result,
    good,
    unchecked,
    warning,
    wrong,
)
from email_opens_cli.deployed.clients import is_missing
from email_opens_cli.deployed.policies import allows
from email_opens_cli.deployed.queues import PREFIX, attributes_of
from email_opens_cli.terminal.words import count

SUBJECT = "subscription"
_AT_ONCE = 8


def topic(deployment: Deployment) -> Iterator[Finding]:
    """Check the topic, and then each subscription except those of `tail`."""
    arn, sns = deployment.product.settings.opens_topic_arn, deployment.clients("sns")
    pages = sns.get_paginator("list_subscriptions_by_topic").paginate(TopicArn=arn)
    found = [
        subscription
        for page in pages
        for subscription in page["Subscriptions"]
        if PREFIX not in subscription.get("Endpoint", "")
    ]
    if not found:
        sns.get_topic_attributes(TopicArn=arn)  # raises if the topic does not exist
        yield warning(
            "topic",
            "nothing is subscribed to it, so published opens are lost",
            "Run `email-opens subscribe --queue NAME`.",
        )
        return
    yield good("topic", count(len(found), "subscription"))
    with ThreadPoolExecutor(max_workers=_AT_ONCE) as threads:
        checked = list(threads.map(lambda each: _subscription(deployment, each), found))
    for finding in checked:
        if finding.result is not Result.OK:
            yield finding
    fine = sum(finding.result is Result.OK for finding in checked)
    if fine:
        yield good("subscriptions", f"{fine} can receive")


def _subscription(deployment: Deployment, subscription: Mapping[str, str]) -> Finding:
    endpoint, arn = subscription.get("Endpoint", ""), subscription["SubscriptionArn"]
    if not arn.startswith("arn:"):  # PendingConfirmation
        return warning(
            SUBJECT, f"{endpoint} has not confirmed it", "Confirm it, or subscribe it again."
        )
    try:
        attributes = deployment.clients("sns").get_subscription_attributes(SubscriptionArn=arn)
        redrive = json.loads(attributes["Attributes"].get("RedrivePolicy") or "{}")
        return (
            _endpoint(deployment, subscription)
            or _dead_letters(deployment, endpoint, redrive.get("deadLetterTargetArn"))
            or good(SUBJECT, endpoint)
        )
    except ClientError as error:
        code = error.response["Error"]["Code"]
        return unchecked(SUBJECT, f"{endpoint} could not be checked ({code})")
    except (ValueError, AttributeError):
        return unchecked(SUBJECT, f"{endpoint} could not be checked: a policy is malformed")


def _endpoint(deployment: Deployment, subscription: Mapping[str, str]) -> Finding | None:
    """Return what keeps the endpoint from receiving; None: nothing that can be seen."""
    endpoint, protocol = subscription["Endpoint"], subscription["Protocol"]
    again = (
        "Delete the subscription with `aws sns unsubscribe --subscription-arn "
        f"{subscription['SubscriptionArn']}`, or create its endpoint again."
    )
    if protocol == "lambda":
        try:
            deployment.clients("lambda").get_function_configuration(FunctionName=endpoint)
        except ClientError as error:
            if is_missing(error):
                return wrong(SUBJECT, f"the function {endpoint} does not exist", again)
            raise
    if protocol != "sqs":
        return None
    attributes = _queue(deployment, endpoint)
    if attributes is None:
        return wrong(SUBJECT, f"the queue {endpoint} does not exist", again)
    topic_arn = deployment.product.settings.opens_topic_arn
    if not allows(attributes.get("Policy"), topic_arn):
        return wrong(
            SUBJECT,
            f"the policy of the queue {endpoint} does not let the topic send to it",
            f"Run `email-opens subscribe --queue {endpoint}`, with the --only of the subscription "
            "if it has a filter: it adds a statement to the policy.",
        )
    return None


def _dead_letters(deployment: Deployment, endpoint: str, arn: str | None) -> Finding | None:
    """Return what its dead-letter queue says about a subscription; None: nothing."""
    if not arn:
        return None
    attributes = _queue(deployment, arn)
    if attributes is None:
        return wrong(
            SUBJECT,
            f"the dead-letter queue {arn} of {endpoint} does not exist",
            "Create it, or set another RedrivePolicy.",
        )
    count = int(attributes.get("ApproximateNumberOfMessages", 0))
    if not count:
        return None
    return wrong(
        SUBJECT,
        f"{count} messages for {endpoint} were not delivered and are in {arn}",
        "Correct the endpoint, then send it what it missed with "
        "`email-opens replay E-MAIL --since 1d --to QUEUE_URL`.",
    )


def _queue(deployment: Deployment, arn: str) -> Mapping[str, str] | None:
    """Return the attributes of a queue; None: it does not exist."""
    sqs = deployment.clients("sqs")
    _, _, _, region, owner, name = arn.split(":", 5)
    if region != sqs.meta.region_name:
        raise ClientError({"Error": {"Code": f"it is in {region}"}}, "GetQueueAttributes")
    found = attributes_of(sqs, name, owner, ("Policy", "ApproximateNumberOfMessages"))
    return None if found is None else found.attributes

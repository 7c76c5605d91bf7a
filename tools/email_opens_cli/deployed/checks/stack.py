"""Checks of what the stack has created: tables, topic, queues, schedule, function, alarms."""

from collections.abc import Iterator
from typing import Any

from botocore.exceptions import ClientError

from email_opens.errors import AccountBusy
from email_opens.events import bucket
from email_opens_cli.deployed.checks.finding import Deployment, Finding, good, unchecked, wrong
from email_opens_cli.deployed.leases import hold
from email_opens_cli.deployed.product import aws
from email_opens_cli.deployed.queues import left_over

ACTIVITY = "00000000-0000-4000-8000-000000000000"


def tracking(deployment: Deployment) -> Iterator[Finding]:
    """Read the table; write it by taking the lease of an account that exists."""
    product, account_id = deployment.product, deployment.account_id
    tracked = f"{len(product.tracking.activities(account_id))} activities are tracked"
    if product.tracking.account(account_id) is None:
        yield good("tracking table", f"read; {tracked}; account {account_id} is new")
        return
    try:
        with hold(product.leases, account_id, "doctor", wait=deployment.wait):
            pass
    except AccountBusy as error:
        yield unchecked("tracking table", f"read; {tracked}", str(error))
        return
    yield good("tracking table", f"read and written; {tracked}")


def ledger(deployment: Deployment) -> Iterator[Finding]:
    hour = bucket(deployment.product.clock.now())
    deployment.product.ledger.fingerprints(ACTIVITY, hour, hour)
    yield good("ledger table", "read")


def topic(deployment: Deployment) -> Iterator[Finding]:
    arn = deployment.product.settings.opens_topic_arn
    found = aws().client("sns").get_topic_attributes(TopicArn=arn)["Attributes"]
    confirmed = int(found.get("SubscriptionsConfirmed", 0))
    yield good("topic", f"{confirmed} subscriptions")


def dead_letters(deployment: Deployment) -> Iterator[Finding]:
    sqs = aws().client("sqs")
    found = sqs.get_queue_attributes(
        QueueUrl=deployment.product.settings.dead_letter_queue_url,
        AttributeNames=["ApproximateNumberOfMessages"],
    )
    count = int(found["Attributes"]["ApproximateNumberOfMessages"])
    if count:
        yield wrong(
            "dead-letter queue", f"{count} dead letters", "Run `email-opens dead-letters list`."
        )
    else:
        yield good("dead-letter queue", "empty")


def schedule(deployment: Deployment) -> Iterator[Finding]:
    group, account_id = deployment.environment.get("SCHEDULE_GROUP"), deployment.account_id
    if not group:
        yield _not_without_stack("schedule")
        return
    client: Any = aws().client("scheduler")
    try:
        found = client.get_schedule(GroupName=group, Name=account_id)
    except ClientError as error:
        if error.response["Error"]["Code"] != "ResourceNotFoundException":
            raise
        remedy = f"Run `email-opens connect {account_id}`."
        yield wrong("schedule", f"nothing polls account {account_id}", remedy)
        return
    if found["State"] == "ENABLED":
        yield good("schedule", f"{found['ScheduleExpression']}, enabled")
    else:
        yield wrong("schedule", "it is disabled", "Deploy the stack with ScheduleState=ENABLED.")


def function(deployment: Deployment) -> Iterator[Finding]:
    name = deployment.environment.get("POLL_OPENS_FUNCTION")
    if not name:
        yield _not_without_stack("function")
        return
    found = aws().client("lambda").get_function_configuration(FunctionName=name)
    state = found.get("State", "Active")
    if state in ("Active", "Inactive"):  # Inactive: idle for long, and loaded again when invoked.
        yield good("function", f"{name} is there")
    else:
        why = found.get("StateReason", "")
        yield wrong("function", f"{state}: {why}", "Deploy the stack again.")


def alarms(deployment: Deployment) -> Iterator[Finding]:
    if deployment.stack is None:
        yield _not_without_stack("alarms")
        return
    client: Any = aws().client("cloudwatch")
    pages = client.get_paginator("describe_alarms").paginate(AlarmNamePrefix=f"{deployment.stack}-")
    every = [alarm for page in pages for alarm in page.get("MetricAlarms", [])]
    ringing = [alarm for alarm in every if alarm["StateValue"] == "ALARM"]
    for alarm in ringing:
        remedy = alarm.get("AlarmDescription") or "See docs/operations.md."
        yield wrong("alarm", alarm["AlarmName"], remedy)
    if not ringing:
        yield good("alarms", f"none of {len(every)} is in alarm")


def left_overs(deployment: Deployment) -> Iterator[Finding]:
    topic_arn = deployment.product.settings.opens_topic_arn
    urls = left_over(aws().client("sqs"), topic_arn, deployment.product.clock.now())
    for url in urls:
        yield wrong(
            "left-overs",
            f"a `tail` that was killed has left the queue {url}",
            "The next `email-opens tail` removes it.",
        )
    if not urls:
        yield good("left-overs", "no `tail` has left a queue")


def _not_without_stack(subject: str) -> Finding:
    return unchecked(subject, "not checked", "Add --stack NAME.")

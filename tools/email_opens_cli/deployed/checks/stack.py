"""Checks of the stack itself: its version, its queues and its alarms."""

from collections.abc import Iterator
from importlib.metadata import PackageNotFoundError
from importlib.metadata import version as installed_version

from email_opens.config.stack import Monitoring
from email_opens_cli.deployed.checks.finding import (
    Deployment,
    Finding,
    good,
    not_without_stack,
    unchecked,
    warning,
    wrong,
)
from email_opens_cli.deployed.queues import left_over


def version(deployment: Deployment) -> Iterator[Finding]:
    """Compare the version of the deployed code with that of this command."""
    if deployment.stack is None:
        yield not_without_stack("version")
        return
    deployed = deployment.environment.get("EMAIL_OPENS_VERSION")
    try:
        here = installed_version("email-opens")
    except PackageNotFoundError:
        yield unchecked("version", f"{deployed} is deployed; that of this command is not known")
        return
    if deployed == here:
        yield good("version", f"{here} is deployed, as is this command")
    else:
        yield warning(
            "version",
            f"{deployed or 'a version before 0.1.0'} is deployed, and this command is {here}",
            "Run `make deploy` with the newer of the two, or use the command of that version.",
        )


def dead_letters(deployment: Deployment) -> Iterator[Finding]:
    found = deployment.clients("sqs").get_queue_attributes(
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


def alarms(deployment: Deployment) -> Iterator[Finding]:
    """Check the stack's alarms, except those that watch another account."""
    if deployment.stack is None:
        yield not_without_stack("alarms")
        return
    if deployment.product.settings.monitoring is Monitoring.NONE:
        yield unchecked(
            "alarms",
            "the stack has no alarms and no metrics (Monitoring=none): nothing reports by itself "
            "that opens stop arriving, and only the log says how late they were",
            "Run `email-opens doctor --quiet` from cron, or run "
            "`make deploy PARAMETERS=Monitoring=basic`.",
        )
        return
    client, topic = deployment.clients("cloudwatch"), deployment.environment.get("ALARM_TOPIC_ARN")
    pages = client.get_paginator("describe_alarms").paginate(AlarmNamePrefix=f"{deployment.stack}-")
    every = [
        alarm
        for page in pages
        for alarm in page.get("MetricAlarms", [])
        # The names of another stack may begin alike.
        if (topic is None or topic in alarm.get("AlarmActions", []))
        and deployment.account_id == _account_id(alarm.get("Dimensions", []), deployment.account_id)
    ]
    ringing = [alarm for alarm in every if alarm["StateValue"] == "ALARM"]
    for alarm in ringing:
        remedy = alarm.get("AlarmDescription") or "See docs/operations.md."
        yield wrong("alarm", alarm["AlarmName"], remedy)
    if not ringing:
        yield good("alarms", f"none of {len(every)} is in alarm")


def left_overs(deployment: Deployment) -> Iterator[Finding]:
    topic_arn = deployment.product.settings.opens_topic_arn
    urls = left_over(deployment.clients("sqs"), topic_arn, deployment.product.clock.now())
    for url in urls:
        yield warning(
            "left-overs",
            f"a `tail` that was killed has left the queue {url}",
            "The next `email-opens tail` removes it.",
        )
    if not urls:
        yield good("left-overs", "no `tail` has left a queue")


def _account_id(dimensions: list[dict[str, str]], default: str) -> str:
    """Return the account that an alarm watches; one without an account watches all."""
    named = (found["Value"] for found in dimensions if found["Name"] == "account_id")
    return next(named, default)

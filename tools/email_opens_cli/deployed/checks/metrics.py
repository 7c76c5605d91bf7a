"""Checks of what CloudWatch has counted in the last hour: failed invocations and deliveries."""

import json
from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError
from msgspec import Struct

from email_opens_cli.deployed.checks.finding import (
    Deployment,
    Finding,
    good,
    not_without_stack,
    unchecked,
    warning,
    wrong,
)
from email_opens_cli.deployed.checks.functions import FUNCTION
from email_opens_cli.deployed.metrics import Metric, Values, measured

WINDOW = timedelta(hours=1)
LATEST = 3
"""If every invocation of so many latest minutes failed, the function fails now."""
_PERIOD = timedelta(minutes=1)
_LAMBDA = ("Invocations", "Errors", "Throttles")
_ERRORS = "?errorType ?Task"
"""The pattern of CloudWatch Logs for what the runtime logs of a failed invocation."""
# Of these errors the message holds no data: the code could not be loaded, or was not in time.
_PLAIN = ("Runtime.", "Sandbox.", "ImportError", "ModuleNotFoundError", "InvalidSettings")


class Invocations(Struct, frozen=True):
    """A function's invocations by minute."""

    started: Values
    failed: Values
    throttled: Values

    def fails_now(self, completed_at: datetime | None) -> bool:
        """Return whether the latest failed, and no work was completed after them."""
        minutes = sorted((at for at in self.started if self.started[at]), reverse=True)[:LATEST]
        if not minutes or (completed_at is not None and completed_at >= minutes[0] + _PERIOD):
            return False
        return all(self.failed.get(minute, 0) >= self.started[minute] for minute in minutes)


def invocations(deployment: Deployment) -> Iterator[Finding]:
    """Check whether the function fails when it is invoked, and whether SNS fails to deliver."""
    name = deployment.environment.get(FUNCTION)
    if not name:
        yield not_without_stack("invocations")
        return
    topic = deployment.product.settings.opens_topic_arn.rpartition(":")[2]
    undelivered = Metric("AWS/SNS", "NumberOfNotificationsFailed", "TopicName", topic)
    wanted = [Metric("AWS/Lambda", metric, "FunctionName", name) for metric in _LAMBDA]
    now = deployment.product.clock.now()
    counts = measured(
        deployment.clients("cloudwatch"),
        [*wanted, undelivered],
        start=now - WINDOW,
        end=now + _PERIOD,
        period=_PERIOD,
    )
    account = deployment.product.tracking.account(deployment.account_id)
    completed_at = account.turn_completed_at if account else None
    yield _of_function(deployment, name, Invocations(*(counts[m] for m in wanted)), completed_at)
    failed = int(sum(counts[undelivered].values()))
    if failed:
        yield wrong(
            "deliveries",
            f"SNS could not deliver {failed} messages of the topic in the last hour",
            "Correct the subscription that the findings name, then send it what it missed with "
            "`email-opens replay E-MAIL --since 2h --to QUEUE_URL`.",
        )
    else:
        yield good("deliveries", "none failed in the last hour")


def _of_function(
    deployment: Deployment, name: str, found: Invocations, completed_at: datetime | None
) -> Finding:
    now = deployment.product.clock.now()
    started, failed = int(sum(found.started.values())), int(sum(found.failed.values()))
    throttled = int(sum(found.throttled.values()))
    what = f"{failed} of {started} failed in the last hour"
    group = _log_group(deployment, name)
    read_log = f"Run `aws logs tail {group} --since 1h`"
    if found.fails_now(completed_at):
        reason = latest_error(deployment, group, now - WINDOW)
        return wrong(
            "invocations",
            f"{what}, and so did the latest{f': {reason}' if reason else ''}",
            f"{read_log}, correct the cause, and run `make deploy`.",
        )
    if not started:
        # CloudWatch counts minutes later, if at all; the log is there at once.
        reason = latest_error(deployment, group, max(completed_at or now - WINDOW, now - WINDOW))
        if reason:
            return wrong(
                "invocations",
                f"the log ends with {reason}",
                f"{read_log}, correct the cause, and run `make deploy`.",
            )
        return unchecked("invocations", "none was counted in the last hour")
    if throttled:
        return warning(
            "invocations",
            f"{throttled} were throttled in the last hour",
            "Run `aws lambda get-account-settings`: the concurrency of the AWS account is used up.",
        )
    if failed:
        return warning("invocations", what, f"The latest succeeded. {read_log}.")
    return good("invocations", f"none of {started} failed in the last hour")


def _log_group(deployment: Deployment, name: str) -> str:
    found = deployment.clients("lambda").get_function_configuration(FunctionName=name)
    group: str = found.get("LoggingConfig", {}).get("LogGroup", f"/aws/lambda/{name}")
    return group


def latest_error(deployment: Deployment, group: str, since: datetime) -> str:
    """Return the latest error in a log since an instant; empty: there is none that can be read."""
    try:
        reply = deployment.clients("logs").filter_log_events(
            logGroupName=group,
            startTime=int(since.timestamp() * 1000),
            filterPattern=_ERRORS,
        )
    except (ClientError, BotoCoreError):
        return ""
    errors = (error_in(event.get("message", "")) for event in reversed(reply.get("events", [])))
    return next((error for error in errors if error), "")


def error_in(line: str) -> str:
    """Return what a line of the log says about a failed invocation; empty: nothing.

    A message may hold data, so that it is returned only if it is about the code.
    """
    if "Task timed out" in line:
        return "Task timed out"
    try:
        entry = json.loads(line[line.index("{") :])
    except (ValueError, RecursionError):
        return ""
    if not isinstance(entry, dict):
        return ""
    fields: dict[str, Any] = entry | (
        entry["message"] if isinstance(entry.get("message"), dict) else {}
    )
    kind, message = str(fields.get("errorType", "")), str(fields.get("errorMessage", ""))
    if not kind:
        return ""
    return f"{kind}: {message[:200]}" if kind.startswith(_PLAIN) and message else kind

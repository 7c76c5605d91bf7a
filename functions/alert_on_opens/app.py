"""Invoked with a batch of opens from a queue: post them to a chat, each once."""

import os
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import Any

from aws_lambda_powertools import Logger
from aws_lambda_powertools.utilities.typing import LambdaContext

from email_opens.adapters.aws.alerts.queue import REASON, DeadLetter
from email_opens.alerts.alerts import Delivered, Incoming
from email_opens.bootstrap.alerts import Alert, bootstrap_alert
from email_opens.errors import InvalidSettings

COMMIT_SECONDS = 10
"""Reserved at the end of an invocation, to settle the messages of the batch."""

logger = Logger(service="alert_on_opens")


@cache
def alert() -> Alert:
    return bootstrap_alert(os.environ)


if "AWS_LAMBDA_RUNTIME_API" in os.environ:
    # Lambda gives a whole processor to what runs before the first invocation, and then a part.
    with suppress(Exception):  # The first invocation tries again, and reports it.
        alert()


def handler(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    """Post the opens of a batch; return the messages that stay in the queue."""
    logger.append_keys(function_request_id=context.aws_request_id)
    records = {record["messageId"]: record for record in event["Records"]}
    try:
        product = alert()
    except InvalidSettings as error:
        logger.error(str(error))  # noqa: TRY400 - the sentence says it all
        return _failures(records)
    left = timedelta(milliseconds=context.get_remaining_time_in_millis())
    delivered = product.alerts.deliver(
        [_incoming(record) for record in records.values()],
        before=product.clock.now() + left - timedelta(seconds=COMMIT_SECONDS),
    )
    letters = [_dead_letter(records[key], reason) for key, reason in delivered.set_aside.items()]
    kept = set(delivered.set_aside) - product.queue.set_aside(letters)
    product.queue.hide(
        {records[key]["receiptHandle"]: delay for key, delay in delivered.returned.items()}
    )
    _log(delivered, len(kept))
    return _failures([*delivered.returned, *kept])


def _incoming(record: dict[str, Any]) -> Incoming:
    sent_seconds = int(record["attributes"]["SentTimestamp"]) / 1_000
    sent_at = datetime.fromtimestamp(sent_seconds, UTC)
    return Incoming(
        key=record["messageId"],
        body=record["body"],
        receives=int(record["attributes"]["ApproximateReceiveCount"]),
        retried_at=sent_at if REASON in record["messageAttributes"] else None,
    )


def _dead_letter(record: dict[str, Any], reason: str) -> DeadLetter:
    return DeadLetter(
        key=record["messageId"],
        body=record["body"],
        attributes=record["messageAttributes"],
        reason=reason,
    )


def _failures(keys: Any) -> dict[str, Any]:
    """Return Lambda's reply for a batch of which some messages stay in the queue."""
    return {"batchItemFailures": [{"itemIdentifier": key} for key in keys]}


def _log(delivered: Delivered, kept: int) -> None:
    for problem in dict.fromkeys(delivered.problems):
        logger.error(problem)
    for key, reason in delivered.set_aside.items():
        logger.warning("Message set aside.", extra={"message_id": key, "reason": reason})
    if kept:
        logger.error(
            "The dead-letter queue did not accept all messages; the queue keeps them.",
            extra={"messages": kept},
        )
    logger.info(
        "Batch completed.",
        extra={
            "posts": delivered.posts,
            "opens": delivered.opens,
            "repeats": delivered.repeats,
            "returned": len(delivered.returned),
            "set_aside": len(delivered.set_aside),
        },
    )

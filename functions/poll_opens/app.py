"""Scheduled for an account: publish the new opens of its tracked sends."""

import os
from dataclasses import asdict
from datetime import date, timedelta
from functools import cache
from typing import Any

from aws_lambda_powertools import Logger, Metrics
from aws_lambda_powertools.metrics import MetricUnit
from aws_lambda_powertools.utilities.typing import LambdaContext

from email_opens.bootstrap import EmailOpens, bootstrap
from email_opens.config import scheduled_account_id
from email_opens.errors import (
    AccountDisconnected,
    AccountResting,
    AccountStopped,
    EmailOpensError,
    QuotaExceeded,
    unforeseen,
)
from email_opens.turns.report import TurnReport

COMMIT_SECONDS = 6
"""Reserved at the end of an invocation, to publish and record the pages in hand.

No request starts in this time, so opens wait. Four pages, the most that can be in hand, are
published and recorded in about two seconds; the rest is a margin for a slow service.
"""

logger = Logger(service="poll_opens")
metrics = Metrics(namespace="EmailOpens", service="poll_opens")


@cache
def email_opens() -> EmailOpens:
    return bootstrap(os.environ)


@metrics.log_metrics
def handler(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    """Poll the account in the event; return what was done."""
    account_id = scheduled_account_id(event)
    logger.append_keys(account_id=account_id, function_request_id=context.aws_request_id)
    product = email_opens()
    now = product.clock.now()
    until = now + timedelta(milliseconds=context.get_remaining_time_in_millis())
    turn = product.turns.take_turn(
        account_id,
        holder=context.aws_request_id,
        before=until - timedelta(seconds=COMMIT_SECONDS),
        until=until,
        stay_until=now + product.settings.stay,
    )
    _log(turn)
    _measure(turn)
    if turn.leased and not turn.requests:
        _measure_idle_token(account_id, product.clock.now().date())
    return {
        "account_id": account_id,
        "published": turn.counts.published,
        "requests": turn.requests,
        "activities": turn.activities,
        "failed": [failure.campaign_activity_id for failure in turn.failures],
        "gaps": turn.gaps,
        "leased": turn.leased,
        "stopped": str(turn.stopped) if turn.stopped else None,
    }


def _log(turn: TurnReport) -> None:
    for failure in turn.failures:
        logger.error(
            _sentence(failure.error), extra={"campaign_activity_id": failure.campaign_activity_id}
        )
    if turn.uncounted:
        logger.warning(_sentence(turn.uncounted))
    if turn.stopped:
        # The reason was logged as a warning when the rest began.
        resting = isinstance(turn.stopped, AccountResting)
        (logger.info if resting else logger.warning)(str(turn.stopped))
    if not turn.leased:
        logger.info("Another invocation works on this account.")
        return
    for decision in turn.decisions:
        logger.debug("Decision.", extra=asdict(decision))
    logger.info(
        "Turn completed.",
        extra={
            "published": turn.counts.published,
            "dead_lettered": turn.counts.dead_lettered,
            "rejected": turn.counts.rejected,
            "requests": turn.requests,
            "activities": turn.activities,
            "gaps": turn.gaps,
            "probes": turn.probes,
            "price": turn.price,
            "requests_left": turn.requests_left,
            "shortfall": turn.shortfall,
        },
    )


def _sentence(error: Exception) -> str:
    """Return an error's message; for an unforeseen one only its place, since its text may leak."""
    return str(error) if isinstance(error, EmailOpensError) else unforeseen(error)


def _measure(turn: TurnReport) -> None:
    metrics.add_dimension("account_id", turn.account_id)
    counts = {
        "OpensPublished": turn.counts.published,
        "RowsRejected": turn.counts.rejected,
        "OpensDeadLettered": turn.counts.dead_lettered,
        "Requests": turn.requests,
        "PollsFailed": len(turn.failures),
        "Throttled": turn.throttled,
        "QuotaExceeded": int(isinstance(turn.stopped, QuotaExceeded)),
        "OpensMissing": turn.counts.missing,
    }
    if turn.leased:  # Only the holder of the lease reads these.
        counts |= {
            "GapsOpen": turn.gaps,
            "Probes": turn.probes,
            "RequestsLeft": turn.requests_left,
            "BudgetShortfall": turn.shortfall,
        }
        counts["TurnsCompleted"] = int(turn.completed)
        counts["AccountDisconnected"] = int(isinstance(turn.stopped, AccountDisconnected))
    for name, value in counts.items():
        metrics.add_metric(name=name, unit=MetricUnit.Count, value=value)
    if turn.price is not None:
        metrics.add_metric(name="Price", unit=MetricUnit.NoUnit, value=turn.price)
    # A metric in an EMF record has at most 100 values: Powertools writes a record for each 100.
    for seconds in turn.counts.delays_seconds:
        metrics.add_metric(name="PublishDelay", unit=MetricUnit.Seconds, value=max(0.0, seconds))


def _measure_idle_token(account_id: str, today: date) -> None:
    """Measure how long an account without requests has not renewed its tokens."""
    days = _token_idle_days(account_id, today)
    if days is not None:
        # CloudWatch has no unit for days.
        metrics.add_metric(name="TokenIdleDays", unit=MetricUnit.NoUnit, value=days)


@cache
def _token_idle_days(account_id: str, today: date) -> int | None:
    """Return the days since the last access token expired; read once a day, not each minute."""
    try:
        expired_at = email_opens().credentials.load(account_id).expires_at
    except AccountStopped:  # The next request reports why.
        return None
    return None if expired_at is None else max(0, (today - expired_at.date()).days)

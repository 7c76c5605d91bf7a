"""Publish the new opens of an account's sends, and track its new sends, when a turn is due."""

import os
from contextlib import suppress
from datetime import date, timedelta
from functools import cache
from typing import Any

from aws_lambda_powertools import Logger, Metrics
from aws_lambda_powertools.metrics import MetricUnit
from aws_lambda_powertools.utilities.typing import LambdaContext

from email_opens.bootstrap.product import EmailOpens, bootstrap
from email_opens.config.settings import scheduled_account_id, wake_up
from email_opens.config.stack import Monitoring
from email_opens.discovery.report import Found
from email_opens.errors import (
    AccountDisconnected,
    AccountPaused,
    AccountResting,
    AccountStopped,
    BudgetSpent,
    EmailOpensError,
    InvalidInput,
    OutOfTime,
    QuotaExceeded,
    unforeseen,
)
from email_opens.scheduling.choice import Poll, Probe
from email_opens.turns.report import TurnReport

COMMIT_SECONDS = 6
"""Reserved at the end of an invocation, to publish and record the pages in hand.

No request starts in this time, so opens wait. Four pages, the most that can be in hand, are
published and recorded in about two seconds; the rest is a margin for a slow service.
"""

FORGOTTEN = (
    "More was sent within DiscoveryLookbackDays than there is room for, so the oldest sends count "
    "as seen: deploy with a shorter lookback."
)

UNNAMED = "email-opens"
"""The dimension `stack` of a function that is run without a stack."""

logger = Logger(service="poll_opens")
# Without a service, which would be another dimension.
metrics = Metrics(namespace="EmailOpens")


@cache
def email_opens() -> EmailOpens:
    return bootstrap(os.environ)


if "AWS_LAMBDA_RUNTIME_API" in os.environ:
    # Lambda gives a whole processor to what runs before the first invocation, and then a part.
    with suppress(Exception):  # The first invocation tries again, and reports it.
        email_opens()


def handler(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    """Take a turn of the account in a schedule's event, or in each wake-up; return what it did."""
    records = event.get("Records") if isinstance(event, dict) else None
    if not isinstance(records, list):
        return _take_turn(scheduled_account_id(event), None, context)
    turns = []
    for record in records:
        try:
            account_id, token = wake_up(record)
        except InvalidInput as error:
            # Not raised: the message would be delivered again.
            logger.warning(str(error))
        else:
            turns.append(_take_turn(account_id, token, context))
    return {"turns": turns}


def _take_turn(account_id: str, woken_by: str | None, context: LambdaContext) -> dict[str, Any]:
    logger.append_keys(account_id=account_id, function_request_id=context.aws_request_id)
    product = email_opens()
    now = product.clock.now()
    until = now + timedelta(milliseconds=context.get_remaining_time_in_millis())
    turn = product.turns.take_turn(
        account_id,
        holder=context.aws_request_id,
        before=until - timedelta(seconds=COMMIT_SECONDS),
        until=until,
        wake_ups=product.wake_ups,
        woken_by=woken_by,
    )
    idle = turn.leased and not turn.requests
    _log(turn, _token_idle_days(account_id, product.clock.now().date()) if idle else None)
    awaited = isinstance(turn.stopped, AccountDisconnected) and _awaits_connect(account_id)
    stack = product.settings.stack_name or UNNAMED
    _measure(turn, product.settings.monitoring, stack, awaited=awaited)
    return {
        "account_id": account_id,
        "published": turn.counts.published,
        "requests": turn.requests,
        "activities": turn.activities,
        "failed": [failure.campaign_activity_id for failure in turn.failures],
        "gaps": turn.gaps,
        "leased": turn.leased,
        "tracked": [each.campaign_activity_id for each in turn.found.tracked] if turn.found else [],
        "stopped": str(turn.stopped) if turn.stopped else None,
    }


def _log(turn: TurnReport, token_idle_days: int | None) -> None:
    for failure in turn.failures:
        logger.error(
            _sentence(failure.error), extra={"campaign_activity_id": failure.campaign_activity_id}
        )
    if turn.uncounted:
        logger.warning(_sentence(turn.uncounted))
    if turn.unsearched:
        logger.warning(
            "The search for new sends failed.", extra={"reason": _sentence(turn.unsearched)}
        )
    if turn.found:
        _log_found(turn.found)
    if turn.not_asked:
        logger.warning(str(turn.not_asked))
    if not turn.leased:
        logger.info(str(turn.stopped or "Another invocation works on this account."))
        return
    for decision in turn.decisions:
        logger.debug("Decision.", extra=_decision(decision))
    # The reason of a rest was logged as a warning when the rest began.
    calm = turn.completed or isinstance(turn.stopped, AccountResting)
    (logger.info if calm else logger.warning)(
        "Turn completed.", extra=_summary(turn) | {"token_idle_days": token_idle_days}
    )


def _decision(decision: Poll | Probe) -> dict[str, Any]:
    """Return what the line on a request contains, which is logged at the level DEBUG only."""
    if isinstance(decision, Probe):
        return {"why": "one request reads the counters of many"}
    return {
        "campaign_activity_id": decision.candidate.campaign_activity_id,
        "waiting": decision.waiting,
        "cost": decision.candidate.cost,
        "why": decision.why,
    }


def _log_found(found: Found) -> None:
    for message, activities in (
        ("Activity tracked.", found.tracked),
        ("Activity sent again.", found.woken),
    ):
        for activity in activities:
            logger.info(
                message,
                extra={
                    "campaign_activity_id": activity.campaign_activity_id,
                    "campaign_id": activity.campaign_id,
                    "campaign_name": activity.campaign_name,
                },
            )
    for campaign_id in found.left_out:
        logger.info("Campaign skipped because of its name.", extra={"campaign_id": campaign_id})
    for campaign_id in found.removed:
        logger.info(
            "Campaign skipped: it was removed at the vendor.", extra={"campaign_id": campaign_id}
        )
    for failure in found.failures:
        logger.error(_sentence(failure.error), extra={"campaign_id": failure.campaign_id})
    if found.forgotten:
        logger.warning(FORGOTTEN, extra={"sends": found.forgotten})


def _summary(turn: TurnReport) -> dict[str, Any]:
    """Return what the line on a turn contains; the formatter leaves out what is None."""
    counts = turn.counts
    return {
        "completed": int(turn.completed),
        "stopped_by": _stop(turn.stopped) if turn.stopped else None,
        "stopped": str(turn.stopped) if turn.stopped else None,
        "published": counts.published,
        "longest_delay_seconds": max(counts.delays_seconds, default=None),
        "missing": counts.missing,
        "dead_lettered": counts.dead_lettered,
        "rejected": counts.rejected,
        "activities": turn.activities,
        "failed": len(turn.failures),
        "gaps": turn.gaps,
        "requests": turn.requests,
        "throttled": turn.throttled,
        "probes": turn.probes,
        "price": turn.price,
        "requests_left": turn.requests_left,
        "shortfall": turn.shortfall,
        "woken": int(turn.woken),
        "searched_seconds_ago": turn.searched_seconds_ago,
    } | (_search(turn.found) if turn.found else {})


def _search(found: Found) -> dict[str, Any]:
    """Return what the line on a turn contains of a search for new sends."""
    return {
        "search_requests": found.requests,
        "tracked": len(found.tracked),
        "sent_again": len(found.woken),
        "campaigns": found.campaigns,
        "campaigns_failed": len(found.failures),
        "campaigns_unread": found.unread,
    }


def _stop(error: EmailOpensError) -> str:
    """Return what stopped a turn, as a word to search for."""
    match error:
        case AccountDisconnected():
            return "disconnected"
        case QuotaExceeded():
            return "quota_exceeded"
        case AccountPaused():
            return "pause"
        case BudgetSpent():
            return "budget_spent"
        case OutOfTime():
            return "out_of_time"
        case _:
            return "error"


def _sentence(error: Exception) -> str:
    """Return an error's message; for an unforeseen one only its place, since its text may leak."""
    return str(error) if isinstance(error, EmailOpensError) else unforeseen(error)


def _awaits_connect(account_id: str) -> bool:
    """Return whether the stack's own account was never connected: its turns wait for that.

    The schedule of any other account was made by a person, who may have misspelled it.
    """
    if account_id != email_opens().settings.account_id:
        return False
    account = email_opens().tracking.account(account_id)
    connected = account and (account.turn_completed_at or account.vendor_account_id)
    return not connected


def _measure(
    turn: TurnReport, monitoring: Monitoring, stack_name: str, *, awaited: bool = False
) -> None:
    """Emit the metrics of a turn; CloudWatch charges for each, and so everything else is logged.

    `awaited`: the account is still to be connected, which is no reason for an alarm.
    """
    if not turn.leased or monitoring is Monitoring.NONE:
        return
    metrics.add_dimension("stack", stack_name)
    metrics.add_dimension("account_id", turn.account_id)
    # A metric in an EMF record has at most 100 values: Powertools writes a record for each 100.
    for seconds in turn.counts.delays_seconds:
        metrics.add_metric(name="PublishDelay", unit=MetricUnit.Seconds, value=max(0.0, seconds))
    must_wait = isinstance(turn.stopped, (AccountDisconnected, QuotaExceeded)) and not awaited
    completed = turn.completed or awaited
    counts = {"TurnsCompleted": int(completed), "AccountStopped": int(must_wait)}
    if turn.search_overdue and turn.completed:
        # Only while it is so: a metric that is not sent costs nothing.
        counts["SearchOverdue"] = 1
    if monitoring is Monitoring.FULL:
        counts |= {
            "RequestsLeft": turn.requests_left,
            "ActivitiesFailed": len(turn.failures),
        }
    for name, value in counts.items():
        metrics.add_metric(name=name, unit=MetricUnit.Count, value=value)
    metrics.flush_metrics()


@cache
def _token_idle_days(account_id: str, today: date) -> int | None:
    """Return the days since the last access token expired; read once a day, not each minute."""
    try:
        expired_at = email_opens().credentials.load(account_id).expires_at
    except AccountStopped:  # The next request reports why.
        return None
    return None if expired_at is None else max(0, (today - expired_at.date()).days)

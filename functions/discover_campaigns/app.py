"""Scheduled for an account: find what it has sent, and track it."""

import os
from datetime import timedelta
from functools import cache
from typing import Any

from aws_lambda_powertools import Logger, Metrics
from aws_lambda_powertools.metrics import MetricUnit
from aws_lambda_powertools.utilities.typing import LambdaContext

from email_opens.bootstrap import DiscoverCampaigns, bootstrap_discovery
from email_opens.discovery.search import CampaignFailure, Found
from email_opens.errors import EmailOpensError, InvalidInput, OutOfTime, QuotaExceeded, unforeseen
from email_opens.model import account_id

COMMIT_SECONDS = 10
"""Kept at the end of an invocation, to record what was found."""

logger = Logger(service="discover_campaigns")
metrics = Metrics(namespace="EmailOpens", service="discover_campaigns")


@cache
def discover_campaigns() -> DiscoverCampaigns:
    return bootstrap_discovery(os.environ)


@metrics.log_metrics
def handler(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    """Search for what the account that the schedule names has sent, and say what was found."""
    account = _account(event)
    logger.append_keys(account_id=account, function_request_id=context.aws_request_id)
    product = discover_campaigns()
    left = timedelta(milliseconds=context.get_remaining_time_in_millis())
    found = product.discovery.search(
        account,
        holder=context.aws_request_id,
        before=product.clock.now() + left - timedelta(seconds=COMMIT_SECONDS),
    )
    _log(found)
    _measure(found)
    return {
        "account_id": account,
        "tracked": [one.campaign_activity_id for one in found.tracked],
        "woken": [one.campaign_activity_id for one in found.woken],
        "requests": found.requests,
        "campaigns": found.campaigns,
        "failed": [failure.campaign_id for failure in found.failures],
        "leased": found.leased,
        "stopped": str(found.stopped) if found.stopped else None,
    }


def _account(event: object) -> str:
    named = event.get("account_id") if isinstance(event, dict) else None
    if not isinstance(named, str) or not named.strip():
        raise InvalidInput('The event names no account: expected {"account_id": "default"}.')
    return account_id(named)


def _log(found: Found) -> None:
    for told, activities in (("Tracked.", found.tracked), ("Woken.", found.woken)):
        for one in activities:
            logger.info(
                told,
                extra={
                    "campaign_activity_id": one.campaign_activity_id,
                    "campaign_id": one.campaign_id,
                    "campaign_name": one.campaign_name,
                },
            )
    for campaign_id in found.left_out:
        logger.info("Left out by its name.", extra={"campaign_id": campaign_id})
    for campaign_id in found.removed:
        logger.info("Removed at the vendor: left alone.", extra={"campaign_id": campaign_id})
    for failure in found.failures:
        _log_failure(failure)
    if not found.leased:
        logger.info("Others work on this account: left for the next search.")
        return
    if found.stopped:
        logger.warning(str(found.stopped))
    logger.info(
        "Search done.",
        extra={
            "tracked": len(found.tracked),
            "woken": len(found.woken),
            "campaigns": found.campaigns,
            "requests": found.requests,
        },
    )


def _log_failure(failure: CampaignFailure) -> None:
    known = isinstance(failure.error, EmailOpensError)
    logger.error(
        str(failure.error) if known else unforeseen(failure.error),
        extra={"campaign_id": failure.campaign_id},
    )


def _measure(found: Found) -> None:
    metrics.add_dimension("account_id", found.account_id)
    stopped = found.stopped is not None and not isinstance(found.stopped, OutOfTime)
    counts = {
        "ActivitiesTracked": len(found.tracked),
        "ActivitiesWoken": len(found.woken),
        "Requests": found.requests,
        "CampaignsFailed": len(found.failures),
        "SearchesStopped": int(stopped),
        "Throttled": found.throttled,
        "QuotaExceeded": int(isinstance(found.stopped, QuotaExceeded)),
    }
    for name, value in counts.items():
        metrics.add_metric(name=name, unit=MetricUnit.Count, value=value)

"""Scheduled for an account: find its new sends and track them."""

import os
from datetime import timedelta
from functools import cache
from typing import Any

from aws_lambda_powertools import Logger
from aws_lambda_powertools.utilities.typing import LambdaContext

from email_opens.bootstrap import DiscoverCampaigns, bootstrap_discovery
from email_opens.config import scheduled_account_id
from email_opens.discovery.report import CampaignFailure, Found
from email_opens.errors import EmailOpensError, unforeseen

COMMIT_SECONDS = 10
"""Reserved at the end of an invocation, to record what was found."""

logger = Logger(service="discover_campaigns")
FORGOTTEN = (
    "More was sent within DiscoveryLookbackDays than discovery can remember, so the oldest sends "
    "count as seen: deploy with a shorter lookback."
)


@cache
def discover_campaigns() -> DiscoverCampaigns:
    return bootstrap_discovery(os.environ)


def handler(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    """Search for the sends of the account in the event; return what was found."""
    account_id = scheduled_account_id(event)
    logger.append_keys(account_id=account_id, function_request_id=context.aws_request_id)
    product = discover_campaigns()
    left = timedelta(milliseconds=context.get_remaining_time_in_millis())
    found = product.discovery.search(
        account_id,
        holder=context.aws_request_id,
        before=product.clock.now() + left - timedelta(seconds=COMMIT_SECONDS),
    )
    _log(found)
    return {
        "account_id": account_id,
        "tracked": [activity.campaign_activity_id for activity in found.tracked],
        "woken": [activity.campaign_activity_id for activity in found.woken],
        "requests": found.requests,
        "campaigns": found.campaigns,
        "failed": [failure.campaign_id for failure in found.failures],
        "leased": found.leased,
        "stopped": str(found.stopped) if found.stopped else None,
    }


def _log(found: Found) -> None:
    for message, activities in (
        ("Activity tracked.", found.tracked),
        ("Activity woken.", found.woken),
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
        _log_failure(failure)
    if not found.leased:
        logger.info("Another invocation works on this account; the next search continues.")
        return
    (logger.warning if found.stopped or found.forgotten else logger.info)(
        "Search completed.",
        extra={
            "stopped": str(found.stopped) if found.stopped else None,
            "tracked": len(found.tracked),
            "woken": len(found.woken),
            "campaigns": found.campaigns,
            "unread": found.unread,
            "failed": len(found.failures),
            "forgotten": found.forgotten,
            "advice": FORGOTTEN if found.forgotten else None,
            "requests": found.requests,
            "throttled": found.throttled,
        },
    )


def _log_failure(failure: CampaignFailure) -> None:
    foreseen = isinstance(failure.error, EmailOpensError)
    logger.error(
        str(failure.error) if foreseen else unforeseen(failure.error),
        extra={"campaign_id": failure.campaign_id},
    )

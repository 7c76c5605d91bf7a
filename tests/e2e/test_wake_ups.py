"""A wake-up as deployed: a delayed message of the queue starts the function's next turn."""

import json
import time
from datetime import UTC, datetime
from pathlib import Path

from constant_contact_emulator import Emulator
from email_opens.adapters.aws.tracking import DynamoDBTracking
from email_opens.model import Activity
from embedded_aws import EmbeddedAws
from tests.e2e.trial import ACCOUNT, parameters

MOST_SECONDS = 30
"""A wake-up is due after some five seconds, and Lambda's polling needs a moment."""


def test_a_fresh_send_is_polled_again_within_the_minute_by_a_wake_up(
    built: Path, embedded_aws: EmbeddedAws
) -> None:
    aws = embedded_aws
    with Emulator() as vendor:
        aws.client("ssm").put_parameter(
            Name=f"/woken/{ACCOUNT}",
            Type="SecureString",
            Value=json.dumps(vendor.credentials(ACCOUNT)),
        )
        stack = aws.deploy(
            built,
            "woken",
            parameters(vendor, ScheduleState="DISABLED", Discovery="DISABLED"),
        )
        now = datetime.now(UTC)
        activity_id = vendor.world.add_campaign().activity_id
        vendor.world.send(activity_id)
        tracking = DynamoDBTracking(aws.client("dynamodb"), stack.environment["TRACKING_TABLE"])
        tracking.add(
            Activity(
                account_id=ACCOUNT, campaign_activity_id=activity_id, tracked_at=now, sent_at=now
            )
        )
        reply = aws.client("lambda").invoke(
            FunctionName=stack.outputs["PollOpensFunction"],
            Payload=json.dumps({"account_id": ACCOUNT}),
        )
        assert json.loads(reply["Payload"].read())["requests"] == 1
        deadline = time.monotonic() + MOST_SECONDS
        while (woken := _woken(tracking)) < 2 and time.monotonic() < deadline:
            time.sleep(0.2)  # Lambda invokes the function without notice.
        assert woken >= 2
        polls = [sent.path for sent in vendor.requests if "/tracking/opens" in sent.path]
        assert len(polls) >= woken


def _woken(tracking: DynamoDBTracking) -> int:
    """Return how many wake-ups the chain has asked for."""
    account = tracking.account(ACCOUNT)
    return account.wake_up.chain.wake_ups if account and account.wake_up else 0

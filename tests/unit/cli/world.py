"""A deployed product without its function, and helpers that run commands against it."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from typer.testing import CliRunner, Result

from constant_contact_emulator import Emulator, Limits
from email_opens.adapters.aws.tracking import DynamoDBTracking
from email_opens.model import Activity
from email_opens_cli.main import app
from tests.conftest import Aws
from tests.event_schema import checked

ONE = "5b1e0a52-0000-4000-8000-0000000000aa"
TWO = "5b1e0a52-0000-4000-8000-0000000000bb"


def run(*arguments: str, typed: str | None = None) -> Result:
    """Run a command whose output is piped."""
    return CliRunner().invoke(app, arguments, input=typed)


@dataclass(frozen=True, slots=True)
class World:
    """The resources behind a deployed product: AWS, the vendor and the tracking table."""

    aws: Aws
    vendor: Emulator
    tracking: DynamoDBTracking

    def activities(self) -> dict[str, Activity]:
        tracked = self.tracking.activities("default")
        return {activity.campaign_activity_id: activity for activity in tracked}

    def track(self, activity_id: str, *, account_id: str = "default") -> str:
        """Track an activity without a request, whether the vendor has it or not; return its id."""
        now = self.vendor.world.clock()
        self.tracking.add(
            Activity(account_id=account_id, campaign_activity_id=activity_id, tracked_at=now)
        )
        return activity_id

    def opened(self, opens: int) -> str:
        """Send a campaign and add opens to it; return its activity's id."""
        activity_id = self.vendor.world.add_campaign().activity_id
        self.vendor.world.send(activity_id)
        for contact in range(opens):
            self.vendor.world.add_open(activity_id, contact)
        return activity_id

    def received(self, queue_url: str | None = None) -> list[dict[str, Any]]:
        """Remove and return the events of a queue, by default the subscriber's."""
        url, events = queue_url or self.aws.subscriber_url, []
        while messages := self.aws.sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10).get(
            "Messages"
        ):
            events += [json.loads(checked(message["Body"])) for message in messages]
            for message in messages:
                self.aws.sqs.delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])
        return events


@contextmanager
def deployed(aws: Aws) -> Iterator[World]:
    """Start an emulated vendor and store the account's credentials for it."""
    with Emulator(limits=Limits.off()) as vendor:
        aws.ssm.put_parameter(
            Name="/email-opens/default",
            Type="SecureString",
            Value=json.dumps(vendor.credentials()),
        )
        yield World(aws, vendor, DynamoDBTracking(aws.dynamodb, aws.tracking_table))


def settings(aws: Aws, vendor: Emulator | None = None) -> dict[str, str]:
    """Return the product's environment variables; without a vendor, its URLs are left out."""
    variables = {
        "TRACKING_TABLE": aws.tracking_table,
        "LEDGER_TABLE": aws.ledger_table,
        "OPENS_TOPIC_ARN": aws.topic_arn,
        "DEAD_LETTER_QUEUE_URL": aws.dlq_url,
        "WAKE_UPS_QUEUE_URL": aws.wake_ups_url,
        "CREDENTIALS_PREFIX": aws.credentials_prefix,
    }
    if vendor is not None:
        variables["CONSTANT_CONTACT_API_URL"] = vendor.url
        variables["CONSTANT_CONTACT_AUTH_URL"] = vendor.auth_url
    return variables


def complaint(result: Result, code: int) -> str:
    """Return stderr, after checking the exit code and that there is no traceback."""
    assert result.exit_code == code, result.output
    assert result.exception is None or isinstance(result.exception, SystemExit)
    assert "Traceback" not in result.stderr
    return result.stderr

"""A deployed product without its function, and a person who types."""

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

ONE = "5b1e0a52-0000-4000-8000-0000000000aa"
TWO = "5b1e0a52-0000-4000-8000-0000000000bb"


def run(*arguments: str, typed: str | None = None) -> Result:
    """Run a command whose output is piped."""
    return CliRunner().invoke(app, arguments, input=typed)


@dataclass(frozen=True, slots=True)
class World:
    """The environment of a deployed product, and what stands behind it."""

    aws: Aws
    vendor: Emulator
    tracking: DynamoDBTracking

    def activities(self) -> dict[str, Activity]:
        return {a.campaign_activity_id: a for a in self.tracking.activities("default")}

    def opened(self, opens: int) -> str:
        """Send a campaign that people have opened; return its activity's id."""
        activity_id = self.vendor.world.add_campaign().activity_id
        self.vendor.world.send(activity_id)
        for contact in range(opens):
            self.vendor.world.add_open(activity_id, contact)
        return activity_id

    def received(self, queue_url: str | None = None) -> list[dict[str, Any]]:
        """Take the events of a queue: the subscriber's, unless another is named."""
        url, taken = queue_url or self.aws.subscriber_url, []
        while letters := self.aws.sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10).get(
            "Messages"
        ):
            taken += [json.loads(letter["Body"]) for letter in letters]
            for letter in letters:
                self.aws.sqs.delete_message(QueueUrl=url, ReceiptHandle=letter["ReceiptHandle"])
        return taken


@contextmanager
def deployed(aws: Aws) -> Iterator[World]:
    """Emulate a vendor, and connect the account to it."""
    with Emulator(limits=Limits.off()) as vendor:
        aws.ssm.put_parameter(
            Name="/email-opens/default",
            Type="SecureString",
            Value=json.dumps(vendor.credentials()),
        )
        yield World(aws, vendor, DynamoDBTracking(aws.dynamodb, aws.tracking_table))


def settings(aws: Aws, vendor: Emulator | None = None) -> dict[str, str]:
    """Return the product's environment; without a vendor it is the real one, never asked here."""
    named = {
        "TRACKING_TABLE": aws.tracking_table,
        "LEDGER_TABLE": aws.ledger_table,
        "OPENS_TOPIC_ARN": aws.topic_arn,
        "DEAD_LETTER_QUEUE_URL": aws.dlq_url,
        "CREDENTIALS_PREFIX": aws.credentials_prefix,
    }
    if vendor is not None:
        named["CONSTANT_CONTACT_API_URL"] = vendor.url
        named["CONSTANT_CONTACT_AUTH_URL"] = vendor.auth_url
    return named


def complaint(result: Result, code: int) -> str:
    """Return what was said on stderr: a sentence, and no traceback."""
    assert result.exit_code == code, result.output
    assert result.exception is None or isinstance(result.exception, SystemExit)
    assert "Traceback" not in result.stderr
    return result.stderr

"""The product as deployed: the handler as Lambda loads it, with AWS and the vendor emulated."""

import json
import logging
import sys
import traceback
from collections.abc import Mapping
from dataclasses import dataclass, field
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from aws_lambda_powertools.utilities.typing import LambdaContext

from constant_contact_emulator import Emulator
from email_opens.account import Account
from email_opens.adapters.aws.tracking import DynamoDBTracking
from email_opens.model import Activity, State
from tests.conftest import Aws
from tests.event_schema import checked
from tests.fakes import FakeClock

ROOT = Path(__file__).parents[2]
POLL_OPENS = ROOT / "functions" / "poll_opens" / "app.py"
SCHEDULED: dict[str, str] = json.loads((ROOT / "events" / "schedule.json").read_text())
ACCOUNT = SCHEDULED["account_id"]
STACK = "email-opens"


def load(path: Path = POLL_OPENS) -> ModuleType:
    """Load a handler's module from its file, each time again, as a cold start does."""
    spec = spec_from_file_location(path.stem, path)
    assert spec
    assert spec.loader
    app = module_from_spec(spec)
    # Python caches loggers by name, with the keys and the stdout of the module that made them.
    logging.root.manager.loggerDict.pop(path.parent.name, None)
    spec.loader.exec_module(app)
    return app


class Context(LambdaContext):
    """The part of Lambda's context that the handler uses."""

    def __init__(self, *, request_id: str = "first", seconds: float = 60) -> None:
        self._aws_request_id = request_id
        self._seconds = seconds

    def get_remaining_time_in_millis(self) -> int:  # type: ignore[override] # static in the type
        return int(self._seconds * 1000)


@dataclass(slots=True)
class Output:
    """What an invocation writes to stdout, to stderr and to Lambda's own report of an error."""

    capsys: pytest.CaptureFixture[str]
    stdout: str = ""
    others: str = ""

    @staticmethod
    def follow(app: ModuleType) -> None:
        """Make a handler log to the current stdout; fixtures and tests have different ones."""
        app.logger.registered_handler.stream = sys.stdout

    def capture(self) -> None:
        captured = self.capsys.readouterr()
        self.stdout += captured.out
        self.others += captured.err

    @property
    def everything(self) -> str:
        self.capture()
        return self.stdout + self.others

    @property
    def lines(self) -> list[dict[str, Any]]:
        self.capture()
        return [json.loads(line) for line in self.stdout.splitlines()]

    @property
    def logs(self) -> list[dict[str, Any]]:
        return [line for line in self.lines if "_aws" not in line]

    @property
    def metrics(self) -> list[dict[str, Any]]:
        """Records in the embedded metric format."""
        return [line for line in self.lines if "_aws" in line]

    def measured(self, name: str) -> list[float]:
        """Return a metric's values, in order."""
        return [value for record in self.metrics for value in record.get(name, ())]


@dataclass(slots=True)
class Deployment:
    app: ModuleType
    aws: Aws
    vendor: Emulator
    clock: FakeClock
    output: Output
    tracking: DynamoDBTracking = field(init=False)

    def __post_init__(self) -> None:
        self.tracking = DynamoDBTracking(self.aws.dynamodb, self.aws.tracking_table)

    def invoke(
        self, event: object = SCHEDULED, *, request_id: str = "first", seconds: float = 60
    ) -> dict[str, Any]:
        """Invoke the handler, then let a minute pass; return its reply as decoded from JSON."""
        self.output.follow(self.app)
        try:
            context = Context(request_id=request_id, seconds=seconds)
            reply = json.dumps(self.app.handler(event, context))
        except Exception as error:
            self.output.others += "".join(traceback.format_exception(error))
            raise
        self.output.others += reply
        self.clock.sleep(60)
        decoded: dict[str, Any] = json.loads(reply)
        return decoded

    def send(self, *, opens: int = 0, account_id: str = ACCOUNT) -> str:
        """Send and track an activity that this many contacts have opened."""
        campaign = self.vendor.world.add_campaign()
        self.vendor.world.send(campaign.activity_id)
        self.tracking.add(
            Activity(
                account_id=account_id,
                campaign_activity_id=campaign.activity_id,
                tracked_at=self.clock.now(),
            )
        )
        for contact in range(opens):
            self.vendor.world.add_open(campaign.activity_id, contact)
        return campaign.activity_id

    def activity(self, activity_id: str) -> Activity:
        activities = self.tracking.activities(ACCOUNT)
        return next(item for item in activities if item.campaign_activity_id == activity_id)

    def state(self, activity_id: str) -> State:
        return self.activity(activity_id).state

    def account(self) -> Account:
        account = self.tracking.account(ACCOUNT)
        assert account
        return account

    def credentials(self) -> dict[str, str]:
        """Return the content of the account's parameter."""
        name = self.aws.credentials_prefix + ACCOUNT
        reply = self.aws.ssm.get_parameter(Name=name, WithDecryption=True)
        held: dict[str, str] = json.loads(reply["Parameter"]["Value"])
        return held

    def connect(self, credentials: Mapping[str, str]) -> None:
        self.aws.ssm.put_parameter(
            Name=self.aws.credentials_prefix + ACCOUNT,
            Type="SecureString",
            Value=json.dumps(credentials),
            Overwrite=True,
        )

    def statuses(self, path: str = "/v3/") -> list[int]:
        """Return the statuses of the requests whose path contains a text."""
        return [request.status for request in self.vendor.requests if path in request.path]

    def messages(self) -> list[dict[str, Any]]:
        """Take the messages that the subscriber has received: bodies, and attributes by name."""
        taken = self._take(self.aws.subscriber_url)
        for message in taken:
            checked(json.dumps(message["body"]))
        return taken

    def dead_letters(self) -> list[dict[str, Any]]:
        return self._take(self.aws.dlq_url)

    def received(self) -> list[dict[str, Any]]:
        """Take the events that the subscriber has received."""
        return [message["body"] for message in self.messages()]

    def _take(self, queue_url: str) -> list[dict[str, Any]]:
        taken = []
        while messages := self.aws.sqs.receive_message(
            QueueUrl=queue_url, MaxNumberOfMessages=10, MessageAttributeNames=["All"]
        ).get("Messages"):
            for message in messages:
                self.aws.sqs.delete_message(
                    QueueUrl=queue_url, ReceiptHandle=message["ReceiptHandle"]
                )
                attributes = message.get("MessageAttributes", {})
                values = {name: value["StringValue"] for name, value in attributes.items()}
                taken.append({"body": json.loads(message["Body"]), "attributes": values})
        return taken


def environment_of(aws: Aws, vendor: Emulator) -> dict[str, str]:
    """Return the function's environment as the template sets it, without searches for sends."""
    return {
        "TRACKING_TABLE": aws.tracking_table,
        "LEDGER_TABLE": aws.ledger_table,
        "OPENS_TOPIC_ARN": aws.topic_arn,
        "DEAD_LETTER_QUEUE_URL": aws.dlq_url,
        "WAKE_UPS_QUEUE_URL": aws.wake_ups_url,
        "CREDENTIALS_PREFIX": aws.credentials_prefix,
        "CONSTANT_CONTACT_API_URL": vendor.url,
        "CONSTANT_CONTACT_AUTH_URL": vendor.auth_url,
        "REQUESTS_PER_DAY": "10000",
        "REQUESTS_PER_SECOND": "4",
        "RESERVED_PERCENT": "10",
        "CAMPAIGNS_PER_PROBE": "150",
        "FINISHED_AFTER_DAYS": "60",
        "LOOKBACK_MINUTES": "120",
        "DISCOVERY": "DISABLED",
        "FIRST_OPENS": "ENABLED",
        "CONTACT_DETAILS": "full",
        "MONITORING": "basic",
        "STACK_NAME": STACK,
    }

"""The product as it is deployed: the handler as Lambda loads it, AWS and the vendor emulated."""

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
from email_opens.adapters.aws.tracking import DynamoDBTracking
from email_opens.model import Account, Activity, State
from tests.conftest import Aws
from tests.fakes import FakeClock

ROOT = Path(__file__).parents[2]
POLL_OPENS = ROOT / "functions" / "poll_opens" / "app.py"
SCHEDULED: dict[str, str] = json.loads((ROOT / "events" / "schedule.json").read_text())
ACCOUNT = SCHEDULED["account_id"]


def load(path: Path = POLL_OPENS) -> ModuleType:
    """Load a handler's module from its file, anew each time, as a cold start does."""
    spec = spec_from_file_location(path.stem, path)
    assert spec
    assert spec.loader
    app = module_from_spec(spec)
    # Python keeps loggers by name, with the keys and the stdout of the module that made them.
    logging.root.manager.loggerDict.pop(path.parent.name, None)
    spec.loader.exec_module(app)
    return app


class Context(LambdaContext):
    """What the handler asks of Lambda."""

    def __init__(self, *, request_id: str = "first", seconds: float = 60) -> None:
        self._aws_request_id = request_id
        self._seconds = seconds

    def get_remaining_time_in_millis(self) -> int:  # type: ignore[override] # static in the type
        return int(self._seconds * 1000)


@dataclass(slots=True)
class Output:
    """What an invocation leaves on stdout, stderr and in Lambda's own report of an error."""

    capsys: pytest.CaptureFixture[str]
    stdout: str = ""
    others: str = ""

    @staticmethod
    def follow(app: ModuleType) -> None:
        """Let a handler log to the stdout of now: fixtures and tests have each one of their own."""
        app.logger.registered_handler.stream = sys.stdout

    def listen(self) -> None:
        said = self.capsys.readouterr()
        self.stdout += said.out
        self.others += said.err

    @property
    def everything(self) -> str:
        self.listen()
        return self.stdout + self.others

    @property
    def lines(self) -> list[dict[str, Any]]:
        self.listen()
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
class Deployed:
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
        """Invoke the handler, a minute before its next; its reply comes as JSON carries it."""
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
        """Send and track an activity that so many contacts have opened by now."""
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
        return next(one for one in activities if one.campaign_activity_id == activity_id)

    def state(self, activity_id: str) -> State:
        return self.activity(activity_id).state

    def account(self) -> Account:
        account = self.tracking.account(ACCOUNT)
        assert account
        return account

    def credentials(self) -> dict[str, str]:
        """Return what the account's parameter holds."""
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

    def asked(self, path: str = "/v3/") -> list[int]:
        """Return the statuses of the requests for a path."""
        return [one.status for one in self.vendor.requests if path in one.path]

    def letters(self) -> list[dict[str, Any]]:
        """Take what the subscriber has received: bodies, and attributes by name."""
        return self._taken(self.aws.subscriber_url)

    def dead_letters(self) -> list[dict[str, Any]]:
        return self._taken(self.aws.dlq_url)

    def received(self) -> list[dict[str, Any]]:
        """Take the events that the subscriber has received."""
        return [letter["body"] for letter in self.letters()]

    def _taken(self, queue_url: str) -> list[dict[str, Any]]:
        taken = []
        while letters := self.aws.sqs.receive_message(
            QueueUrl=queue_url, MaxNumberOfMessages=10, MessageAttributeNames=["All"]
        ).get("Messages"):
            for letter in letters:
                self.aws.sqs.delete_message(
                    QueueUrl=queue_url, ReceiptHandle=letter["ReceiptHandle"]
                )
                named = letter.get("MessageAttributes", {})
                values = {name: value["StringValue"] for name, value in named.items()}
                taken.append({"body": json.loads(letter["Body"]), "attributes": values})
        return taken


def environment_of(aws: Aws, vendor: Emulator) -> dict[str, str]:
    """Return the function's environment, as the template sets it."""
    return {
        "TRACKING_TABLE": aws.tracking_table,
        "LEDGER_TABLE": aws.ledger_table,
        "OPENS_TOPIC_ARN": aws.topic_arn,
        "DEAD_LETTER_QUEUE_URL": aws.dlq_url,
        "CREDENTIALS_PREFIX": aws.credentials_prefix,
        "CONSTANT_CONTACT_API_URL": vendor.url,
        "CONSTANT_CONTACT_AUTH_URL": vendor.auth_url,
        "REQUESTS_PER_DAY": "10000",
        "REQUESTS_PER_SECOND": "4",
        "RESERVED_PERCENT": "10",
        "CAMPAIGNS_PER_PROBE": "150",
        "FINISHED_AFTER_DAYS": "60",
        "ROUNDS_SECONDS": "0",
        "LOOKBACK_MINUTES": "120",
    }

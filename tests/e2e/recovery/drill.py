"""A deployed stack that loses a part while opens arrive, and what its subscriber receives."""

import json
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import boto3
import pytest

from constant_contact_emulator import Emulator
from email_opens.adapters.aws.tracking import DynamoDBTracking
from email_opens.config.settings import environment_of
from email_opens.model import Activity
from tests.conftest import subscribe
from tests.e2e.recovery.shell import Shell, section
from tests.e2e.trial import ACCOUNT, received
from tests.fakes import FakeClock
from tests.integration.deployment import Context, load

STACK = "email-opens"
SUBSCRIBER = "opens"
"""The queue that the page subscribes."""


@dataclass(frozen=True, slots=True)
class Place:
    """A region of an AWS account, with the stack in it."""

    environment: Mapping[str, str]
    """In which a process reaches it, and no other AWS."""

    def client(self, service: str) -> Any:
        access = self.environment
        session = boto3.session.Session(
            access["AWS_ACCESS_KEY_ID"],
            access["AWS_SECRET_ACCESS_KEY"],
            region_name=access["AWS_REGION"],
        )
        make: Any = session.client
        return make(service, endpoint_url=access["AWS_ENDPOINT_URL"])

    @property
    def outputs(self) -> dict[str, str]:
        (stack,) = self.client("cloudformation").describe_stacks(StackName=STACK)["Stacks"]
        return {each["OutputKey"]: each["OutputValue"] for each in stack["Outputs"]}

    @property
    def settings(self) -> dict[str, str]:
        """The function's environment."""
        (stack,) = self.client("cloudformation").describe_stacks(StackName=STACK)["Stacks"]
        given = {each["ParameterKey"]: each["ParameterValue"] for each in stack["Parameters"]}
        return environment_of({**given, **self.outputs, "StackName": STACK})

    @property
    def stopped(self) -> bool:
        """Whether Lambda starts no turn."""
        name = self.outputs["PollOpensFunction"]
        reply = self.client("lambda").get_function_concurrency(FunctionName=name)
        return bool(reply.get("ReservedConcurrentExecutions") == 0)

    def items(self, output: str) -> int:
        """Return how many items a table has."""
        count: int = self.client("dynamodb").scan(TableName=self.outputs[output])["Count"]
        return count

    def subscribe(self) -> str:
        """Subscribe a queue to the topic; return its URL."""
        sqs = self.client("sqs")
        url: str = sqs.create_queue(QueueName=SUBSCRIBER)["QueueUrl"]
        subscribe(self.client("sns"), sqs, self.outputs["OpensTopicArn"], url)
        return url

    def delete_items(self, output: str) -> None:
        """Delete all items of a table."""
        table, dynamodb = self.outputs[output], self.client("dynamodb")
        keys = [each["AttributeName"] for each in _described(dynamodb, table)["KeySchema"]]
        for item in dynamodb.scan(TableName=table)["Items"]:
            dynamodb.delete_item(TableName=table, Key={key: item[key] for key in keys})

    def delete_table(self, output: str) -> None:
        """Delete a table as AWS does: with a backup of its last state."""
        table, dynamodb = self.outputs[output], self.client("dynamodb")
        dynamodb.update_table(TableName=table, DeletionProtectionEnabled=False)
        dynamodb.create_backup(TableName=table, BackupName=f"{table}-DeletedTableBackup")
        dynamodb.delete_table(TableName=table)

    def table(self, output: str) -> dict[str, Any]:
        """Return what the template sets of a table."""
        table, dynamodb = self.outputs[output], self.client("dynamodb")
        described = _described(dynamodb, table)
        backups = dynamodb.describe_continuous_backups(TableName=table)
        expiry = dynamodb.describe_time_to_live(TableName=table)["TimeToLiveDescription"]
        return {
            "keys": described["KeySchema"],
            "protected": described["DeletionProtectionEnabled"],
            "billing": described["BillingModeSummary"]["BillingMode"],
            "recovery": backups["ContinuousBackupsDescription"]["PointInTimeRecoveryDescription"][
                "PointInTimeRecoveryStatus"
            ],
            "expiry": expiry,
        }


def _described(dynamodb: Any, table: str) -> dict[str, Any]:
    described: dict[str, Any] = dynamodb.describe_table(TableName=table)["Table"]
    return described


@dataclass(slots=True)
class Drill:
    place: Place
    vendor: Emulator
    clock: FakeClock
    shell: Shell
    queue_url: str
    activity_id: str = ""
    opened: set[str] = field(default_factory=set)
    """The contacts that have opened the e-mail, each once."""
    received: Counter[str] = field(default_factory=Counter)
    """How often the subscriber has received each contact's open."""

    def track(self) -> None:
        """Send and track an e-mail."""
        self.activity_id = self.vendor.world.add_campaign().activity_id
        self.vendor.world.send(self.activity_id)
        now = self.clock.now()
        self.tracking.add(
            Activity(
                account_id=ACCOUNT,
                campaign_activity_id=self.activity_id,
                tracked_at=now,
                sent_at=now,
            )
        )

    @property
    def tracking(self) -> DynamoDBTracking:
        return DynamoDBTracking(
            self.place.client("dynamodb"), self.place.settings["TRACKING_TABLE"]
        )

    def open(self, times: int = 3) -> set[str]:
        """Let new contacts open the e-mail; return their ids."""
        rows = [
            self.vendor.world.add_open(self.activity_id, number)
            for number in range(len(self.opened), len(self.opened) + times)
        ]
        contacts = {row.contact.contact_id for row in rows}
        self.opened |= contacts
        return contacts

    def turn(self) -> dict[str, Any] | None:
        """Let the schedule start a turn, and a minute pass; None: the function is stopped.

        The function runs in this process, where its clock can be another one.
        """
        self.clock.sleep(60)
        if self.place.stopped:
            return None
        with pytest.MonkeyPatch.context() as patch:
            for name, value in {**self.place.environment, **self.place.settings}.items():
                patch.setenv(name, value)
            app = load()
            patch.setattr(app, "bootstrap", partial(app.bootstrap, clock=self.clock))
            reply: dict[str, Any] = app.handler({"account_id": ACCOUNT}, Context())
        return reply

    def turn_publishes(self, contacts: Iterable[str]) -> None:
        """Let a turn pass, which must publish these contacts' opens and no other."""
        self.turn()
        assert self.collect() == Counter(contacts)

    def turn_publishes_nothing(self) -> None:
        self.turn()
        assert not self.collect()

    def collect(self) -> Counter[str]:
        """Return what the subscriber has received since the last time."""
        events = received(self.place.client("sqs"), self.queue_url)
        new = Counter(event["subject"] for event in events)
        self.received += new
        return new

    def begin(self) -> None:
        """Paste what precedes all other commands."""
        self.shell.paste(*section("Before the other commands"))

    def stop(self) -> None:
        self.shell.paste(*section("Stop all work"))

    def start(self) -> None:
        self.shell.paste(without_doctor(section("Start work again")[0]))

    def credentials(self) -> str:
        """Return what a person pipes into `connect` after giving consent."""
        return json.dumps(self.vendor.credentials(ACCOUNT))

    @property
    def repeated(self) -> set[str]:
        """The contacts whose open was received twice; more often would be wrong."""
        assert set(self.received) == self.opened
        assert max(self.received.values()) <= 2
        return {contact for contact, times in self.received.items() if times > 1}


def without_doctor(block: str) -> str:
    """Return a block without `doctor`, which fails: no schedule completes turns in a drill."""
    return "\n".join(line for line in block.splitlines() if "email-opens doctor" not in line)

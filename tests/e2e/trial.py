"""A deployed stack, a vendor for it to poll, and a send of which it should publish all."""

import json
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from constant_contact_emulator import Emulator, Send, simulate_send
from email_opens.adapters.aws.tracking import DynamoDBTracking
from email_opens.instants import utc
from email_opens_cli.commands.activities import track as tracked
from email_opens_cli.demo.subscriber import ReportedOpen
from embedded_aws import EmbeddedAws, Stack, host_architecture

ACCOUNT = "default"
SENT_AGO = timedelta(days=3)
OPENED_WITHIN = timedelta(days=2)
"""Less than it was sent ago: no open comes while a test looks."""
TRACKED_AGO = timedelta(days=4)
"""Before it was sent, so that each open has a delay."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Trial:
    aws: EmbeddedAws
    stack: Stack
    vendor: Emulator
    activity_id: str

    @property
    def reported(self) -> Counter[ReportedOpen]:
        """The rows of the vendor's report."""
        return Counter(
            ReportedOpen(self.activity_id, row.contact.contact_id, row.created, row.device_type)
            for row in self.vendor.world.rows(self.activity_id)
        )

    @property
    def tracking(self) -> DynamoDBTracking:
        return DynamoDBTracking(
            self.aws.client("dynamodb"), self.stack.environment["TRACKING_TABLE"]
        )

    @property
    def credentials(self) -> dict[str, str]:
        """What the account's parameter holds."""
        name = self.stack.environment["CREDENTIALS_PREFIX"] + ACCOUNT
        held = self.aws.client("ssm").get_parameter(Name=name, WithDecryption=True)
        credentials: dict[str, str] = json.loads(held["Parameter"]["Value"])
        return credentials

    @property
    def function_environment(self) -> dict[str, str]:
        """What the template gives the function, and how AWS is reached."""
        configuration: Mapping[str, Any] = self.aws.client("lambda").get_function_configuration(
            FunctionName=self.stack.outputs["PollOpensFunction"]
        )
        reached = {
            name: value for name, value in self.aws.environment.items() if name.startswith("AWS_")
        }
        return reached | dict(configuration["Environment"]["Variables"])


def parameters(name: str, vendor: Emulator, **others: str) -> dict[str, str]:
    """Return a stack's parameters; each stack keeps its tokens to itself."""
    return {
        "ConstantContactApiUrl": vendor.url,
        "ConstantContactAuthUrl": vendor.auth_url,
        "CredentialsPrefix": f"/{name}/",
        **others,
    }


def deploy_again(aws: EmbeddedAws, of: Stack, name: str, given: Mapping[str, str]) -> Stack:
    """Deploy what another stack was deployed of, without the seconds that SAM takes."""
    cloudformation = aws.client("cloudformation")
    template = cloudformation.get_template(StackName=of.name, TemplateStage="Original")
    cloudformation.create_stack(
        StackName=name,
        TemplateBody=template["TemplateBody"],
        Capabilities=["CAPABILITY_IAM", "CAPABILITY_AUTO_EXPAND"],
        Parameters=[
            {"ParameterKey": key, "ParameterValue": value}
            for key, value in ({"Architecture": host_architecture()} | dict(given)).items()
        ],
    )
    cloudformation.get_waiter("stack_create_complete").wait(
        StackName=name, WaiterConfig={"Delay": 1}
    )
    return Stack(name, aws.outputs(name))


def begin(aws: EmbeddedAws, stack: Stack, vendor: Emulator, *, contacts: int) -> Trial:
    """Connect the account, and track a send whose opens are all there."""
    now = datetime.now(UTC)
    activity_id = vendor.world.add_campaign().activity_id
    simulate_send(
        vendor.world,
        activity_id,
        contacts,
        sent_at=now - SENT_AGO,
        send=Send(within=OPENED_WITHIN),
    )
    trial = Trial(aws=aws, stack=stack, vendor=vendor, activity_id=activity_id)
    aws.client("ssm").put_parameter(
        Name=stack.environment["CREDENTIALS_PREFIX"] + ACCOUNT,
        Type="SecureString",
        Value=json.dumps(vendor.credentials(ACCOUNT)),
    )
    tracked.track(trial.tracking, ACCOUNT, [activity_id], since=None, now=now - TRACKED_AGO)
    return trial


def received(sqs: Any, queue_url: str) -> Iterator[dict[str, Any]]:
    """Empty a queue of events."""
    while messages := sqs.receive_message(QueueUrl=queue_url, MaxNumberOfMessages=10).get(
        "Messages"
    ):
        yield from (json.loads(message["Body"]) for message in messages)
        # The embedded AWS looks at all that a queue holds, each time.
        sqs.delete_message_batch(
            QueueUrl=queue_url,
            Entries=[
                {"Id": str(number), "ReceiptHandle": message["ReceiptHandle"]}
                for number, message in enumerate(messages)
            ],
        )


def seen(event: dict[str, Any]) -> ReportedOpen:
    """Return the open that an event tells of."""
    data = event["data"]
    return ReportedOpen(
        data["campaign_activity_id"],
        data["contact_id"],
        utc(data["created_time"]),
        data.get("device_type"),
    )

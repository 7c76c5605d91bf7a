"""A deployed stack, a vendor for it to poll, and a send whose opens it should all publish."""

import json
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from constant_contact_emulator import Emulator, Send, simulate_send
from email_opens.adapters.aws.tracking import DynamoDBTracking
from email_opens.instants import utc
from email_opens_cli.demo.subscriber import ReportedOpen
from email_opens_cli.emails.activities import track_each
from embedded_aws import EmbeddedAws, Stack, host_architecture
from tests.event_schema import checked

ACCOUNT = "default"
SENT_AGO = timedelta(days=3)
OPENED_WITHIN = timedelta(days=2)
"""Less than `SENT_AGO`, so that no open arrives while a test runs."""
TRACKED_AGO = timedelta(days=4)
"""Before the send, so that each open has a delay."""


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
        """The content of the account's parameter."""
        name = self.stack.environment["CREDENTIALS_PREFIX"] + ACCOUNT
        reply = self.aws.client("ssm").get_parameter(Name=name, WithDecryption=True)
        credentials: dict[str, str] = json.loads(reply["Parameter"]["Value"])
        return credentials

    @property
    def function_environment(self) -> dict[str, str]:
        """The function's environment from the template, and the variables for reaching AWS."""
        configuration: Mapping[str, Any] = self.aws.client("lambda").get_function_configuration(
            FunctionName=self.stack.outputs["PollOpensFunction"]
        )
        access = {
            name: value for name, value in self.aws.environment.items() if name.startswith("AWS_")
        }
        return access | dict(configuration["Environment"]["Variables"])


def parameters(vendor: Emulator, **others: str) -> dict[str, str]:
    """Return a stack's parameters."""
    return {
        "ConstantContactApiUrl": vendor.url,
        "ConstantContactAuthUrl": vendor.auth_url,
        **others,
    }


def deploy_again(aws: EmbeddedAws, stack: Stack, name: str, parameters: Mapping[str, str]) -> Stack:
    """Deploy the template of another stack again, without the seconds that SAM takes."""
    cloudformation, s3 = aws.client("cloudformation"), aws.client("s3")
    template = cloudformation.get_template(StackName=stack.name, TemplateStage="Original")
    # In a bucket, as SAM does: in a request, a template has at most 51,200 characters.
    region: Any = {"LocationConstraint": s3.meta.region_name}
    s3.create_bucket(Bucket=f"{name}-template", CreateBucketConfiguration=region)
    s3.put_object(Bucket=f"{name}-template", Key="template", Body=template["TemplateBody"])
    cloudformation.create_stack(
        StackName=name,
        TemplateURL=f"{s3.meta.endpoint_url}/{name}-template/template",
        Capabilities=["CAPABILITY_IAM", "CAPABILITY_AUTO_EXPAND"],
        Parameters=[
            {"ParameterKey": key, "ParameterValue": value}
            for key, value in ({"Architecture": host_architecture()} | dict(parameters)).items()
        ],
    )
    cloudformation.get_waiter("stack_create_complete").wait(
        StackName=name, WaiterConfig={"Delay": 1}
    )
    return aws.stack(name)


def start(aws: EmbeddedAws, stack: Stack, vendor: Emulator, *, contacts: int) -> Trial:
    """Connect the account, and track a send whose opens have all arrived."""
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
    track_each(trial.tracking, ACCOUNT, [activity_id], since=None, now=now - TRACKED_AGO)
    return trial


def received(sqs: Any, queue_url: str) -> Iterator[dict[str, Any]]:
    """Take all events from a queue."""
    while messages := sqs.receive_message(QueueUrl=queue_url, MaxNumberOfMessages=10).get(
        "Messages"
    ):
        yield from (json.loads(checked(message["Body"])) for message in messages)
        # Delete: the embedded AWS searches the whole queue each time.
        sqs.delete_message_batch(
            QueueUrl=queue_url,
            Entries=[
                {"Id": str(number), "ReceiptHandle": message["ReceiptHandle"]}
                for number, message in enumerate(messages)
            ],
        )


def reported_open(event: dict[str, Any]) -> ReportedOpen:
    """Return the open of an event, as the report has it."""
    data = event["data"]
    return ReportedOpen(
        data["campaign_activity_id"],
        data["contact_id"],
        utc(data["created_time"]),
        data.get("device_type"),
    )

"""A stack of its own for each drill, under the name that the page uses."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from constant_contact_emulator import Emulator
from embedded_aws import EmbeddedAws, host_architecture
from tests.e2e.conftest import Stacks
from tests.e2e.recovery.drill import STACK, Drill, Place
from tests.e2e.recovery.shell import find_aws_cli, prepare
from tests.e2e.trial import ACCOUNT, deploy_again
from tests.fakes import FakeClock


@pytest.fixture(scope="session")
def aws_cli() -> Path:
    return find_aws_cli()


@pytest.fixture
def drill(
    embedded_aws: EmbeddedAws,
    built: Path,
    stacks: Stacks,
    aws_cli: Path,
    tmp_path: Path,
) -> Iterator[Drill]:
    """A connected account with a tracked e-mail, and a subscribed queue."""
    clock = FakeClock(datetime.now(UTC))
    with Emulator(clock=clock.now) as vendor:
        parameters = {
            "Architecture": host_architecture(),
            "ConstantContactApiUrl": vendor.url,
            "ConstantContactAuthUrl": vendor.auth_url,
            "Discovery": "DISABLED",
            # It never starts a turn by itself.
            "ScheduleExpression": "rate(365 days)",
        }
        environment = embedded_aws.environment | {
            "DRILL_BUILT": str(built),
            "DRILL_PARAMETERS": json.dumps(parameters),
        }
        shell = prepare(tmp_path, aws_cli, environment)
        deploy_again(embedded_aws, stacks.idle.stack, STACK, parameters)
        place = Place(embedded_aws.environment)
        _read_no_wake_ups(place)
        drill = Drill(place, vendor, clock, shell, place.subscribe())
        place.client("ssm").put_parameter(
            Name=place.settings["CREDENTIALS_PREFIX"] + ACCOUNT,
            Type="SecureString",
            Value=drill.credentials(),
        )
        drill.track()
        drill.begin()
        yield drill
    place.client("sqs").delete_queue(QueueUrl=drill.queue_url)
    place.client("ssm").delete_parameter(Name=place.settings["CREDENTIALS_PREFIX"] + ACCOUNT)
    s3, bucket = place.client("s3"), f"{STACK}-template"
    s3.delete_object(Bucket=bucket, Key="template")
    s3.delete_bucket(Bucket=bucket)
    cloudformation = place.client("cloudformation")
    cloudformation.delete_stack(StackName=STACK)
    cloudformation.get_waiter("stack_delete_complete").wait(
        StackName=STACK, WaiterConfig={"Delay": 1}
    )


def _read_no_wake_ups(place: Place) -> None:
    """Let wake-ups start no turns beside those of the drill, which have another clock."""
    function = place.outputs["PollOpensFunction"]
    client = place.client("lambda")
    (mapping,) = client.list_event_source_mappings(FunctionName=function)["EventSourceMappings"]
    client.update_event_source_mapping(UUID=mapping["UUID"], Enabled=False)

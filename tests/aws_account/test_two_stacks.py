"""Two stacks at defaults in one AWS account and region share nothing."""

import json
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

import boto3
import pytest

from constant_contact_emulator import Emulator
from email_opens.bootstrap.product import bootstrap
from tests.aws_account.recorded import Call, Recorded
from tests.aws_account.stacks import Stack, create
from tests.conftest import Aws
from tests.fakes import FakeClock
from tests.integration.deployment import Context, Output, load
from tests.integration.template import of_type, read_template
from tests.unit.cli.world import complaint, run

NAMES = ("email-opens", "second")
INTERVAL = timedelta(hours=1)
"""Between the turns, which are not what is tested."""
DAY = timedelta(days=1)


@dataclass(slots=True)
class Lived:
    """A stack, and what it used in its day."""

    stack: Stack
    vendor: Emulator
    recorded: Recorded = field(default_factory=Recorded)
    published: int = 0
    stopped: set[str] = field(default_factory=set)
    dimensions: set[tuple[str, str, str]] = field(default_factory=set)
    """Of its metrics: the namespace, the stack and the account."""

    def invoke(self, app: Any, event: dict[str, Any]) -> None:
        turn = app.handler(event, Context(request_id=f"of-{self.stack.name}"))
        self.published += turn["published"]
        self.stopped |= {turn["stopped"]} - {None}


@pytest.fixture
def lived(aws: Aws, clock: FakeClock, capsys: pytest.CaptureFixture[str]) -> Iterator[list[Lived]]:
    """Two stacks with an account of the same name, after a day of turns side by side."""
    del aws
    with ExitStack() as vendors:
        both = [_deployed(name, vendors.enter_context(Emulator(clock=clock.now))) for name in NAMES]
        for each in both:
            with each.recorded.recording():
                for account_id in ("default", "acme"):
                    credentials = json.dumps(each.vendor.credentials(account_id))
                    arguments = ("connect", account_id, "--stack", each.stack.name)
                    complaint(run(*arguments, typed=credentials), 0)
        capsys.readouterr()
        apps = [_function(each, clock) for each in both]
        ends = clock.now() + DAY
        while clock.now() < ends:
            began = clock.now()
            for app, each in zip(apps, both, strict=True):
                output = Output(capsys)
                output.follow(app)
                each.invoke(app, {"account_id": "default"})
                each.dimensions |= {
                    (measured["Namespace"], record["stack"], record["account_id"])
                    for record in output.metrics
                    for measured in record["_aws"]["CloudWatchMetrics"]
                }
            clock.instant = max(clock.now(), began + INTERVAL)
        yield both


def _deployed(name: str, vendor: Emulator) -> Lived:
    stack = create(
        name,
        ConstantContactApiUrl=vendor.url,
        ConstantContactAuthUrl=vendor.auth_url,
        RequestsPerSecond="100",
        ContactDetails="hashed",  # with a salt of its own
    )
    return Lived(stack, vendor)


def _function(lived: Lived, clock: FakeClock) -> Any:
    """Return the function of a stack, on a warm instance, with a new e-mail for it to find."""
    world = lived.vendor.world
    campaign = world.add_campaign(f"Of {lived.stack.name}")
    world.send(campaign.activity_id)
    for contact in range(3):
        world.add_open(campaign.activity_id, contact)
    world.add_raw_row(campaign.activity_id, {})  # for the dead-letter queue
    session = boto3.Session()
    session.events.register("provide-client-params", lived.recorded.record)
    product = bootstrap(lived.stack.environment, clock=clock, aws=session)
    app = load()
    vars(app)["email_opens"] = lambda: product
    return app


def identities(lived: Lived) -> set[tuple[str, str]]:
    """Return all that a stack has read or written: the resource, and an item's partition."""
    assert not [call for call in lived.recorded.calls if call.resource == "*"]
    return {(call.resource, call.key) for call in lived.recorded.calls}


def test_two_stacks_at_defaults_use_nothing_of_one_another(lived: list[Lived]) -> None:
    first, second = lived
    for each in lived:
        assert (each.published, each.stopped) == (3, set()), each.stack.name
    assert identities(first) & identities(second) == set()
    assert {resource for resource, _ in identities(first)}.isdisjoint(
        resource for resource, _ in identities(second)
    )
    assert first.dimensions == {("EmailOpens", "email-opens", "default")}
    assert first.dimensions & second.dimensions == set()
    _use_their_own_credentials_salt_and_schedules(lived)
    _use_every_kind_of_their_resources(lived)


def _use_their_own_credentials_salt_and_schedules(lived: list[Lived]) -> None:
    for each in lived:
        name, used = each.stack.name, {call.resource for call in each.recorded.calls}
        parameters = {arn.partition(":parameter")[2] for arn in used if ":ssm:" in arn}
        assert parameters == {
            *(f"/{name}/{last}" for last in ("default", "acme", "contact-details/salt"))
        }
        schedules = [
            call.resource for call in each.recorded.calls if ":scheduler:" in call.resource
        ]
        assert {arn.rpartition(":")[2] for arn in schedules} == {f"schedule/{name}/acme"}


def _use_every_kind_of_their_resources(lived: list[Lived]) -> None:
    for each in lived:
        services = {call.action.partition(":")[0] for call in each.recorded.calls}
        assert services == {
            *("cloudformation", "dynamodb", "iam", "scheduler", "sns", "sqs", "ssm")
        }
        queues = {call.resource for call in each.recorded.calls if ":sqs:" in call.resource}
        assert {name.rpartition(":")[2].split("-")[-2] for name in queues} == {
            *("DeadLetterQueue", "WakeUps")
        }


def test_the_stacks_have_no_resource_of_the_same_id(aws: Aws) -> None:
    del aws
    first, second = (set(create(name).resources.values()) for name in NAMES)
    assert first
    assert first & second == set()


@pytest.mark.parametrize(
    ("kind", "key"),
    [
        ("AWS::SNS::Topic", "TopicName"),
        ("AWS::CloudWatch::Alarm", "AlarmName"),
        ("AWS::CloudWatch::Dashboard", "DashboardName"),
        ("AWS::Scheduler::ScheduleGroup", "Name"),
    ],
)
def test_names_that_the_template_gives_contain_the_stacks(kind: str, key: str) -> None:
    names = [resource[key] for resource in of_type(read_template(), kind).values()]
    assert names
    assert [name for name in names if "AWS::StackName" not in str(name)] == []


def test_a_recorded_call_names_the_partition_of_an_item(aws: Aws) -> None:
    del aws
    recorded, session = Recorded(), boto3.Session()
    session.events.register("provide-client-params", recorded.record)
    client: Any = session.client("dynamodb")
    with pytest.raises(client.exceptions.ClientError):
        client.get_item(TableName="t", Key={"account_id": {"S": "a"}, "item": {"S": "account"}})
    table = "arn:aws:dynamodb:eu-west-1:123456789012:table/t"
    assert recorded.calls == {Call("dynamodb:GetItem", table, "a")}

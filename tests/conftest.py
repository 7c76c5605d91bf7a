"""Fixtures for every suite: no real AWS, and an emulation of the template's resources."""

import os
import signal
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import boto3
import pytest
from botocore.config import Config
from botocore.loaders import Loader
from hypothesis import settings
from moto import mock_aws
from xdist.scheduler import LoadScopeScheduling  # type: ignore[import-untyped]
from xdist.workermanage import WorkerController  # type: ignore[import-untyped]

from tests.fakes import FakeClock

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient
    from mypy_boto3_sns import SNSClient
    from mypy_boto3_sqs import SQSClient
    from mypy_boto3_ssm import SSMClient

# A process that a script starts in the background ignores SIGINT, and so would all that it starts.
signal.signal(signal.SIGINT, signal.default_int_handler)

settings.register_profile("no deadline", deadline=None, print_blob=True)
settings.register_profile("fuzz", settings.get_profile("no deadline"), max_examples=2_000)
settings.load_profile("no deadline")

REGION = "eu-west-1"
NO_RETRIES = Config(retries={"mode": "standard", "total_max_attempts": 1})
"""botocore sleeps before a retry."""


class EndToEndTogether(LoadScopeScheduling):  # type: ignore[misc]
    """Run all end-to-end tests in one process, because they share the deployed stacks.

    When a process ends, such as one whose test hangs, the others and a new process go on. With the
    overridden methods, the new process would wait forever, or the run would end with an error.
    """

    def _split_scope(self, nodeid: str) -> str:
        return "e2e" if nodeid.startswith("tests/e2e/") else nodeid

    def remove_node(self, node: WorkerController) -> str | None:
        """Return the test that ended a process, and queue the tests that it had not yet run."""
        groups = self.assigned_work.pop(node)
        left = [(name, test) for name, tests in groups.items() for test in tests if not tests[test]]
        if not left:
            return None
        name, fatal = left[0]
        groups[name][fatal] = True
        self.workqueue.update(
            {name: groups[name] for name, _ in left if not all(groups[name].values())}
        )
        for other in self.assigned_work:
            self._reschedule(other)
        return str(fatal)

    def _reschedule(self, node: WorkerController) -> None:
        """Assign tests to a process that has collected them: two, or it would wait for another."""
        if node in self.registered_collections:
            super()._reschedule(node)
            super()._reschedule(node)


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> EndToEndTogether:
    return EndToEndTogether(config, log)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if "aws" in getattr(item, "fixturenames", ()):
            item.add_marker(pytest.mark.slow)


@dataclass(frozen=True, slots=True, kw_only=True)
class Aws:
    """The template's resources, and clients for them; each test has its own."""

    dynamodb: "DynamoDBClient"
    sns: "SNSClient"
    sqs: "SQSClient"
    ssm: "SSMClient"
    tracking_table: str
    ledger_table: str
    topic_arn: str
    dlq_url: str
    wake_ups_url: str
    subscriber_url: str
    """A queue that is subscribed to the topic with raw message delivery."""
    credentials_prefix: str = "/email-opens/"


@pytest.fixture(scope="session", autouse=True)
def _no_real_aws() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        for name in [name for name in os.environ if name.startswith("AWS_")]:
            patch.delenv(name)
        patch.setenv("AWS_ACCESS_KEY_ID", "testing")
        patch.setenv("AWS_SECRET_ACCESS_KEY", "testing")
        patch.setenv("AWS_DEFAULT_REGION", REGION)
        patch.setenv("AWS_REGION", REGION)
        patch.setenv("AWS_EC2_METADATA_DISABLED", "true")
        patch.setenv("AWS_CONFIG_FILE", os.devnull)
        patch.setenv("AWS_SHARED_CREDENTIALS_FILE", os.devnull)
        yield


@pytest.fixture(scope="session", autouse=True)
def _read_service_models_once() -> Iterator[None]:
    """Share botocore's files between sessions; reading them takes most of the time of a client."""
    with pytest.MonkeyPatch.context() as patch:
        for method in ("list_available_services", "load_data_with_path"):
            patch.setattr(Loader, method, _shared(getattr(Loader, method)))
        yield


def _shared[Result](method: Callable[..., Result]) -> Callable[..., Result]:
    """Remember the results of a loader's method for all loaders of the same folders."""
    results: dict[object, Result] = {}

    def remembered(loader: Loader, *arguments: str, **named: str) -> Result:
        call = (*loader.search_paths, *arguments, *named.items())
        if call not in results:
            results[call] = method(loader, *arguments, **named)
        return results[call]

    return remembered


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def aws() -> Iterator[Aws]:
    with mock_aws():
        dynamodb = boto3.client("dynamodb", config=NO_RETRIES)
        sns = boto3.client("sns", config=NO_RETRIES)
        sqs = boto3.client("sqs", config=NO_RETRIES)
        for table, partition, sort in (
            ("tracking", "account_id", "item"),
            ("ledger", "campaign_activity_id", "entry"),
        ):
            dynamodb.create_table(
                TableName=table,
                BillingMode="PAY_PER_REQUEST",
                AttributeDefinitions=[
                    {"AttributeName": partition, "AttributeType": "S"},
                    {"AttributeName": sort, "AttributeType": "S"},
                ],
                KeySchema=[
                    {"AttributeName": partition, "KeyType": "HASH"},
                    {"AttributeName": sort, "KeyType": "RANGE"},
                ],
            )
        topic_arn = sns.create_topic(Name="opens")["TopicArn"]
        subscriber_url = sqs.create_queue(QueueName="subscriber")["QueueUrl"]
        subscribe(sns, sqs, topic_arn, subscriber_url)
        yield Aws(
            dynamodb=dynamodb,
            sns=sns,
            sqs=sqs,
            ssm=boto3.client("ssm", config=NO_RETRIES),
            tracking_table="tracking",
            ledger_table="ledger",
            topic_arn=topic_arn,
            dlq_url=sqs.create_queue(QueueName="dead-letters")["QueueUrl"],
            wake_ups_url=sqs.create_queue(QueueName="wake-ups")["QueueUrl"],
            subscriber_url=subscriber_url,
        )


def subscribe(sns: "SNSClient", sqs: "SQSClient", topic_arn: str, queue_url: str) -> None:
    queue = sqs.get_queue_attributes(QueueUrl=queue_url, AttributeNames=["QueueArn"])
    sns.subscribe(
        TopicArn=topic_arn,
        Protocol="sqs",
        Endpoint=queue["Attributes"]["QueueArn"],
        Attributes={"RawMessageDelivery": "true"},
    )

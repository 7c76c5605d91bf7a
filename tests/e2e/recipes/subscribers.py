"""A topic to which each sample is published three times, and what its subscribers receive."""

import json
import time
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from email_opens.adapters.aws.publishing.receivers import topic
from email_opens.adapters.clock import SystemClock
from email_opens.events import attributes, message
from email_opens_cli.commands.opens.emit import Emission
from email_opens_cli.commands.opens.samples import Sample, samples
from email_opens_cli.deployed.destinations import Destination
from embedded_aws import EmbeddedAws
from tests.e2e.trial import received

TIMES = 3
"""How often each event is published."""
PATIENCE_SECONDS = 60

type Values = Mapping[str, str | int]
type Matches = Callable[[Values, dict[str, Any]], bool]


@dataclass(frozen=True, slots=True)
class Topic:
    """A topic and the samples that are published to it."""

    aws: EmbeddedAws
    arn: str
    samples: list[Sample]
    start: datetime

    def publish(self) -> None:
        """Publish each sample, three times."""
        to = Destination(topic(self.aws.client("sns"), self.arn), SystemClock())
        for _ in range(TIMES):
            Emission(to, self.samples, self.start).send()

    def expected(self, matches: Matches = lambda *_: True) -> Counter[str]:
        """Return how often each id is published whose attributes and event match."""
        return Counter(
            TIMES
            * [
                sample.new.event_id
                for sample in self.samples
                if matches(
                    self._attributes(sample), json.loads(message(sample.activity, sample.new))
                )
            ]
        )

    @property
    def ids(self) -> set[str]:
        return set(self.expected())

    def _attributes(self, sample: Sample) -> Values:
        delay = self.start - sample.new.open.created_time
        return attributes(sample.activity, sample.new, int(delay.total_seconds()))


def new_topic(aws: EmbeddedAws, name: str, **attributes: str) -> Topic:
    """Create a topic, with samples that no other topic has."""
    start = datetime.now(UTC).replace(microsecond=0)
    arn = aws.client("sns").create_topic(Name=name, Attributes=attributes)["TopicArn"]
    return Topic(aws, arn, samples(20, 1, start), start)


def deploy(aws: EmbeddedAws, name: str, template: str, **parameters: str) -> dict[str, str]:
    """Deploy a template as it is; return its outputs."""
    cloudformation = aws.client("cloudformation")
    cloudformation.create_stack(
        StackName=name,
        TemplateBody=template,
        Capabilities=["CAPABILITY_IAM", "CAPABILITY_AUTO_EXPAND"],
        Parameters=[
            {"ParameterKey": key, "ParameterValue": value} for key, value in parameters.items()
        ],
    )
    waiter = cloudformation.get_waiter("stack_create_complete")
    waiter.wait(StackName=name, WaiterConfig={"Delay": 0.1, "MaxAttempts": 300})
    return dict(aws.stack(name).outputs)


def received_ids(aws: EmbeddedAws, queue_url: str) -> Counter[str]:
    """Take all events from a queue; return how often each id arrived."""
    return Counter(event["id"] for event in received(aws.client("sqs"), queue_url))


def wait_until_processed(aws: EmbeddedAws, queue_url: str) -> None:
    """Wait until a queue has no message left, neither waiting nor being processed."""
    names = ["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"]
    deadline = time.monotonic() + PATIENCE_SECONDS
    while time.monotonic() < deadline:
        reply = aws.client("sqs").get_queue_attributes(QueueUrl=queue_url, AttributeNames=names)
        if {reply["Attributes"][name] for name in names} == {"0"}:
            return
        time.sleep(0.1)  # A queue does not signal when it is empty.
    raise AssertionError(f"The queue was not empty after {PATIENCE_SECONDS} seconds: {reply}")

"""The template, built and deployed once; each test looks at what then happened.

Where several processes run the tests, one should run all of these: each that runs some builds
and deploys anew.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

from constant_contact_emulator import Emulator
from email_opens_cli.demo.subscriber import Subscriber
from embedded_aws import EmbeddedAws, build
from tests.e2e.built_function import Artefact, link_runtime
from tests.e2e.trial import Trial, begin, deploy_again, parameters


class Stacks(NamedTuple):
    """What is deployed."""

    scheduled: Trial
    """As `sam deploy` makes it, its schedule enabled."""
    subscriber: Subscriber
    """Of the scheduled one, from before it could fire."""
    idle: Trial
    """A second one, polled by nobody but tests."""


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Put last what waits for the schedule: its minute goes by while the others run."""
    items.sort(key=lambda item: "life" in getattr(item, "fixturenames", ()))


@pytest.fixture(scope="session")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The built template, beside what it was built of."""
    return build(tmp_path_factory.mktemp("build"))


@pytest.fixture(scope="session")
def artefact(built: Path, tmp_path_factory: pytest.TempPathFactory) -> Artefact:
    return Artefact(
        function=built.parent / "PollOpens",
        layer=built.parent / "EmailOpensLayer" / "python",
        runtime=link_runtime(tmp_path_factory.mktemp("runtime")),
    )


@pytest.fixture(scope="session")
def embedded_aws() -> Iterator[EmbeddedAws]:
    with EmbeddedAws() as aws:
        yield aws


@pytest.fixture(scope="session")
def stacks(built: Path, embedded_aws: EmbeddedAws) -> Iterator[Stacks]:
    aws = embedded_aws
    with Emulator() as vendor, Emulator() as idle_vendor:
        scheduled = aws.deploy(built, "scheduled", parameters("scheduled", vendor))
        subscriber = Subscriber(
            aws.client("sns"), aws.client("sqs"), scheduled.environment["OPENS_TOPIC_ARN"]
        )
        polled = begin(aws, scheduled, vendor, contacts=100)
        # At once: its code goes when the first one is deleted.
        idle = deploy_again(
            aws, scheduled, "idle", parameters("idle", idle_vendor, ScheduleState="DISABLED")
        )
        yield Stacks(polled, subscriber, begin(aws, idle, idle_vendor, contacts=300))

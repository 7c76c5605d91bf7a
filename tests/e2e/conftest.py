"""The template, built and deployed once; each test checks what happened then.

With several test processes, one should run all of these tests: each process that runs any of
them builds and deploys again.
"""

from collections.abc import Collection, Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

from constant_contact_emulator import Emulator
from email_opens_cli.demo.subscriber import Subscriber
from embedded_aws import EmbeddedAws, build
from tests.e2e.built_function import Artefact, link_runtime
from tests.e2e.trial import Trial, deploy_again, parameters, start


class Stacks(NamedTuple):
    """The deployed stacks."""

    scheduled: Trial
    """As `sam deploy` creates it, with its schedule enabled."""
    subscriber: Subscriber
    """Of the scheduled stack, since before its schedule could fire."""
    idle: Trial
    """A second stack, which only tests poll."""


DEPLOYING_SECONDS = 600
"""The time limit of a test whose fixtures build and deploy, and interrupt a hundred walks."""


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Run the tests that wait for the schedule last, so that its minute passes meanwhile.

    The tests that build or download get a longer time limit.
    """
    items.sort(key=lambda item: "life" in _fixtures(item))
    for item in items:
        if not {"built", "strict_aws"}.isdisjoint(_fixtures(item)):
            item.add_marker(pytest.mark.timeout(DEPLOYING_SECONDS))


def _fixtures(item: pytest.Item) -> Collection[str]:
    names: Collection[str] = getattr(item, "fixturenames", ())
    return names


@pytest.fixture(scope="session")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The built template, in the folder of its artefacts."""
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
def strict_aws() -> Iterator[EmbeddedAws]:
    """An emulated AWS that allows what policies allow, and nothing else."""
    with EmbeddedAws(settings={"AUTH": "true"}) as aws:
        yield aws


@pytest.fixture(scope="session")
def stacks(built: Path, embedded_aws: EmbeddedAws) -> Iterator[Stacks]:
    aws = embedded_aws
    with Emulator() as vendor, Emulator() as idle_vendor:
        scheduled = aws.deploy(built, "scheduled", parameters(vendor))
        subscriber = Subscriber(
            aws.client("sns"), aws.client("sqs"), scheduled.environment["OPENS_TOPIC_ARN"]
        )
        started = start(aws, scheduled, vendor, contacts=100)
        # Now, because its code is deleted together with the first stack.
        idle = deploy_again(
            aws,
            scheduled,
            "idle",
            # Without searches, tests can count the requests of polls.
            parameters(idle_vendor, ScheduleState="DISABLED", Discovery="DISABLED"),
        )
        yield Stacks(started, subscriber, start(aws, idle, idle_vendor, contacts=300))

"""The environment in which the commands run."""

from collections.abc import Iterator

import pytest

from tests.conftest import Aws
from tests.unit.cli.world import World, deployed, settings


@pytest.fixture
def world(aws: Aws, monkeypatch: pytest.MonkeyPatch) -> Iterator[World]:
    with deployed(aws) as world:
        for name, value in settings(aws, world.vendor).items():
            monkeypatch.setenv(name, value)
        yield world

"""The environment in which the commands run."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.conftest import Aws
from tests.unit.cli.world import World, deployed, settings


@pytest.fixture(autouse=True)
def no_stack(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Run the commands in a folder from which nothing was deployed."""
    monkeypatch.delenv("EMAIL_OPENS_STACK", raising=False)
    monkeypatch.chdir(tmp_path)


@pytest.fixture
def world(aws: Aws, monkeypatch: pytest.MonkeyPatch) -> Iterator[World]:
    with deployed(aws) as world:
        for name, value in settings(aws, world.vendor).items():
            monkeypatch.setenv(name, value)
        yield world

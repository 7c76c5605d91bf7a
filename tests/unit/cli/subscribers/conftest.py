"""A stack with an alert."""

import pytest

from tests.unit.cli.subscribers.alerts import PARAMETERS, STACK, make_stack
from tests.unit.cli.world import World


@pytest.fixture
def stack(world: World, monkeypatch: pytest.MonkeyPatch) -> World:
    make_stack(world, **PARAMETERS)
    monkeypatch.setenv("EMAIL_OPENS_STACK", STACK)
    return world

from collections.abc import Iterator

import pytest
import requests

from constant_contact_emulator import Emulator, Limits, ManualClock
from tests.unit.emulator.client import START, EmulatorClient


@pytest.fixture
def client() -> Iterator[EmulatorClient]:
    clock = ManualClock(START)
    with (
        Emulator(clock=clock, limits=Limits.off()) as emulator,
        requests.Session() as session,
    ):
        client = EmulatorClient(emulator, clock, session)
        client.connect()
        yield client

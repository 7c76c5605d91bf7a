"""The deployed product for each test, whose output must contain no secret."""

from collections.abc import Iterator
from functools import partial

import pytest

from constant_contact_emulator import Emulator
from tests.conftest import Aws
from tests.fakes import FakeClock
from tests.integration.deployment import Deployment, Output, environment_of, load
from tests.integration.secrets_in_output import APP_SECRET, secrets_in


@pytest.fixture
def vendor(clock: FakeClock) -> Iterator[Emulator]:
    with Emulator(clock=clock.now) as vendor:
        yield vendor


@pytest.fixture
def deployment(
    aws: Aws,
    vendor: Emulator,
    clock: FakeClock,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> Deployment:
    """A cold function and a connected account without tracked activities."""
    for name, value in environment_of(aws, vendor).items():
        monkeypatch.setenv(name, value)
    app = load()
    # The handler has no argument for a clock, and the real clock would sleep between requests.
    monkeypatch.setattr(app, "bootstrap", partial(app.bootstrap, clock=clock))
    deployment = Deployment(app, aws, vendor, clock, Output(capsys))
    deployment.connect(vendor.credentials(client_secret=APP_SECRET))
    return deployment


@pytest.fixture(autouse=True)
def _output_contains_no_secret(deployment: Deployment) -> Iterator[None]:
    yield
    assert secrets_in(deployment.output.everything) == []

"""The product, deployed for a test; whatever it says, it says no secret."""

from collections.abc import Iterator
from functools import partial

import pytest

from constant_contact_emulator import Emulator
from tests.conftest import Aws
from tests.fakes import FakeClock
from tests.integration.deployed import Deployed, Output, environment_of, load
from tests.integration.secrets_said import APP_SECRET, secrets_in


@pytest.fixture
def vendor(clock: FakeClock) -> Iterator[Emulator]:
    with Emulator(clock=clock.now) as vendor:
        yield vendor


@pytest.fixture
def deployed(
    aws: Aws,
    vendor: Emulator,
    clock: FakeClock,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> Deployed:
    """A cold function, an account that is connected, and nothing tracked."""
    for name, value in environment_of(aws, vendor).items():
        monkeypatch.setenv(name, value)
    app = load()
    # The handler has no argument for a clock, and the real one would sleep between requests.
    monkeypatch.setattr(app, "bootstrap", partial(app.bootstrap, clock=clock))
    deployed = Deployed(app, aws, vendor, clock, Output(capsys))
    deployed.connect(vendor.credentials(client_secret=APP_SECRET))
    return deployed


@pytest.fixture(autouse=True)
def _no_secret_is_said(deployed: Deployed) -> Iterator[None]:
    yield
    assert secrets_in(deployed.output.everything) == []

"""Discovery as it is deployed, beside the poll of the same account."""

from dataclasses import replace
from functools import partial

import pytest

from tests.integration.deployed import ROOT, Deployed, load

DISCOVER_CAMPAIGNS = ROOT / "functions" / "discover_campaigns" / "app.py"


@pytest.fixture
def discovery(deployed: Deployed, monkeypatch: pytest.MonkeyPatch) -> Deployed:
    """A cold function beside that which polls."""
    app = load(DISCOVER_CAMPAIGNS)
    # The handler has no argument for a clock, and the real one would sleep between requests.
    monkeypatch.setattr(
        app, "bootstrap_discovery", partial(app.bootstrap_discovery, clock=deployed.clock)
    )
    return replace(deployed, app=app)

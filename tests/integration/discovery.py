"""Discovery as deployed, beside the poll of the same account."""

from dataclasses import replace
from functools import partial

import pytest

from tests.integration.deployment import ROOT, Deployment, load

DISCOVER_CAMPAIGNS = ROOT / "functions" / "discover_campaigns" / "app.py"


@pytest.fixture
def discovery(deployment: Deployment, monkeypatch: pytest.MonkeyPatch) -> Deployment:
    """A cold function beside the one that polls."""
    app = load(DISCOVER_CAMPAIGNS)
    # The handler has no argument for a clock, and the real clock would sleep between requests.
    monkeypatch.setattr(
        app, "bootstrap_discovery", partial(app.bootstrap_discovery, clock=deployment.clock)
    )
    return replace(deployment, app=app)

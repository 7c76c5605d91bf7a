"""The function that polls, with searches for new sends."""

from typing import Any

import pytest

from email_opens.scheduling.searches import LONGEST
from tests.integration.deployment import Deployment


@pytest.fixture
def discovery(deployment: Deployment, monkeypatch: pytest.MonkeyPatch) -> Deployment:
    """A cold function whose turns search for new sends."""
    monkeypatch.setenv("DISCOVERY", "ENABLED")
    return deployment


def search(deployment: Deployment, **options: Any) -> dict[str, Any]:
    """Invoke the function when a search is due; return its reply."""
    deployment.clock.sleep(LONGEST.total_seconds())
    return deployment.invoke(**options)


def searches(deployment: Deployment) -> list[dict[str, Any]]:
    """Return the lines on turns that have searched."""
    return [line for line in deployment.output.logs if "search_requests" in line]

"""The end of an invocation: it ends with its work, and its lease ends with it."""

from datetime import datetime, timedelta

import pytest

from tests.integration.deployment import ACCOUNT, Deployment


@pytest.mark.parametrize("seconds", [15, 40, 120])
def test_a_lease_ends_when_its_invocation_does(
    deployment: Deployment, monkeypatch: pytest.MonkeyPatch, seconds: int
) -> None:
    """Were the invocation killed now, nobody else would have to wait any longer."""
    ends: set[datetime | None] = set()
    sleep = deployment.clock.sleep

    def look_and_sleep(pause: float) -> None:
        account = deployment.tracking.account(ACCOUNT)
        if account and account.lease_holder:
            ends.add(account.lease_until)
        sleep(pause)

    deployment.send(opens=1)
    deployment.send(opens=1)
    began = deployment.clock.now()
    monkeypatch.setattr(deployment.clock, "sleep", look_and_sleep)
    deployment.invoke(seconds=seconds)
    assert ends == {began + timedelta(seconds=seconds)}


def test_an_invocation_ends_with_its_work(deployment: Deployment) -> None:
    deployment.send(opens=3)
    began = deployment.clock.now()
    deployment.invoke()
    worked = (deployment.clock.now() - began).total_seconds() - 60  # `invoke` lets a minute pass.
    assert worked < 2
    assert deployment.statuses("/tracking/opens") == [200]

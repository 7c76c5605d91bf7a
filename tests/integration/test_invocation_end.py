"""The end of an invocation: its lease ends with it, and it stays as long as the setting says."""

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


@pytest.mark.parametrize("stay", [0, 30, 45])
def test_an_invocation_stays_with_a_fresh_send_as_long_as_the_setting_says(
    deployment: Deployment, monkeypatch: pytest.MonkeyPatch, stay: int
) -> None:
    monkeypatch.setenv("ROUNDS_SECONDS", str(stay))
    deployment.send(opens=3)
    began = deployment.clock.now()
    deployment.invoke()
    stayed = (deployment.clock.now() - began).total_seconds() - 60  # `invoke` lets a minute pass.
    assert max(0, stay - 5) <= stayed <= stay
    assert (deployment.statuses("/tracking/opens").count(200) > 1) is (stay > 0)

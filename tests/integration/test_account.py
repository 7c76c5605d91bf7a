"""What a poll needs of an account: tokens, a privilege, a quota."""

import json
from datetime import timedelta

import pytest

from constant_contact_emulator import Kind
from email_opens.instants import next_day
from tests.integration.deployment import ACCOUNT, Deployment

COMMAND = f"email-opens connect {ACCOUNT}"


@pytest.fixture(autouse=True)
def _tracked(deployment: Deployment) -> None:
    deployment.send(opens=1)


class TestAnExpiredAccessToken:
    @pytest.fixture(params=["by its time", "before its time"], autouse=True)
    def _expired(self, deployment: Deployment, request: pytest.FixtureRequest) -> None:
        if request.param == "by its time":
            deployment.clock.sleep(timedelta(hours=25).total_seconds())
        else:
            deployment.vendor.authorization.expire_access_tokens()

    def test_does_not_stop_the_poll(self, deployment: Deployment) -> None:
        assert deployment.invoke()["published"] == 1

    def test_is_refreshed_once(self, deployment: Deployment) -> None:
        deployment.invoke()
        deployment.invoke()
        assert deployment.statuses("/token") == [200]

    def test_is_replaced_in_the_parameter_together_with_its_refresh_token(
        self, deployment: Deployment
    ) -> None:
        before = deployment.credentials()
        deployment.invoke()
        after = deployment.credentials()
        changed = {name for name in before if before[name] != after[name]}
        assert changed >= {"access_token", "refresh_token"}


class TestARevokedRefreshToken:
    @pytest.fixture(autouse=True)
    def _revoked(self, deployment: Deployment) -> None:
        deployment.vendor.authorization.revoke()

    def test_stops_the_account(self, deployment: Deployment) -> None:
        assert COMMAND in deployment.invoke()["stopped"]

    def test_is_logged_with_the_command_that_fixes_it(self, deployment: Deployment) -> None:
        deployment.invoke()
        assert any(COMMAND in line.get("stopped", "") for line in deployment.output.logs)

    def test_is_stored_as_the_last_error_of_the_account(self, deployment: Deployment) -> None:
        deployment.invoke()
        assert COMMAND in (deployment.account().last_error or "")

    def test_is_cleared_when_the_account_is_connected_again(self, deployment: Deployment) -> None:
        deployment.invoke()
        deployment.connect(deployment.vendor.credentials())
        deployment.invoke()
        assert deployment.account().last_error is None


def test_an_account_without_credentials_is_stopped_with_the_command_that_connects_it(
    deployment: Deployment,
) -> None:
    deployment.aws.ssm.delete_parameter(Name=deployment.aws.credentials_prefix + ACCOUNT)
    assert COMMAND in deployment.invoke()["stopped"]


def test_an_account_without_the_privilege_is_stopped_with_the_name_of_the_privilege(
    deployment: Deployment,
) -> None:
    deployment.vendor.world.behaviour.privileged = False
    assert "ui:campaign:metrics" in deployment.invoke()["stopped"]


def test_each_account_is_polled_with_its_own_credentials(deployment: Deployment) -> None:
    deployment.send(account_id="other")
    assert "email-opens connect other" in deployment.invoke({"account_id": "other"})["stopped"]


class TestAnExceededQuota:
    @pytest.fixture(autouse=True)
    def _exceeded(self, deployment: Deployment) -> None:
        deployment.vendor.faults.add(Kind.QUOTA_EXCEEDED)
        deployment.invoke()

    def test_closes_the_account_until_midnight(self, deployment: Deployment) -> None:
        assert deployment.account().closed_until == next_day(deployment.clock.now())

    def test_allows_no_request_before_midnight(self, deployment: Deployment) -> None:
        self.sleep_until_midnight(deployment, but_for=timedelta(seconds=1))
        deployment.invoke()
        assert deployment.statuses() == [429]

    def test_allows_requests_after_midnight(self, deployment: Deployment) -> None:
        self.sleep_until_midnight(deployment)
        deployment.invoke()
        assert deployment.statuses() == [429, 200]

    def test_is_reported_with_the_instant_at_which_it_ends(self, deployment: Deployment) -> None:
        assert "2026-03-03T00:00:00Z" in deployment.invoke()["stopped"]

    def sleep_until_midnight(
        self, deployment: Deployment, but_for: timedelta = timedelta(0)
    ) -> None:
        now = deployment.clock.now()
        deployment.clock.sleep((next_day(now) - now - but_for).total_seconds())


class TestTheDaysBudget:
    @pytest.fixture(autouse=True)
    def _limited_to_two_requests(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("REQUESTS_PER_DAY", "2")
        monkeypatch.setenv("RESERVED_PERCENT", "0")

    def test_is_never_overspent(self, deployment: Deployment) -> None:
        for _ in range(4):
            deployment.send()
            deployment.invoke()
        assert len(deployment.statuses()) == 2

    def test_starts_again_at_midnight(self, deployment: Deployment) -> None:
        for _ in range(3):
            deployment.invoke()
        deployment.clock.sleep(timedelta(days=1).total_seconds())
        deployment.connect(deployment.vendor.credentials())
        assert deployment.invoke()["requests"] == 1


def test_a_throttled_request_is_sent_again(deployment: Deployment) -> None:
    deployment.vendor.faults.add(Kind.THROTTLED)
    assert deployment.invoke()["published"] == 1


def test_the_pace_is_kept(deployment: Deployment) -> None:
    for _ in range(9):
        deployment.send(opens=1)
    deployment.invoke()
    assert deployment.statuses() == [200] * 10


class TestAParameterWhoseOldestVersionHasALabel:
    """Parameter Store keeps 100 versions, and does not delete one that has a label."""

    NAME = f"/email-opens/{ACCOUNT}"

    @pytest.fixture(autouse=True)
    def _labelled(self, deployment: Deployment) -> None:
        ssm, value = deployment.aws.ssm, json.dumps(deployment.credentials())
        for _ in range(99):
            ssm.put_parameter(Name=self.NAME, Value=value, Type="SecureString", Overwrite=True)
        ssm.label_parameter_version(Name=self.NAME, ParameterVersion=1, Labels=["kept"])
        deployment.vendor.authorization.expire_access_tokens()

    def test_stops_the_account_before_the_refresh_token_is_used(
        self, deployment: Deployment
    ) -> None:
        assert "aws ssm unlabel-parameter-version" in deployment.invoke()["stopped"]
        assert deployment.statuses("/token") == []
        assert "--labels kept" in (deployment.account().last_error or "")

    def test_is_polled_again_once_the_label_is_removed(self, deployment: Deployment) -> None:
        deployment.invoke()
        deployment.aws.ssm.unlabel_parameter_version(
            Name=self.NAME, ParameterVersion=1, Labels=["kept"]
        )
        assert deployment.invoke()["published"] == 1
        assert deployment.account().last_error is None

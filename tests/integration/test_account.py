"""What an account needs to be polled: tokens, a privilege, a quota."""

from datetime import timedelta

import pytest

from constant_contact_emulator import Kind
from email_opens.instants import next_day
from tests.integration.deployed import ACCOUNT, Deployed

COMMAND = f"email-opens connect {ACCOUNT}"


@pytest.fixture(autouse=True)
def _tracked(deployed: Deployed) -> None:
    deployed.send(opens=1)


class TestAnAccessTokenThatEnded:
    @pytest.fixture(params=["by its time", "before its time"], autouse=True)
    def _ended(self, deployed: Deployed, request: pytest.FixtureRequest) -> None:
        if request.param == "by its time":
            deployed.clock.sleep(timedelta(hours=25).total_seconds())
        else:
            deployed.vendor.authorization.expire_access_tokens()

    def test_stops_nothing(self, deployed: Deployed) -> None:
        assert deployed.invoke()["published"] == 1

    def test_is_refreshed_once(self, deployed: Deployed) -> None:
        deployed.invoke()
        deployed.invoke()
        assert deployed.asked("/token") == [200]

    def test_is_replaced_in_the_parameter_together_with_its_refresh_token(
        self, deployed: Deployed
    ) -> None:
        before = deployed.credentials()
        deployed.invoke()
        after = deployed.credentials()
        changed = {name for name in before if before[name] != after[name]}
        assert changed >= {"access_token", "refresh_token"}


class TestARevokedRefreshToken:
    @pytest.fixture(autouse=True)
    def _revoked(self, deployed: Deployed) -> None:
        deployed.vendor.authorization.revoke()

    def test_stops_the_account(self, deployed: Deployed) -> None:
        assert COMMAND in deployed.invoke()["stopped"]

    def test_is_logged_with_the_command_that_mends_it(self, deployed: Deployed) -> None:
        deployed.invoke()
        assert any(COMMAND in line["message"] for line in deployed.output.logs)

    def test_is_kept_as_the_accounts_last_error(self, deployed: Deployed) -> None:
        deployed.invoke()
        assert COMMAND in (deployed.account().last_error or "")

    def test_is_forgotten_once_the_account_is_connected_again(self, deployed: Deployed) -> None:
        deployed.invoke()
        deployed.connect(deployed.vendor.credentials())
        deployed.invoke()
        assert deployed.account().last_error is None


def test_without_credentials_is_told_how_to_get_them(deployed: Deployed) -> None:
    deployed.aws.ssm.delete_parameter(Name=deployed.aws.credentials_prefix + ACCOUNT)
    assert COMMAND in deployed.invoke()["stopped"]


def test_without_the_privilege_is_told_which(deployed: Deployed) -> None:
    deployed.vendor.world.behaviour.privileged = False
    assert "ui:campaign:metrics" in deployed.invoke()["stopped"]


def test_of_another_name_is_polled_with_its_own_credentials(deployed: Deployed) -> None:
    deployed.send(account_id="other")
    assert "email-opens connect other" in deployed.invoke({"account_id": "other"})["stopped"]


class TestAQuotaThatIsSpent:
    @pytest.fixture(autouse=True)
    def _spent(self, deployed: Deployed) -> None:
        deployed.vendor.faults.add(Kind.QUOTA_EXCEEDED)
        deployed.invoke()

    def test_is_remembered_until_midnight(self, deployed: Deployed) -> None:
        assert deployed.account().closed_until == next_day(deployed.clock.now())

    def test_is_not_asked_again_before_midnight(self, deployed: Deployed) -> None:
        self.sleep_until_midnight(deployed, but_for=timedelta(seconds=1))
        deployed.invoke()
        assert deployed.asked() == [429]

    def test_is_asked_again_after_midnight(self, deployed: Deployed) -> None:
        self.sleep_until_midnight(deployed)
        deployed.invoke()
        assert deployed.asked() == [429, 200]

    def test_says_when_it_opens(self, deployed: Deployed) -> None:
        assert "2026-03-03T00:00:00Z" in deployed.invoke()["stopped"]

    def sleep_until_midnight(self, deployed: Deployed, but_for: timedelta = timedelta(0)) -> None:
        now = deployed.clock.now()
        deployed.clock.sleep((next_day(now) - now - but_for).total_seconds())


class TestTheDaysBudget:
    @pytest.fixture(autouse=True)
    def _of_two_requests(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("REQUESTS_PER_DAY", "2")
        monkeypatch.setenv("RESERVED_PERCENT", "0")

    def test_is_never_overspent(self, deployed: Deployed) -> None:
        for _ in range(4):
            deployed.send()
            deployed.invoke()
        assert len(deployed.asked()) == 2

    def test_begins_anew_at_midnight(self, deployed: Deployed) -> None:
        for _ in range(3):
            deployed.invoke()
        deployed.clock.sleep(timedelta(days=1).total_seconds())
        deployed.connect(deployed.vendor.credentials())
        assert deployed.invoke()["requests"] == 1


def test_a_throttled_request_is_sent_again(deployed: Deployed) -> None:
    deployed.vendor.faults.add(Kind.THROTTLED)
    assert deployed.invoke()["published"] == 1


def test_the_pace_is_kept(deployed: Deployed) -> None:
    for _ in range(9):
        deployed.send(opens=1)
    deployed.invoke()
    assert deployed.asked() == [200] * 10

"""Failures that stop one activity or one invocation, while the others continue."""

from datetime import timedelta
from typing import Any

import pytest

from constant_contact_emulator import Kind
from email_opens.model import State
from tests.integration.deployment import ACCOUNT, Deployment

FOREVER = 1_000_000


@pytest.fixture
def broken(deployment: Deployment) -> str:
    """An activity whose report always answers 500."""
    broken = deployment.send(opens=1)
    deployment.vendor.faults.add(Kind.STATUS, status=500, path=broken, times=FOREVER)
    return broken


class TestAnActivityThatAlwaysFails:
    @pytest.mark.usefixtures("broken")
    def test_stops_no_other(self, deployment: Deployment) -> None:
        others = [deployment.send(opens=1), deployment.send(opens=1)]
        deployment.invoke()
        received = [event["data"]["campaign_activity_id"] for event in deployment.received()]
        assert sorted(received) == sorted(others)

    def test_is_named_in_the_reply(self, deployment: Deployment, broken: str) -> None:
        deployment.send(opens=1)
        assert deployment.invoke()["failed"] == [broken]

    def test_stores_its_last_error(self, deployment: Deployment, broken: str) -> None:
        deployment.invoke()
        assert "500" in (deployment.activity(broken).last_error or "")

    def test_continues_when_the_vendor_recovers(self, deployment: Deployment, broken: str) -> None:
        deployment.invoke()
        deployment.vendor.faults.clear()
        deployment.invoke()
        assert [event["data"]["campaign_activity_id"] for event in deployment.received()] == [
            broken
        ]


@pytest.mark.parametrize(
    ("kind", "details"),
    [
        (Kind.HTML, {}),
        (Kind.EMPTY, {}),
        (Kind.CUT, {}),
        (Kind.DROP, {}),
        (Kind.STATUS, {"status": 200, "body": "no JSON"}),
    ],
)
def test_a_request_is_repeated_if_its_reply_is_not_a_page(
    deployment: Deployment, kind: Kind, details: dict[str, Any]
) -> None:
    deployment.vendor.faults.add(kind, path=deployment.send(opens=1), **details)
    assert deployment.invoke()["published"] == 1


class TestAnActivityThatDoesNotExistAtTheVendor:
    @pytest.fixture
    def missing(self, deployment: Deployment) -> str:
        missing = deployment.send(opens=1)
        deployment.vendor.faults.add(Kind.STATUS, status=404, path=missing)
        deployment.invoke()
        return missing

    def test_fails_and_stays_active(self, deployment: Deployment, missing: str) -> None:
        assert deployment.state(missing) is State.ACTIVE

    def test_is_published_by_a_turn_a_minute_later(
        self, deployment: Deployment, missing: str
    ) -> None:
        assert deployment.invoke()["published"] == 1
        assert deployment.statuses(missing) == [404, 200]

    def test_is_requested_again_after_five_minutes_more(
        self, deployment: Deployment, missing: str
    ) -> None:
        deployment.vendor.faults.add(Kind.STATUS, status=404, path=missing)
        requests = [deployment.invoke()["requests"] for _ in range(6)]
        assert requests == [1, 0, 0, 0, 0, 1]


class TestTheLease:
    def test_is_taken_by_one_of_two_concurrent_invocations(self, deployment: Deployment) -> None:
        deployment.send(opens=1)
        leased = []

        def invoke_second(*_: str) -> None:
            deployment.vendor.world.forget_hooks()
            leased.append(deployment.invoke(request_id="second")["leased"])

        deployment.vendor.world.before_request(invoke_second)
        leased.append(deployment.invoke(request_id="first")["leased"])
        assert leased == [False, True]

    def test_when_denied_prevents_all_requests(self, deployment: Deployment) -> None:
        deployment.send(opens=1)
        self.lease_to_another(deployment)
        assert (deployment.invoke()["requests"], deployment.statuses()) == (0, [])

    def test_of_a_killed_invocation_expires(self, deployment: Deployment) -> None:
        deployment.send(opens=1)
        self.lease_to_another(deployment)
        deployment.clock.sleep(61)
        assert deployment.invoke()["published"] == 1

    def test_is_released_at_the_end(self, deployment: Deployment) -> None:
        deployment.invoke(request_id="first")
        assert deployment.invoke(request_id="second")["leased"]

    def lease_to_another(self, deployment: Deployment) -> None:
        now = deployment.clock.now()
        deployment.tracking.lease(
            ACCOUNT,
            holder="another",
            now=now,
            until=now + timedelta(seconds=60),
            reserve=241,
            budget=10_000,
        )

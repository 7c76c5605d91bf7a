"""What fails alone, and who goes on."""

from datetime import timedelta
from typing import Any

import pytest

from constant_contact_emulator import Kind
from email_opens.model import State
from tests.integration.deployed import ACCOUNT, Deployed

FOR_EVER = 1_000_000


@pytest.fixture
def broken(deployed: Deployed) -> str:
    """The activity whose report answers 500, whenever it is asked for."""
    broken = deployed.send(opens=1)
    deployed.vendor.faults.add(Kind.STATUS, status=500, path=broken, times=FOR_EVER)
    return broken


class TestAnActivityThatAlwaysFails:
    @pytest.mark.usefixtures("broken")
    def test_stops_no_other(self, deployed: Deployed) -> None:
        others = [deployed.send(opens=1), deployed.send(opens=1)]
        deployed.invoke()
        received = [event["data"]["campaign_activity_id"] for event in deployed.received()]
        assert sorted(received) == sorted(others)

    def test_is_named_by_the_reply(self, deployed: Deployed, broken: str) -> None:
        deployed.send(opens=1)
        assert deployed.invoke()["failed"] == [broken]

    def test_keeps_what_was_wrong(self, deployed: Deployed, broken: str) -> None:
        deployed.invoke()
        assert "500" in (deployed.activity(broken).last_error or "")

    def test_goes_on_once_it_is_mended(self, deployed: Deployed, broken: str) -> None:
        deployed.invoke()
        deployed.vendor.faults.clear()
        deployed.invoke()
        assert [event["data"]["campaign_activity_id"] for event in deployed.received()] == [broken]


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
def test_a_reply_that_is_no_page_is_asked_for_again(
    deployed: Deployed, kind: Kind, details: dict[str, Any]
) -> None:
    deployed.vendor.faults.add(kind, path=deployed.send(opens=1), **details)
    assert deployed.invoke()["published"] == 1


class TestAnActivityThatTheVendorDoesNotKnow:
    @pytest.fixture
    def unknown(self, deployed: Deployed) -> str:
        unknown = deployed.send(opens=1)
        deployed.vendor.faults.add(Kind.STATUS, status=404, path=unknown)
        deployed.invoke()
        return unknown

    def test_is_gone(self, deployed: Deployed, unknown: str) -> None:
        assert deployed.state(unknown) is State.GONE

    def test_is_not_asked_for_again(self, deployed: Deployed, unknown: str) -> None:
        deployed.invoke()
        assert deployed.asked(unknown) == [404]


class TestTheLease:
    def test_goes_to_one_of_two_invocations_at_once(self, deployed: Deployed) -> None:
        deployed.send(opens=1)
        leased = []

        def meanwhile(*_: str) -> None:
            deployed.vendor.world.forget_hooks()
            leased.append(deployed.invoke(request_id="second")["leased"])

        deployed.vendor.world.before_request(meanwhile)
        leased.append(deployed.invoke(request_id="first")["leased"])
        assert leased == [False, True]

    def test_denied_leaves_the_vendor_alone(self, deployed: Deployed) -> None:
        deployed.send(opens=1)
        self.held_by_another(deployed)
        assert (deployed.invoke()["requests"], deployed.asked()) == (0, [])

    def test_of_a_killed_invocation_ends_with_its_time(self, deployed: Deployed) -> None:
        deployed.send(opens=1)
        self.held_by_another(deployed)
        deployed.clock.sleep(61)
        assert deployed.invoke()["published"] == 1

    def test_is_given_back(self, deployed: Deployed) -> None:
        deployed.invoke(request_id="first")
        assert deployed.invoke(request_id="second")["leased"]

    def held_by_another(self, deployed: Deployed) -> None:
        now = deployed.clock.now()
        deployed.tracking.lease(
            ACCOUNT,
            holder="another",
            now=now,
            until=now + timedelta(seconds=60),
            reserve=241,
            budget=10_000,
        )

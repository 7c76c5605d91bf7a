"""A refusal stops no more than it is about."""

from typing import Any

import pytest

from constant_contact_emulator import Kind
from email_opens.errors import AccountDisconnected, ActivityForbidden
from email_opens.model import State
from tests.core.at_the_vendor import VendorCore

REFUSALS = [
    ({"status": 403}, "403 access_denied"),
    ({"status": 401}, "401 unauthorized"),
    ({"status": 403, "body": "<html>blocked</html>"}, "403 with an HTML page"),
    (
        {"status": 403, "body": {"message": "Missing Authentication Token"}},
        "403 “Missing Authentication Token”",
    ),
]


@pytest.fixture
def core() -> VendorCore:
    """Return an account with two e-mails, of which the second has 20 opens."""
    core = VendorCore(2)
    core.open(core.activity_ids[1], 20)
    return core


@pytest.mark.parametrize(("details", "reason"), REFUSALS)
def test_a_refused_activity_fails_alone_for_the_vendors_reason(
    core: VendorCore, details: dict[str, Any], reason: str
) -> None:
    core.fail(path=core.activity_ids[0], **details)
    turn = core.take_turn()
    assert len(core.publisher.published) == 20
    (failure,) = turn.failures
    assert failure.campaign_activity_id == core.activity_ids[0]
    assert isinstance(failure.error, ActivityForbidden)
    assert reason in str(failure.error)
    assert turn.stopped is None
    activity = core.tracking.items["default", core.activity_ids[0]]
    assert (activity.state, activity.last_error) == (State.ACTIVE, str(failure.error))


@pytest.mark.parametrize("answer", [{"status": 500}, {"status": 403}, {"body": "?", "status": 200}])
def test_a_refused_activity_fails_alone_if_the_account_cannot_be_checked(
    core: VendorCore, answer: dict[str, Any]
) -> None:
    core.fail(path=core.activity_ids[0], status=403)
    core.fail(path="/privileges", **answer)
    assert core.take_turn().stopped is None
    assert len(core.publisher.published) == 20


@pytest.mark.parametrize("status", [401, 403])
def test_an_activity_that_is_always_refused_costs_a_few_requests_and_one_token_a_turn(
    core: VendorCore, status: int
) -> None:
    core.take_turn()
    core.fail(path=core.activity_ids[0], status=status)
    core.take_turn()
    before = [request.path for request in core.vendor.requests]
    for _ in range(10):
        core.take_turn()
    paths = [request.path for request in core.vendor.requests][len(before) :]
    assert sum("/privileges" in path for path in paths) <= 10
    assert sum(core.activity_ids[0] in path for path in paths) <= 10
    assert not any("/token" in path for path in paths)


@pytest.mark.parametrize("status", [401, 403])
def test_the_account_stops_if_its_privilege_is_missing(core: VendorCore, status: int) -> None:
    core.fail(path=core.activity_ids[0], status=status)
    core.vendor.world.behaviour.privileged = False
    turn = core.take_turn()
    assert isinstance(turn.stopped, AccountDisconnected)
    assert "ui:campaign:metrics" in str(turn.stopped)


def test_forbidden_counters_stop_no_poll(core: VendorCore) -> None:
    core.fail(Kind.FORBIDDEN, path="/stats/")
    for _ in range(3):
        turn = core.take_turn()
        assert (turn.stopped, turn.failures) == (None, [])
    assert len(core.publisher.published) == 20

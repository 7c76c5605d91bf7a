"""An invocation that runs out of time leaves a gap, and the next one goes on there."""

import pytest

from constant_contact_emulator import Kind
from email_opens.turns import turn
from tests.integration.deployed import Deployed

PAGE_ROWS = 5
SECONDS_FOR_TWO_PAGES = 7.3
"""Six are kept for the commit, one is the least for a request, and the pace is four a second."""


@pytest.fixture
def activity_id(deployed: Deployed, monkeypatch: pytest.MonkeyPatch) -> str:
    """A backlog of four pages, of which the first invocation reads two."""
    monkeypatch.setattr(turn, "PAGE_ROWS", PAGE_ROWS)
    activity_id = deployed.send(opens=4 * PAGE_ROWS)
    deployed.invoke(seconds=SECONDS_FOR_TWO_PAGES)
    return activity_id


def test_what_was_read_is_published(deployed: Deployed, activity_id: str) -> None:
    assert deployed.activity(activity_id).counts.published == 2 * PAGE_ROWS


def test_the_gap_is_kept(deployed: Deployed, activity_id: str) -> None:
    assert len(deployed.activity(activity_id).progress.gaps) == 1


@pytest.mark.usefixtures("activity_id")
def test_the_gap_is_told(deployed: Deployed) -> None:
    assert deployed.output.measured("GapsOpen") == [1]


@pytest.mark.usefixtures("activity_id")
def test_the_gap_is_told_while_the_quota_is_closed(deployed: Deployed) -> None:
    deployed.vendor.faults.add(Kind.QUOTA_EXCEEDED)
    for _ in range(2):
        deployed.invoke()
    assert deployed.output.measured("GapsOpen") == [1, 1, 1]


@pytest.mark.usefixtures("activity_id")
def test_the_next_invocation_publishes_the_rest_and_repeats_nothing(deployed: Deployed) -> None:
    deployed.invoke()
    ids = [event["id"] for event in deployed.received()]
    assert (len(ids), len(set(ids))) == (4 * PAGE_ROWS, 4 * PAGE_ROWS)


@pytest.mark.usefixtures("activity_id")
def test_the_next_invocation_leaves_no_gap(deployed: Deployed) -> None:
    assert deployed.invoke()["gaps"] == 0


def test_an_open_of_the_head_need_not_wait_for_the_gap(
    deployed: Deployed, activity_id: str
) -> None:
    deployed.clock.sleep(60)
    row = deployed.vendor.world.add_open(activity_id, 4 * PAGE_ROWS)
    deployed.received()
    deployed.invoke(seconds=SECONDS_FOR_TWO_PAGES)
    subjects = {event["subject"] for event in deployed.received()}
    assert row.contact.contact_id in subjects


def test_too_little_for_one_request_asks_nothing(deployed: Deployed) -> None:
    deployed.send(opens=1)
    assert deployed.invoke(seconds=6)["requests"] == 0

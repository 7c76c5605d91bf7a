"""An invocation that runs out of time leaves a gap, which the next invocation continues."""

import pytest

from constant_contact_emulator import Kind
from email_opens.turns import turn
from tests.integration.deployment import Deployment

PAGE_ROWS = 5
SECONDS_FOR_TWO_PAGES = 7.3
"""Six for the commit, at least one for a request, and the rest for a pace of four a second."""


@pytest.fixture
def activity_id(deployment: Deployment, monkeypatch: pytest.MonkeyPatch) -> str:
    """A backlog of four pages, two of which the first invocation reads."""
    monkeypatch.setattr(turn, "PAGE_ROWS", PAGE_ROWS)
    activity_id = deployment.send(opens=4 * PAGE_ROWS)
    deployment.invoke(seconds=SECONDS_FOR_TWO_PAGES)
    return activity_id


def gaps_logged(deployment: Deployment) -> list[int]:
    """Return the gaps in the line of each turn."""
    return [line["gaps"] for line in deployment.output.logs if "gaps" in line]


def test_the_rows_that_were_read_are_published(deployment: Deployment, activity_id: str) -> None:
    assert deployment.activity(activity_id).counts.published == 2 * PAGE_ROWS


def test_the_gap_is_stored(deployment: Deployment, activity_id: str) -> None:
    assert len(deployment.activity(activity_id).progress.gaps) == 1


@pytest.mark.usefixtures("activity_id")
def test_the_gap_is_logged(deployment: Deployment) -> None:
    assert gaps_logged(deployment) == [1]


@pytest.mark.usefixtures("activity_id")
def test_the_gap_is_logged_while_the_quota_is_exceeded(deployment: Deployment) -> None:
    deployment.vendor.faults.add(Kind.QUOTA_EXCEEDED)
    for _ in range(2):
        deployment.invoke()
    assert gaps_logged(deployment) == [1, 1, 1]


@pytest.mark.usefixtures("activity_id")
def test_the_next_invocation_publishes_the_rest_and_repeats_nothing(deployment: Deployment) -> None:
    deployment.invoke()
    ids = [event["id"] for event in deployment.received()]
    assert (len(ids), len(set(ids))) == (4 * PAGE_ROWS, 4 * PAGE_ROWS)


@pytest.mark.usefixtures("activity_id")
def test_the_next_invocation_leaves_no_gap(deployment: Deployment) -> None:
    assert deployment.invoke()["gaps"] == 0


def test_a_new_open_does_not_wait_for_the_gap(deployment: Deployment, activity_id: str) -> None:
    deployment.clock.sleep(60)
    row = deployment.vendor.world.add_open(activity_id, 4 * PAGE_ROWS)
    deployment.received()
    deployment.invoke(seconds=SECONDS_FOR_TWO_PAGES)
    subjects = {event["subject"] for event in deployment.received()}
    assert row.contact.contact_id in subjects


def test_an_invocation_without_time_for_a_request_sends_none(deployment: Deployment) -> None:
    deployment.send(opens=1)
    assert deployment.invoke(seconds=6)["requests"] == 0

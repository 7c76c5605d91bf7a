"""An upgrade, a rollback and another upgrade, with the code of the previous version itself."""

from pathlib import Path

import pytest

from email_opens.scheduling.lifecycle import MOST_FINISHED
from tests.versions.versions import CURRENT, KINDS, Rehearsal, unpack_previous

ACTIVITIES = 24
POLLED = {"active", "gone"}


@pytest.fixture(scope="module")
def previous(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return unpack_previous(tmp_path_factory.mktemp("previous"))


@pytest.fixture(params=["dynamodb", "sqlite"])
def rehearsal(request: pytest.FixtureRequest, tmp_path: Path) -> Rehearsal:
    return Rehearsal(store=request.param, folder=tmp_path)


@pytest.mark.timeout(300)
def test_an_upgrade_a_rollback_and_an_upgrade_lose_and_repeat_nothing(
    rehearsal: Rehearsal, previous: Path
) -> None:
    states = rehearsal.track(previous, ACTIVITIES)["states"]
    polled = [activity_id for activity_id, state in states.items() if state in POLLED]
    for version in (previous, CURRENT, previous, CURRENT):
        rehearsal.open(polled, 14)
        turns = rehearsal.work(version)
        assert (turns["failed"], turns["stopped"]) == ([], None)
        assert len(turns["states"]) == ACTIVITIES
        assert set(turns["states"].values()) <= {*KINDS}
        assert len(rehearsal.published) == rehearsal.rows
    assert len(set(rehearsal.published)) == rehearsal.rows


@pytest.mark.timeout(300)
def test_archived_activities_wait_for_the_next_upgrade_while_the_previous_version_runs(
    rehearsal: Rehearsal, previous: Path
) -> None:
    kinds = {f"e-mail-{number:05}": "finished long ago" for number in range(MOST_FINISHED + 3)}
    rehearsal.reports = {activity_id: [] for activity_id in kinds}
    rehearsal.work(previous, track=kinds, turns=1)
    assert len(rehearsal.work(CURRENT)["states"]) == len(kinds)
    rehearsal.open(kinds, 2)
    shown = rehearsal.work(previous, turns=4)["states"]
    assert len(shown) == MOST_FINISHED
    assert len(rehearsal.work(CURRENT, turns=4)["states"]) == len(kinds)
    assert len(set(rehearsal.published)) == len(rehearsal.published) == rehearsal.rows


NEWER = {"colour": {"S": "red"}, "parts": {"M": {"a": {"L": [{"BOOL": True}]}}}}
"""Attributes that this version does not understand."""


@pytest.mark.timeout(300)
def test_what_a_newer_version_stored_outlives_turns_of_this_one(rehearsal: Rehearsal) -> None:
    states = rehearsal.track(CURRENT, ACTIVITIES)["states"]
    polled = [activity_id for activity_id, state in states.items() if state in POLLED]
    newer, unknown_state = polled[:2]
    rehearsal.change(lambda _, item: item | NEWER)
    rehearsal.change(lambda name, item: item | {"schema": {"N": "2"}} if name == newer else item)
    rehearsal.change(
        lambda name, item: item | {"state": {"S": "dormant"}} if name == unknown_state else item
    )
    before = rehearsal.stored()
    rehearsal.open(polled[2:], 14)
    turns = rehearsal.work(CURRENT)
    after = rehearsal.stored()
    assert len(set(rehearsal.published)) == len(rehearsal.published) == rehearsal.rows
    assert {name: kept for name, item in after.items() if (kept := {**item, **NEWER}) != item} == {}
    refused = {newer, unknown_state}
    assert {name for name, state in turns["states"].items() if state == "newer"} == refused
    assert {name: after[name] for name in refused} == {name: before[name] for name in refused}
    assert [failure.partition(" of ")[0] for failure in turns["failed"]] == ["The item"] * 2
    assert turns["stopped"] is None


@pytest.mark.timeout(300)
def test_a_newer_account_is_stopped_and_left_as_it_is(rehearsal: Rehearsal) -> None:
    rehearsal.track(CURRENT, ACTIVITIES)
    rehearsal.change(lambda name, item: item | {"schema": {"N": "2"}} if not name else item)
    before = rehearsal.stored()
    turns = rehearsal.work(CURRENT)
    assert turns["stopped"].startswith("The item of account “default” has schema 2, and this")
    assert rehearsal.stored() == before

"""Finished activities are archived, so that turns do not read them, and wake all the same."""

from copy import replace
from typing import Any

import pytest

from email_opens.errors import LostRace
from email_opens.model import Activity, Estimate, State
from email_opens.scheduling.lifecycle import MOST_FINISHED
from email_opens.turns.archive import MOST_A_TURN
from tests.core.setup import DAY, Core, at, row
from tests.world import Calls

OLD = at(0) - 90 * DAY
HOUR_SECONDS = 3600


@pytest.fixture
def core() -> Core:
    core = Core(campaigns_per_probe=2)
    core.world.refreshed_at = core.clock.now()
    return core


def finish(core: Core, number: int, **changes: Any) -> Activity:
    """Track an activity that was finished long ago; the higher its number, the later."""
    name = f"{number:03}"
    core.world.counters[f"of {name}"] = 0
    finished = {
        "campaign_activity_id": name,
        "campaign_id": f"of {name}",
        "state": State.FINISHED,
        "tracked_at": OLD + number * DAY / 1000,
        "watermark": OLD + number * DAY / 1000,
        "polled_at": at(0),
        "swept_at": at(0),
        "audited_at": at(0),
        "estimate": Estimate(1.0, 1e9),
        "counter": 0,
    }
    return core.track(**(finished | changes))


def archive(core: Core, number: int) -> None:
    core.tracking.archive(finish(core, number))


def archived(core: Core) -> list[str]:
    found = core.tracking.archived("default", after=None, most=1000)
    return [activity.campaign_activity_id for activity in found]


def take_hourly_turns(core: Core, number: int) -> None:
    for _ in range(number):
        core.world.refreshed_at = core.clock.now()
        core.take_turn()
        core.clock.sleep(HOUR_SECONDS)


def test_all_but_the_latest_finished_activities_are_archived(core: Core) -> None:
    for number in range(MOST_FINISHED + 3):
        finish(core, number)
    core.take_turn()
    assert archived(core) == ["000", "001", "002"]
    assert len(core.tracking.current("default")) == MOST_FINISHED


def test_a_turn_archives_only_so_many(core: Core) -> None:
    for number in range(MOST_FINISHED + MOST_A_TURN + 3):
        finish(core, number)
    core.take_turn()
    assert len(archived(core)) == MOST_A_TURN
    core.take_turn()
    assert len(archived(core)) == MOST_A_TURN + 3


def test_what_is_paused_or_was_sent_lately_is_not_archived(core: Core) -> None:
    for number in range(MOST_FINISHED):
        finish(core, number, watermark=at(0) - DAY)
    finish(core, 900, state=State.PAUSED)
    finish(core, 901, sent_at=at(0) - 20 * DAY)
    core.take_turn()
    assert archived(core) == []


def test_what_cannot_be_archived_is_reported_and_ends_no_turn(core: Core) -> None:
    for number in range(MOST_FINISHED + 1):
        finish(core, number)

    def refuse(activity: Activity) -> Activity:
        del activity
        raise PermissionError("not allowed")

    core.tracking.archive = refuse  # type: ignore[method-assign] # a table that refuses moves
    turn = core.take_turn()
    assert [failure.campaign_activity_id for failure in turn.failures] == ["000"]
    assert turn.completed


def test_what_another_writer_has_changed_is_not_archived(core: Core) -> None:
    for number in range(MOST_FINISHED + 2):
        finish(core, number)
    move = core.tracking.archive

    def lose(activity: Activity) -> Activity:
        if activity.campaign_activity_id == "000":
            raise LostRace("It was changed.")
        return move(activity)

    core.tracking.archive = lose  # type: ignore[method-assign] # another writer comes first
    assert core.take_turn().failures == []
    assert archived(core) == ["001"]


def test_an_archived_activity_whose_counter_has_moved_is_current_again(core: Core) -> None:
    archive(core, 0)
    core.world.counters["of 000"] = 1
    core.arrive(row(0), to="000")
    core.take_turn()
    (activity,) = core.tracking.current("default")
    assert (activity.state, core.published_minutes("000"), archived(core)) == (
        State.ACTIVE,
        [0],
        [],
    )


def test_each_hour_reads_the_counters_of_the_next_archived_activities(core: Core) -> None:
    for number in range(5):
        archive(core, number)
    take_hourly_turns(core, 4)
    assert core.world.counted == [
        ("of 000", "of 001"),
        ("of 002", "of 003"),
        ("of 004",),
        ("of 000", "of 001"),
    ]


def test_the_counters_of_archived_activities_are_read_once_an_hour(core: Core) -> None:
    archive(core, 0)
    for _ in range(20):
        core.take_turn()
        core.clock.sleep(60)
    assert core.world.counted == [("of 000",)]


def test_archived_activities_fill_the_room_that_a_probe_has_left(core: Core) -> None:
    for number in range(3):
        archive(core, number)
    finish(core, 9, state=State.ACTIVE, watermark=at(0) - 2 * DAY)
    core.take_turn()
    assert core.world.counted == [("of 009", "of 000")]


def test_a_page_whose_counters_were_not_read_is_read_again(core: Core) -> None:
    for number in range(3):
        archive(core, number)
    core.world.counters_fail = TimeoutError()
    take_hourly_turns(core, 1)
    core.world.counters_fail = None
    take_hourly_turns(core, 1)
    assert core.world.counted == [("of 000", "of 001")] * 2


def test_without_archived_activities_a_turn_looks_for_them_once_an_hour(core: Core) -> None:
    reads = []
    find = core.tracking.archived

    def counted(account_id: str, *, after: str | None, most: int) -> list[Activity]:
        reads.append(account_id)
        return find(account_id, after=after, most=most)

    core.tracking.archived = counted  # type: ignore[method-assign] # reads are counted
    for _ in range(20):
        core.take_turn(Calls())
        core.clock.sleep(60)
    assert (reads, core.world.counted) == (["default"], [])


def test_an_archived_activity_that_is_also_current_is_not_woken(core: Core) -> None:
    # An older version, which reads no archived items, has tracked it again.
    stale = core.tracking.archive(finish(core, 0))
    core.tracking.save(replace(stale, state=State.PAUSED))
    core.tracking.archived = lambda *_, **__: [stale]  # type: ignore[method-assign] # stored twice
    core.world.counters["of 000"] = 1
    core.take_turn()
    assert core.world.counted == []

"""What a stretch of a walk writes into its activity, and in which order."""

import json
from collections import Counter
from copy import replace

import pytest

from email_opens.errors import (
    LostRace,
    PublishFailed,
)
from email_opens.events import event_id
from email_opens.model import Depth, Open, Page, State
from tests.contract.samples import ACTIVITY_ID, varied
from tests.core.setup import (
    FIVE_PAGES,
    Core,
    Pages,
    at,
    rejected,
    report_of,
    row,
)
from tests.world import Calls, Crash, crash


@pytest.fixture
def core() -> Core:
    core = Core()
    core.track()
    return core


# --- What is written ---


def test_the_activity_is_written_as_the_walk_has_left_it(core: Core) -> None:
    core.track(campaign_activity_id="b", published=5, rejected=7, reported=1, last_error="Old.")
    page = Page(None, (row(1), row(1)), (rejected("a"),))
    walk = core.walk(depth=Depth.AUDIT)
    walk.activity = core.activity("b")
    core.work(Pages({None: page}), walk)
    now = core.clock.now()
    assert core.activity("b") == varied(
        core.activity("b"),
        watermark=at(1),
        polled_at=now,
        swept_at=now,
        audited_at=now,
        published=7,
        rejected=8,
        reported=3,
        last_error=None,
        version=1,
    )


@pytest.mark.parametrize(
    ("depth", "swept", "audited"),
    [(Depth.TAIL, False, False), (Depth.SWEEP, True, False), (Depth.AUDIT, True, True)],
)
def test_a_deeper_walk_is_a_shallower_one_too(
    core: Core, depth: Depth, swept: bool, audited: bool
) -> None:
    core.work(report_of((row(1),)), core.walk(depth=depth))
    activity = core.activity()
    assert (activity.progress.swept_at is not None, activity.progress.audited_at is not None) == (
        swept,
        audited,
    )


def test_when_it_was_swept_and_audited_is_remembered(core: Core) -> None:
    before = varied(core.activity(), swept_at=at(-9), audited_at=at(-8), reported=4)
    core.tracking.save(before)
    core.work(report_of((row(1),)), core.walk(floor=at(0)))
    activity = core.activity()
    assert (activity.progress.swept_at, activity.progress.audited_at, activity.counts.reported) == (
        at(-9),
        at(-8),
        4,
    )


def test_an_activity_that_was_gone_and_answers_is_active_again(core: Core) -> None:
    core.tracking.save(replace(core.activity(), state=State.GONE))
    core.work(report_of(()), core.walk())
    assert core.activity().state is State.ACTIVE


def test_a_walk_to_its_floor_does_not_count_the_whole_report(core: Core) -> None:
    core.work(report_of((row(1),)), core.walk(floor=at(0)))
    assert core.activity().counts.reported is None


def test_the_rows_of_a_report_are_counted_over_all_its_pages(core: Core) -> None:
    walk = core.walk()
    report = report_of(*FIVE_PAGES)
    core.work(report, walk)
    core.work(report, walk)
    assert core.activity().counts.reported == 5


def test_a_row_of_the_future_does_not_move_the_watermark(core: Core) -> None:
    core.work(report_of((row(999), row(120), row(1))), core.walk())
    assert core.activity().progress.watermark == at(120) == core.clock.now()


# --- Publish, then ledger, then watermark ---

ROWS: list[Open] = [row(2), row(1)]
CALLS = ("publish", "record opens", "set aside", "record rows", "save")


def killed(core: Core, number: int, *, late: bool) -> None:
    calls = Calls()
    (calls.after if late else calls.before)[number] = crash
    with pytest.raises(Crash):
        core.work(one_page(), core.walk(), calls)


def one_page() -> Pages:
    return Pages({None: Page(None, tuple(ROWS), (rejected("a"),))})


def state(core: Core) -> tuple[bool, ...]:
    """Return which of the calls have had their effect."""
    recorded = core.ledger.entries.get(ACTIVITY_ID, {})
    return (
        bool(core.publisher.published),
        "2026-03-02T12" in recorded,
        bool(core.publisher.dead_letters),
        "rejected" in recorded,
        core.activity().progress.watermark == at(2),
    )


@pytest.mark.parametrize("number", range(len(CALLS)), ids=CALLS)
@pytest.mark.parametrize("late", [False, True])
def test_a_kill_leaves_done_what_comes_first(core: Core, number: int, late: bool) -> None:
    killed(core, number, late=late)
    done = number + late
    assert state(core) == tuple(step < done for step in range(len(CALLS)))


@pytest.mark.parametrize("number", range(len(CALLS)), ids=CALLS)
@pytest.mark.parametrize("late", [False, True])
def test_the_next_poll_after_a_kill_repeats_only_what_was_not_recorded(
    core: Core, number: int, late: bool
) -> None:
    killed(core, number, late=late)
    core.work(one_page(), core.walk())
    times = Counter(json.loads(body)["id"] for body in core.publisher.published)
    unrecorded = number + late == 1
    assert times == {event_id(one, 1): 2 if unrecorded else 1 for one in ROWS}
    assert len(core.publisher.dead_letters) == (2 if number + late == 3 else 1)


def test_what_could_not_be_published_is_neither_recorded_nor_passed(core: Core) -> None:
    core.publisher.topic_is_down = True
    with pytest.raises(PublishFailed):
        core.work(report_of((row(1),)), core.walk())
    assert (core.ledger.entries, core.activity().progress.watermark) == ({}, None)


def test_opens_published_before_a_lost_race_are_in_the_ledger_and_not_counted(core: Core) -> None:
    walk = core.walk()
    core.tracking.save(replace(core.activity(), last_error="Another was here."))
    with pytest.raises(LostRace):
        core.work(report_of((row(1),)), walk)
    assert core.ledger.entries[ACTIVITY_ID].keys() == {"2026-03-02T12"}
    assert core.activity().counts.published == 0


@pytest.mark.parametrize(
    ("before", "after"), [(State.GONE, State.ACTIVE), (State.PAUSED, State.PAUSED)]
)
def test_a_page_that_was_read_makes_a_gone_activity_active_but_not_a_paused_one(
    core: Core, before: State, after: State
) -> None:
    core.tracking.items["default", ACTIVITY_ID] = replace(core.activity(), state=before)
    core.work(report_of((row(1),)), core.walk())
    assert core.activity().state is after

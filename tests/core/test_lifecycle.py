"""When an activity is gone, asked for again, and finished."""

from copy import replace
from datetime import timedelta

import pytest

from email_opens.account import Account
from email_opens.model import Gap, State
from email_opens.scheduling.lifecycle import revived
from tests.core.setup import DAY, HOUR, Core, at, row

PAGE = 3
"""Rows of a page of these worlds; an audit's has one less."""


@pytest.fixture
def core() -> Core:
    return Core()


def backlog(pages: int) -> list[float]:
    """Return the minutes of as many rows as fill so many pages, newest first."""
    return [float(-number) for number in range(pages * PAGE)]


def read(core: Core, minute: float = 0, **changes: object) -> None:
    """Track an activity that was read whole, down from an open at a minute."""
    core.track(**changes)
    core.arrive(row(minute))
    core.take_turn()
    core.polled.clear()
    core.publisher.published.clear()


def requests_of_a_turn_after(core: Core, minutes: float) -> int:
    core.clock.sleep(minutes * 60)
    return core.take_turn().requests


def test_an_activity_that_the_vendor_does_not_know_fails(core: Core) -> None:
    core.track()
    core.world.rows.clear()
    turn = core.take_turn()
    activity = core.activity()
    assert (activity.state, activity.missing_since, activity.last_error, len(turn.failures)) == (
        State.ACTIVE,
        core.clock.now(),
        "The vendor does not know this activity.",
        1,
    )


def test_it_is_polled_again_after_growing_pauses(core: Core) -> None:
    core.track()
    core.world.rows.clear()
    core.take_turn()
    pauses = [1, 5, 15, 60, 60]
    assert [
        (requests_of_a_turn_after(core, pause - 0.5), requests_of_a_turn_after(core, 0.5))
        for pause in pauses
    ] == [(0, 1)] * len(pauses)


def test_it_is_polled_again_by_the_next_turn_although_it_failed_late_in_the_first(
    core: Core,
) -> None:
    core.track()
    core.world.rows.clear()
    core.take_turn()
    assert requests_of_a_turn_after(core, 59 / 60) == 1


def test_it_is_gone_after_a_day_of_such_answers_and_then_polled_daily(core: Core) -> None:
    core.track()
    core.world.rows.clear()
    core.take_turn()
    for _ in range(24):
        requests_of_a_turn_after(core, 60)
    assert core.activity().state is State.GONE
    core.clock.sleep(DAY.total_seconds() - 1)
    assert core.take_turn().requests == 0
    core.clock.sleep(1)
    assert core.take_turn().requests == 1


@pytest.mark.parametrize("hours", [0, 30])
def test_it_is_active_again_when_the_vendor_knows_it_again(core: Core, hours: int) -> None:
    core.track()
    rows = dict(core.world.rows)
    core.world.rows.clear()
    for _ in range(hours + 1):
        requests_of_a_turn_after(core, 60)
    core.world.rows.update(rows)
    core.arrive(row(0))
    core.clock.sleep(DAY.total_seconds())
    core.take_turn()
    activity = core.activity()
    assert (activity.state, activity.missing_since, core.published_minutes()) == (
        State.ACTIVE,
        None,
        [0],
    )


QUIET = timedelta(days=60)


def test_a_quiet_activity_is_finished_after_a_last_audit(core: Core) -> None:
    read(core, tracked_at=at(0))
    core.arrive(row(-999))
    core.clock.sleep(QUIET.total_seconds())
    core.take_turn()
    assert (core.activity().state, core.published_minutes()) == (State.FINISHED, [-999])


def test_the_last_audit_does_not_wait_for_the_day(core: Core) -> None:
    core.track(tracked_at=at(0) - QUIET, watermark=at(-QUIET / HOUR * 60), audited_at=at(-1))
    core.arrive(row(-QUIET / HOUR * 60), row(-QUIET / HOUR * 60 - 999))
    core.take_turn()
    assert (core.activity().state, len(core.published_minutes())) == (State.FINISHED, 2)


def test_a_finished_activity_is_polled_no_more(core: Core) -> None:
    core.track(tracked_at=at(0) - QUIET)
    core.take_turn()
    assert core.take_turn().requests == 0


def test_an_activity_whose_last_audit_finds_an_open_of_today_goes_on(core: Core) -> None:
    core.track(tracked_at=at(0) - QUIET)
    core.arrive(row(0))
    core.take_turn()
    assert core.activity().state is State.ACTIVE


def test_an_activity_that_is_not_quiet_is_not_finished_by_an_audit(core: Core) -> None:
    core.track()
    core.take_turn()
    assert core.activity().state is State.ACTIVE


def quiet(core: Core, **changes: object) -> None:
    """Track an activity of several pages that was opened last so long ago that it is quiet."""
    old = at(0) - QUIET
    core.track(**{"tracked_at": old, "watermark": old, "audited_at": at(0) - HOUR} | changes)
    minutes = (old - at(0)) / HOUR * 60
    core.arrive(*(row(minutes - number) for number in range(3 * PAGE)))


def test_a_quiet_activity_of_several_pages_is_finished_in_one_turn(core: Core) -> None:
    quiet(core)
    core.take_turn()
    assert core.activity().state is State.FINISHED


def test_the_last_audit_is_not_repeated_while_its_gap_waits(core: Core) -> None:
    quiet(core)
    core.requests_in_time = 2
    core.take_turn()
    core.requests_in_time = 1
    core.clock.sleep(HOUR.total_seconds())
    core.take_turn()
    assert core.activity().progress.audited_at == at(120)


def test_an_activity_is_not_finished_before_its_last_gap_was_worked(core: Core) -> None:
    quiet(core, gaps=(Gap(None, None, None),))
    core.tracking.accounts["default"] = Account(
        account_id="default", requests_day="2026-03-02", requests_spent=9000
    )
    core.take_turn()
    assert (core.activity().state, len(core.activity().progress.gaps)) == (State.ACTIVE, 1)


def test_a_gone_activity_is_polled_in_the_next_turn_once_it_is_revived(core: Core) -> None:
    read(core)
    rows, core.world.rows = core.world.rows, {}
    core.clock.sleep(DAY.total_seconds())
    core.take_turn()
    core.world.rows = rows
    core.tracking.save(revived(replace(core.activity(), state=State.GONE), core.clock.now()))
    core.polled.clear()
    core.clock.sleep(60)
    core.take_turn()
    assert len(core.polled) == 1
    assert core.activity().state is State.ACTIVE

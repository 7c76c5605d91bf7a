"""One activity's failure stops no other."""

from copy import replace
from datetime import UTC, datetime, timedelta

import pytest

from email_opens.account import Account
from email_opens.errors import (
    LinkExpired,
    LostRace,
    PublishFailed,
    ReportUnavailable,
)
from email_opens.model import Gap, State
from email_opens.turns.report import Failure
from tests.core.setup import DAY, HOUR, Core, at, row
from tests.world import Calls

MIDNIGHT = datetime(2026, 3, 3, tzinfo=UTC)
UNAVAILABLE = ReportUnavailable("The vendor answered 503.")


@pytest.fixture
def core() -> Core:
    core = Core()
    for name in ("a", "b", "c"):
        core.track(campaign_activity_id=name)
        core.arrive(row(0), to=name)
    return core


def account(core: Core) -> Account:
    return core.tracking.accounts["default"]


# --- One activity's failure ---


@pytest.mark.parametrize("error", [UNAVAILABLE, ZeroDivisionError("unexpected")])
def test_a_failing_activity_stops_no_other(core: Core, error: Exception) -> None:
    core.report_errors["b"] = error
    turn = core.take_turn()
    assert turn.failures == [Failure("b", error)]
    assert [len(core.published_minutes(name)) for name in ("a", "b", "c")] == [1, 0, 1]


def test_a_failing_activity_is_not_read_again_in_the_same_turn(core: Core) -> None:
    core.report_errors["b"] = UNAVAILABLE
    core.take_turn()
    assert core.polled == ["a", "b", "c"]


def test_a_failing_activity_waits_its_turn_like_one_that_was_polled(core: Core) -> None:
    core.take_turn()
    core.clock.sleep(HOUR.total_seconds())
    core.report_errors["a"] = UNAVAILABLE
    core.take_turn()
    activity = core.activity("a")
    assert (activity.progress.polled_at, activity.last_error, activity.state) == (
        core.clock.now(),
        "The vendor answered 503.",
        State.ACTIVE,
    )


def test_a_first_read_that_got_no_reply_is_tried_again_by_the_next_turn(core: Core) -> None:
    core.report_errors["a"] = UNAVAILABLE
    core.take_turn()
    core.report_errors.clear()
    core.clock.sleep(1)
    core.take_turn()
    assert core.published_minutes("a") == [0]


def test_an_activity_that_cannot_be_published_fails_alone(core: Core) -> None:
    core.publisher.topic_is_down = True
    turn = core.take_turn()
    assert [type(failure.error) for failure in turn.failures] == [PublishFailed] * 3
    assert turn.stopped is None


def test_an_unexpected_error_changes_no_activity(core: Core) -> None:
    before = core.activity("b")
    core.report_errors["b"] = ZeroDivisionError()
    core.take_turn()
    assert core.activity("b") == before


def test_an_activity_that_fails_below_its_head_is_not_read_on(core: Core) -> None:
    core.arrive(*(row(-number) for number in range(1, 60)), to="a")
    core.requests_in_time = 7

    def fail() -> None:
        core.report_errors["a"] = UNAVAILABLE

    calls = Calls()
    calls.after[2] = fail
    turn = core.take_turn(calls)
    assert (core.polled, turn.gaps) == (["a"] * 4 + ["b", "c", "a"], 1)


def test_a_failure_after_a_lost_race_is_reported_but_not_stored(core: Core) -> None:
    core.report_errors["a"] = UNAVAILABLE
    calls = Calls()
    calls.before[0] = lose
    turn = core.take_turn(calls)
    assert (len(turn.failures), core.activity("a").last_error) == (1, None)


def lose() -> None:
    raise LostRace("Another invocation has written this activity.")


# --- A lost race, an expired link ---


def test_a_lost_race_is_no_failure_and_stops_no_other(core: Core) -> None:
    calls = Calls()
    calls.before[0] = lose
    turn = core.take_turn(calls)
    assert (turn.failures, core.polled) == ([], ["a", "b", "c"])
    assert core.activity("b").progress.polled_at is not None


def test_a_change_that_a_lost_race_prevented_is_made_by_the_next_turn(core: Core) -> None:
    old = at(0) - timedelta(days=100)
    core.tracking.items.clear()
    core.track(tracked_at=old)
    calls = Calls()
    calls.before[1] = lose
    assert core.take_turn(calls).failures == []
    assert core.activity().state is State.ACTIVE
    core.clock.sleep(DAY.total_seconds())
    core.take_turn()
    assert core.activity().state is State.FINISHED


def test_an_expired_link_is_no_failure(core: Core) -> None:
    core.report_errors["b"] = LinkExpired("A next link no longer works.")
    turn = core.take_turn()
    assert (turn.failures, core.polled) == ([], ["a", "b", "c"])


def test_a_gap_whose_link_has_expired_begins_again_in_the_next_turn(core: Core) -> None:
    core.tracking.items.clear()
    gap = Gap(None, at(0), "3/3", rows_above=3)
    core.track(watermark=at(5), audited_at=at(119), swept_at=at(119), gaps=(gap,))
    core.arrive(*(row(-number) for number in range(1, 5)))
    fail = Calls()

    def expire() -> None:
        core.reports[-1].expire_links = True

    fail.after[0] = expire
    core.take_turn(fail)
    assert core.activity().progress.gaps == (replace(gap, link=None, rows_above=0, failures=1),)
    core.take_turn()
    assert (core.activity().progress.gaps, sorted(core.published_minutes())) == (
        (),
        [-4, -3, -2, -1],
    )

"""An account's turn: who is polled, in what order, how deep, and for how long."""

import pytest

from email_opens.account import Tokens
from email_opens.errors import AccountDisconnected
from email_opens.model import Gap, State
from tests.core.setup import DAY, Core, at, row
from tests.fakes import MemoryCredentials

PAGE = 3
"""Rows of a page of these worlds; an audit's has one less."""
PLENTY = 1_000_000
"""So many requests a day that all that is worth a request is polled within a turn."""


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


# --- Whose turn it is ---


def test_a_turn_of_an_account_that_does_not_exist_is_not_completed(core: Core) -> None:
    """It has nothing to read, so that no request would find it out."""
    core.credentials = MemoryCredentials()
    turn = core.take_turn()
    assert (type(turn.stopped), turn.completed) == (AccountDisconnected, False)


def test_a_turn_of_a_connected_account_with_nothing_to_read_is_completed(core: Core) -> None:
    core.credentials = credentials = MemoryCredentials()
    credentials.store("default", Tokens(client_id="client", refresh_token="refresh"))
    assert core.take_turn().completed


# --- Who is polled ---


def test_every_active_activity_is_polled(core: Core) -> None:
    for name in ("a", "b"):
        core.track(campaign_activity_id=name)
    turn = core.take_turn()
    assert (sorted(core.polled), turn.activities) == (["a", "b"], 2)


@pytest.mark.parametrize("state", [State.PAUSED, State.FINISHED])
def test_an_activity_that_is_not_active_is_not_polled(core: Core, state: State) -> None:
    core.track(state=state)
    turn = core.take_turn()
    assert (core.polled, turn.activities) == ([], 0)


def test_the_activity_that_has_waited_longest_is_polled_first(core: Core) -> None:
    core.requests_per_day = PLENTY
    core.track(campaign_activity_id="lately", polled_at=at(60))
    core.track(campaign_activity_id="long ago", polled_at=at(30))
    core.take_turn()
    assert core.polled == ["long ago", "lately"]


def test_activities_of_another_account_are_not_polled(core: Core) -> None:
    core.track(account_id="another")
    assert core.take_turn().activities == 0


# --- How deep ---


def test_a_poll_that_finds_nothing_costs_one_request(core: Core) -> None:
    read(core)
    core.clock.sleep(5 * 60)
    assert core.take_turn().requests == 1


def test_a_late_row_waits_for_a_sweep(core: Core) -> None:
    read(core)
    core.arrive(row(-60))
    core.take_turn()
    assert core.published_minutes() == []
    core.clock.sleep(15 * 60)
    core.take_turn()
    assert core.published_minutes() == [-60]


def test_a_row_later_than_the_lookback_waits_for_an_audit(core: Core) -> None:
    read(core)
    core.arrive(row(-121))
    core.clock.sleep(15 * 60)
    core.take_turn()
    assert core.published_minutes() == []
    core.clock.sleep(DAY.total_seconds())
    core.take_turn()
    assert core.published_minutes() == [-121]


def test_twins_that_a_border_has_parted_meet_in_an_audit(core: Core) -> None:
    core.track()
    core.arrive(row(3), row(2), row(1), row(1), row(0))
    core.take_turn()
    assert len(core.published_minutes()) == 4
    core.clock.sleep(DAY.total_seconds())
    core.take_turn()
    assert len(core.published_minutes()) == 5


def test_opens_before_the_start_of_tracking_are_not_published(core: Core) -> None:
    core.track(tracked_from=at(0))
    core.arrive(row(1), row(-1))
    core.take_turn()
    assert core.published_minutes() == [1]


# --- Heads before gaps ---


def test_all_heads_are_polled_before_what_is_below_them_in_turn(core: Core) -> None:
    for name in ("a", "b"):
        core.track(campaign_activity_id=name)
        core.arrive(*map(row, backlog(9)), to=name)
    core.take_turn()
    assert "".join(core.polled) == "aaaabbbb" + "aaaabbbb" + "ab"


def test_a_backlog_is_published_whole_and_once(core: Core) -> None:
    core.track()
    core.arrive(*map(row, backlog(9)))
    turn = core.take_turn()
    assert sorted(core.published_minutes(), reverse=True) == backlog(9)
    assert (turn.requests, turn.gaps, turn.counts.published) == (9, 0, 27)


def test_the_head_is_polled_in_each_turn_while_a_backlog_is_read(core: Core) -> None:
    core.track()
    core.arrive(*map(row, backlog(9)))
    core.requests_in_time = 5
    core.take_turn()
    core.clock.sleep(60)
    core.arrive(row(1))
    core.publisher.published.clear()
    core.take_turn()
    assert core.published_minutes()[0] == 1


def test_a_backlog_goes_on_where_it_was_cut(core: Core) -> None:
    core.track()
    core.arrive(*map(row, backlog(9)))
    core.requests_in_time = 4
    assert core.take_turn().gaps == 1
    core.clock.sleep(60)
    core.requests_in_time = 100
    turn = core.take_turn()
    assert sorted(core.published_minutes(), reverse=True) == backlog(9)
    assert (turn.requests, turn.gaps) == (1 + 1 + 5, 0)


def test_the_rows_of_a_report_are_counted_over_several_turns(core: Core) -> None:
    core.track()
    core.arrive(*map(row, backlog(9)))
    core.requests_in_time = 4
    core.take_turn()
    core.requests_in_time = 100
    core.take_turn()
    assert core.activity().counts.reported == 9 * PAGE


def test_what_a_burst_left_is_worked_before_the_backfill(core: Core) -> None:
    burst, backfill = Gap(at(10), at(20), None), Gap(None, at(-9), None)
    core.track(watermark=at(30), audited_at=at(0), swept_at=at(120), gaps=(backfill, burst))
    core.arrive(*(row(minute) for minute in range(30, 0, -1)))
    core.requests_in_time = 1 + 4
    core.take_turn()
    assert core.activity().progress.gaps[0] == backfill


def test_the_newest_gap_is_worked_first(core: Core) -> None:
    low, high = Gap(at(-20), at(-15), "3/60"), Gap(at(10), at(13), "3/45")
    core.track(watermark=at(60), audited_at=at(0), swept_at=at(120), gaps=(low, high))
    core.arrive(*(row(minute) for minute in range(60, -60, -1)))
    core.requests_in_time = 1 + 3
    core.take_turn()
    assert core.activity().progress.gaps == (low,)


def test_a_gap_without_a_ceiling_is_worked_before_others(core: Core) -> None:
    low, whole = Gap(at(-20), at(-15), "3/60"), Gap(at(-10), None, None)
    core.track(watermark=at(60), audited_at=at(0), swept_at=at(120), gaps=(low, whole))
    core.arrive(*(row(minute) for minute in range(60, -60, -1)))
    core.requests_in_time = 1 + 4
    core.take_turn()
    assert low in core.activity().progress.gaps
    assert whole not in core.activity().progress.gaps


# --- The watermark's minute ---


@pytest.mark.parametrize(
    ("seconds", "order"),
    [(0, "aaaaaab"), (59, "aaaaaab"), (60, "aaaabaa")],
)
def test_a_walk_finishes_the_minute_of_its_watermark_before_others_begin(
    core: Core, seconds: float, order: str
) -> None:
    core.track(campaign_activity_id="a", watermark=at(0), audited_at=at(0), swept_at=at(120))
    core.track(campaign_activity_id="b", polled_at=at(-24 * 60))
    contacts = [f"c{number}" for number in range(5 * PAGE)]
    core.arrive(*(row(seconds / 60, contact) for contact in contacts), row(-1), to="a")
    core.take_turn()
    assert "".join(core.polled) == order


def test_more_ties_than_a_poll_reads_are_published_whole(core: Core) -> None:
    read(core, 0, polled_at=at(0))
    contacts = [f"c{number}" for number in range(9 * PAGE)]
    core.arrive(*(row(0, contact) for contact in contacts), row(-1))
    core.requests_in_time = 10
    core.clock.sleep(5 * 60)
    core.take_turn()
    assert core.published_minutes().count(0) == len(contacts)

"""Whose stretch below the heads is worked next."""

from copy import replace
from datetime import UTC, datetime, timedelta

import pytest

from email_opens.model import Activity, Depth, Gap
from email_opens.polling.stretches import Walk
from email_opens.published import PublishedWindow
from email_opens.turns.backlog import (
    BACKFILL_BLOCK,
    BACKFILL_WORTH,
    Backlog,
    backfill_budget,
    backfill_share,
)
from email_opens.walk import Aim
from tests.contract.samples import ACTIVITY, NOON, varied
from tests.core.setup import at
from tests.fakes import MemoryLedger

SWEPT = Gap(at(10), at(20), "2")
AUDITED = Gap(at(-900), at(20), "2")


@pytest.fixture
def backlog() -> Backlog:
    return Backlog(ledger=MemoryLedger(), requests_per_day=10_000, spent_before=0)


def left(name: str, gap: Gap, depth: Depth = Depth.TAIL) -> Walk:
    """Return a walk that has left a gap."""
    activity = varied(ACTIVITY, campaign_activity_id=name, gaps=(gap,))
    aim = Aim(floor=gap.floor, depth=depth)
    return Walk(activity, aim, PublishedWindow(MemoryLedger(), name), gap)


def following(backlog: Backlog, *activities: Activity) -> Walk | None:
    return backlog.next_walk({one.campaign_activity_id: one for one in activities}, NOON, 1.0, 0)


def test_a_walk_under_way_goes_on(backlog: Backlog) -> None:
    walk = left("a", SWEPT)
    backlog.leave(walk)
    assert following(backlog, walk.activity) is walk


def test_a_walk_under_way_goes_on_after_another_walk_of_its_activity(backlog: Backlog) -> None:
    walk = left("a", SWEPT)
    backlog.leave(walk)
    head = replace(walk, gap=None, done=True)
    backlog.leave(head)
    assert following(backlog, walk.activity) is walk


def test_a_walk_whose_head_was_polled_meanwhile_forgets_what_it_knew(backlog: Backlog) -> None:
    walk = left("a", SWEPT)
    window = walk.window
    backlog.leave(walk)
    polled = replace(walk.activity, version=7)
    following(backlog, polled)
    assert walk.activity == polled
    assert walk.window is not window


def test_a_gap_that_was_closed_meanwhile_is_not_worked(backlog: Backlog) -> None:
    walk = left("a", SWEPT)
    backlog.leave(walk)
    assert following(backlog, varied(walk.activity, gaps=())) is None


def test_what_a_sweep_left_goes_before_what_an_audit_left(backlog: Backlog) -> None:
    audit, sweep = left("a", AUDITED, Depth.AUDIT), left("b", SWEPT)
    backlog.leave(audit)
    backlog.leave(sweep)
    assert following(backlog, audit.activity, sweep.activity) is sweep


@pytest.mark.parametrize("before", [0, 5_000])
@pytest.mark.parametrize(("spent", "goes_on"), [(9_800, True), (9_801, False)])
def test_backfill_leaves_the_day_s_last_requests_to_the_tails(
    before: int, spent: int, goes_on: bool
) -> None:
    backlog = Backlog(ledger=MemoryLedger(), requests_per_day=10_000, spent_before=before)
    walk = left("a", Gap(None, at(20), "2"))
    backlog.leave(walk)
    backlog.since = NOON - timedelta(hours=6)
    chosen = backlog.next_walk({"a": walk.activity}, NOON, 1000.0, spent - before)
    assert (chosen is walk) is goes_on


@pytest.mark.parametrize(("price", "goes_on"), [(BACKFILL_WORTH, True), (20.1, False)])
def test_backfill_goes_on_at_a_low_price_whatever_its_share(
    backlog: Backlog, price: float, goes_on: bool
) -> None:
    walk = left("a", Gap(None, at(20), "2"))
    backlog.leave(walk)
    backlog.note(walk, BACKFILL_BLOCK)
    chosen = backlog.next_walk({"a": walk.activity}, NOON, price, 0)
    assert (chosen is walk) is goes_on


def test_every_stretch_of_backfill_counts_towards_its_share(backlog: Backlog) -> None:
    walk = left("a", Gap(None, at(20), "2"))
    backlog.leave(walk)
    backlog.since = NOON - timedelta(hours=1)
    for goes_on in (True, True, False):
        chosen = backlog.next_walk({"a": walk.activity}, NOON, 1000.0, 0)
        assert (chosen is walk) is goes_on
        backlog.note(walk, BACKFILL_BLOCK // 2)


@pytest.mark.parametrize(
    ("hours_ago", "spent", "goes_on"), [(24, 30, True), (6, 30, False), (24, 31, False)]
)
def test_a_share_smaller_than_a_block_comes_once_a_day(
    hours_ago: int, spent: int, goes_on: bool
) -> None:
    backlog = Backlog(ledger=MemoryLedger(), requests_per_day=60, spent_before=0)
    walk = left("a", Gap(None, at(20), "2"))
    backlog.leave(walk)
    backlog.since = NOON - timedelta(hours=hours_ago)
    chosen = backlog.next_walk({"a": walk.activity}, NOON, 1000.0, spent)
    assert (chosen is walk) is goes_on
    backlog.note(walk, 3)
    assert backlog.next_walk({"a": walk.activity}, NOON, 1000.0, spent) is None


@pytest.mark.parametrize(
    ("requests_per_day", "share"), [(0, 0), (1, 1), (60, 3), (400, 20), (401, 40), (9_000, 460)]
)
def test_backfill_has_a_twentieth_of_a_day_in_whole_blocks(
    requests_per_day: int, share: int
) -> None:
    a_minute = timedelta(minutes=1)
    midnight = NOON.replace(hour=0)
    turns = [midnight + a_minute * minute for minute in range(24 * 60)]
    shares = [backfill_share(requests_per_day, turn - a_minute, turn) for turn in turns]
    assert sum(shares) == share
    assert max(shares) <= BACKFILL_BLOCK


def test_the_gap_that_was_worked_last_comes_last_among_equals(backlog: Backlog) -> None:
    walks = [left("a", SWEPT), left("b", SWEPT)]
    for walk in [*walks, walks[0]]:
        backlog.leave(walk)
    assert following(backlog, *(walk.activity for walk in walks)) is walks[1]


@pytest.mark.parametrize(
    ("hour", "minute", "expected"),
    [
        (0, 0, 1000),
        (0, 1, 1016),
        (11, 0, 12_000),
        (12, 30, 13_500),
        (23, 0, 24_000),
        (23, 30, 24_000),
    ],
)
def test_backfill_may_spend_an_hour_ahead_of_the_clock(
    hour: int, minute: int, expected: int
) -> None:
    now = datetime(2026, 3, 2, hour, minute, tzinfo=UTC)
    assert backfill_budget(24_000, now) == expected


def test_backfill_counts_from_the_very_midnight() -> None:
    midnight = datetime(2026, 3, 2, 0, 0, 59, 999_999, tzinfo=UTC)
    assert backfill_budget(86_400_000_000, midnight) == 3_659_999_999

"""Rows that appear late are found on the pages that a tail reads anyway."""

import pytest

from tests.core.setup import LOOKBACK, Core, RecordingLedger, at, row


@pytest.fixture
def core() -> Core:
    core = Core()
    core.world.page_rows = 10
    core.track()
    core.arrive(row(0))
    core.take_turn()
    core.clock.instant = at(130)
    return core


def test_a_late_row_on_the_head_is_published_by_a_tail(core: Core) -> None:
    core.arrive(row(125))
    core.take_turn()
    core.clock.sleep(60)
    core.arrive(row(70))
    turn = core.take_turn()
    assert (core.published_minutes()[-1], turn.requests) == (70, 1)


def test_a_row_later_than_the_lookback_waits_for_an_audit(core: Core) -> None:
    late = 125 - LOOKBACK.total_seconds() / 60
    core.arrive(row(125))
    core.take_turn()
    core.clock.sleep(60)
    core.arrive(row(late - 1), row(late))
    core.take_turn()
    assert core.published_minutes()[-1] == late


def test_opens_before_the_start_of_tracking_are_not_published(core: Core) -> None:
    core.track(campaign_activity_id="b", tracked_from=at(100))
    core.arrive(row(125), to="b")
    core.take_turn()
    core.clock.sleep(3600)  # Then all are due at once.
    core.arrive(row(99), row(100), to="b")
    core.take_turn()
    assert core.published_minutes("b") == [125, 100]


def test_a_tail_reads_no_ledger_below_the_lookback(core: Core) -> None:
    core.arrive(row(125))
    core.take_turn()
    core.ledger, entries = RecordingLedger(), core.ledger.entries
    core.ledger.entries = entries
    core.clock.sleep(60)
    core.take_turn()
    assert core.ledger.reads == [("14", "14")]

"""Backfill keeps to its share of the day's budget, and delays no head."""

from copy import replace
from datetime import date

import pytest

from email_opens.account import Account, KeyShare
from email_opens.model import Estimate
from email_opens.scheduling.choice import Why
from email_opens.turns.backlog import BACKFILL_BLOCK, BACKFILL_WORTH
from tests.contract.samples import ACTIVITY_ID
from tests.core.setup import HOUR, Core, at, polls, row

HARDLY = 1e-6
"""The weight of an activity for which the tails would not spend the day's budget."""
PAGE = 3
"""Rows of a page of these worlds; an audit's has one less."""


@pytest.fixture
def core() -> Core:
    return Core()


def backlog(pages: int) -> list[float]:
    """Return the minutes of as many rows as fill so many pages, newest first."""
    return [float(-number) for number in range(pages * PAGE)]


def let_pages_take_a_second(core: Core) -> None:
    core.world.between_requests = [lambda: core.clock.sleep(1)] * 100


@pytest.mark.parametrize(("hour", "requests"), [(10, 12), (11, 12), (12, 16)])
def test_backfill_stops_when_the_days_share_is_spent(core: Core, hour: int, requests: int) -> None:
    core.requests_per_day = 24
    core.clock.instant = at((hour - 12) * 60)
    core.track(weight=HARDLY)
    core.arrive(*map(row, backlog(30)))
    assert core.take_turn().requests == requests


def test_what_was_spent_before_is_part_of_the_share(core: Core) -> None:
    core.requests_per_day = 24
    core.tracking.accounts["default"] = Account(
        account_id="default", requests_day="2026-03-02", requests_spent=11
    )
    core.track(weight=HARDLY)
    core.arrive(*map(row, backlog(30)))
    assert core.take_turn().requests == 4


def test_an_account_that_shares_its_key_backfills_from_what_is_left_to_it(core: Core) -> None:
    core.tracking.accounts["default"] = Account(
        account_id="default", key_share=KeyShare(24, date(2026, 3, 1))
    )
    core.track(weight=HARDLY)
    core.arrive(*map(row, backlog(30)))
    assert core.take_turn().requests == 16


def test_heads_are_polled_when_backfill_waits(core: Core) -> None:
    core.requests_per_day = 24
    core.track()
    core.arrive(*map(row, backlog(30)))
    core.take_turn()
    core.clock.sleep(5 * HOUR.total_seconds())
    spent = replace(core.tracking.accounts["default"], requests_spent=20)
    core.tracking.accounts["default"] = spent
    core.arrive(row(1))
    turn = core.take_turn()
    assert (turn.gaps > 0, core.published_minutes()[-1]) == (True, 1)


def test_the_head_of_a_fresh_send_is_polled_while_its_first_read_goes_on(core: Core) -> None:
    let_pages_take_a_second(core)
    core.track(sent_at=at(100))
    core.arrive(*map(row, backlog(100)))
    assert polls(core.take_turn()) == [(ACTIVITY_ID, Why.FIRST), (ACTIVITY_ID, Why.FRESH)]


def test_a_first_read_goes_on_with_one_probe_and_without_polls_that_are_not_due(
    core: Core,
) -> None:
    let_pages_take_a_second(core)
    core.world.counters, core.world.refreshed_at = {"campaign": 300}, core.clock.now()
    core.track(sent_at=at(-300), campaign_id="campaign")
    core.arrive(*map(row, backlog(100)))
    turn = core.take_turn()
    assert (turn.gaps, turn.probes) == (1, 1)
    assert polls(turn) == [(ACTIVITY_ID, Why.FIRST)]


def test_after_a_first_read_the_head_is_polled_as_its_age_asks(core: Core) -> None:
    let_pages_take_a_second(core)
    core.track(sent_at=at(-300))
    core.arrive(*map(row, backlog(20)))
    first, woken, *_ = core.take_turns()
    assert (first.gaps, polls(woken)) == (0, [(ACTIVITY_ID, Why.WORTH)])


def test_a_send_again_is_read_at_once_while_a_first_read_goes_on(core: Core) -> None:
    let_pages_take_a_second(core)
    core.track(sent_at=at(-300))
    core.arrive(*map(row, backlog(200)))
    core.take_turn()
    assert core.activity().progress.head_at == at(120) + HOUR / 900
    core.tracking.save(replace(core.activity(), sent_at=at(120.5)))
    assert polls(core.take_turn())[0] == (ACTIVITY_ID, Why.FIRST)


def test_a_burst_does_not_wait_with_the_backfill(core: Core) -> None:
    core.requests_per_day = 24
    core.tracking.accounts["default"] = Account(
        account_id="default", requests_day="2026-03-02", requests_spent=15
    )
    core.track(watermark=at(-30), audited_at=at(0), swept_at=at(120))
    core.arrive(*(row(minute) for minute in range(0, -24, -1)))
    turn = core.take_turn()
    assert (turn.requests, turn.gaps, len(core.published_minutes())) == (8, 0, 24)


def test_backfill_spends_its_blocks_and_no_more_while_the_tails_could_use_all(core: Core) -> None:
    core.requests_per_day = 4000
    core.track(campaign_activity_id="hot", weight=1e6, estimate=Estimate(1000.0, 3600.0))
    core.track(campaign_activity_id="b")
    core.arrive(*map(row, backlog(200)), to="b")
    core.take_turn()
    core.clock.sleep(3 * HOUR.total_seconds())
    core.polled.clear()
    turn = core.take_turn()
    assert turn.price is not None
    assert turn.price > BACKFILL_WORTH
    # Until then, two parts of the day have begun; a head takes a stretch of four pages.
    assert len([name for name in core.polled if name == "b"]) == 4 + 2 * BACKFILL_BLOCK

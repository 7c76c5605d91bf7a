"""Opens that only an audit finds, though earlier walks should have, are counted as missing."""

from datetime import timedelta

import pytest

from email_opens.model import Gap
from tests.core.setup import DAY, LOOKBACK, Core, at, row

BELOW = -LOOKBACK // timedelta(minutes=1) - 1
"""The first minute that no sweep below noon sees."""


@pytest.fixture
def core() -> Core:
    """A core whose activity was read whole, down from an open at noon."""
    core = Core()
    core.track()
    core.arrive(row(0))
    core.take_turn()
    return core


def audited(core: Core) -> int:
    """Take the next day's turn; return how many opens it reports as missing."""
    core.clock.sleep(DAY.total_seconds())
    return core.take_turn().counts.missing


def test_an_open_below_what_sweeps_read_was_missing(core: Core) -> None:
    core.arrive(row(BELOW), row(BELOW, "bo"))
    assert audited(core) == 2


def test_an_open_that_a_sweep_would_have_found_was_not(core: Core) -> None:
    core.arrive(row(BELOW + 1))
    assert audited(core) == 0


def test_an_open_since_the_last_poll_was_not(core: Core) -> None:
    core.arrive(row(1))
    assert audited(core) == 0


def test_an_open_that_is_known_is_not_missing(core: Core) -> None:
    core.arrive(row(BELOW))
    audited(core)
    assert audited(core) == 0


def test_a_first_read_misses_nothing() -> None:
    core = Core()
    core.track()
    core.arrive(row(0), row(BELOW))
    assert core.take_turn().counts.missing == 0


def test_what_is_tracked_again_misses_nothing(core: Core) -> None:
    activity = core.activity()
    core.tracking.remove(activity.account_id, activity.campaign_activity_id)
    core.track()
    core.take_turn()
    assert audited(core) == 0


def test_what_lies_in_a_gap_is_not_missing_yet() -> None:
    core = Core()
    left = Gap(floor=None, ceiling=at(BELOW), link=None)
    core.track(watermark=at(0), audited_at=at(0), swept_at=at(0), gaps=(left,))
    core.arrive(row(0), row(BELOW - 1))
    assert audited(core) == 0

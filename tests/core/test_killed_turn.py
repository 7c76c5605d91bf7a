"""What a turn was reading when it was killed, or out of time, comes last in the next one."""

from copy import replace
from datetime import timedelta
from typing import Any

import pytest

from email_opens.errors import OutOfTime
from email_opens.model import Estimate, Gap, Page
from email_opens.turns.isolation import SLOW
from tests.core.setup import Core, at, row
from tests.fakes import FakeClock
from tests.world import Crash, World

NAMES = ("a", "b", "c", "d")


@pytest.fixture
def core() -> Core:
    core = Core()
    for name in NAMES:
        core.track(campaign_activity_id=name)
        core.arrive(row(0), to=name)
    return core


def killed_turn(core: Core) -> None:
    """Take a turn that is killed: it does not give its lease back."""
    with pytest.raises(Crash):
        core.take_turn()
    ended = core.tracking.accounts["default"]
    core.tracking.accounts["default"] = replace(
        ended, lease_holder="killed", lease_until=core.clock.now()
    )


@pytest.mark.parametrize("slow", NAMES)
def test_the_others_are_published_in_the_turn_after_a_killed_one(core: Core, slow: str) -> None:
    core.report_errors[slow] = Crash()  # type: ignore[assignment]
    for _ in range(2):
        killed_turn(core)
        core.clock.sleep(60)
    assert [len(core.published_minutes(name)) for name in NAMES] == [
        int(name != slow) for name in NAMES
    ]


def test_it_is_read_in_the_same_turn_when_the_others_are_done(core: Core) -> None:
    core.report_errors["a"] = Crash()  # type: ignore[assignment]
    killed_turn(core)
    core.report_errors.clear()
    core.polled.clear()
    core.take_turn()
    assert core.polled == ["b", "c", "d", "a"]


def test_a_turn_that_ended_puts_no_activity_last(core: Core) -> None:
    core.take_turn()
    core.polled.clear()
    core.clock.sleep(2 * 3600)  # Then all are due at once.
    core.take_turn()
    assert core.polled == list(NAMES)
    assert core.clock.now() > at(0)


class SlowWorld(World):
    """A world in which the reply for one activity has not come when the turn's time is over."""

    def __init__(self, slow: str, seconds: float, clock: FakeClock) -> None:
        super().__init__(0, 3)
        self.slow, self.seconds, self.clock = slow, seconds, clock

    def page(self, activity_id: str, link: str | None, rows: int) -> Page:
        if activity_id == self.slow:
            self.clock.sleep(self.seconds)
            raise OutOfTime("No time was left for a whole reply.")
        return super().page(activity_id, link, rows)


def turns_beside(slow: str, *, seconds: float) -> Core:
    """Take two turns whose time is over while they read one activity."""
    clock = FakeClock()
    core = Core(clock=clock, world=SlowWorld(slow, seconds, clock))
    for name in NAMES:
        core.track(campaign_activity_id=name)
        core.arrive(row(0), to=name)
    for _ in range(2):
        core.take_turn()
        clock.sleep(60)
    return core


@pytest.mark.parametrize("slow", NAMES)
def test_the_others_are_published_in_the_turn_after_one_that_a_slow_reply_used_up(
    slow: str,
) -> None:
    core = turns_beside(slow, seconds=SLOW.total_seconds())
    assert [len(core.published_minutes(name)) for name in NAMES] == [
        int(name != slow) for name in NAMES
    ]


def test_a_reply_that_only_came_too_late_puts_no_activity_last() -> None:
    core = turns_beside("a", seconds=1)
    assert core.activity("a").progress.polled_at is None


@pytest.fixture
def with_backfill() -> Core:
    """A core whose turns have no time left once they reach the backfill of `long`."""
    core = Core(requests_in_time=20)
    core.track(campaign_activity_id="read")
    core.track(campaign_activity_id="long")
    core.arrive(row(0), to="read")
    core.arrive(*(row(-number) for number in range(1000)), to="long")
    core.clock.instant = at(0.5)
    core.take_turn()
    return core


def take_turns_after_killed_ones(core: Core, minutes: range) -> None:
    for minute in minutes:
        core.clock.sleep(60)
        core.arrive(row(minute), to="read")
        killed = replace(core.tracking.accounts["default"], lease_holder="killed")
        core.tracking.accounts["default"] = killed
        core.take_turn()


def test_a_gap_whose_reply_is_slow_puts_no_head_last() -> None:
    clock = FakeClock()
    core = Core(clock=clock, world=SlowWorld("a", 60, clock))
    polled_at = at(119)
    core.track(
        campaign_activity_id="a",
        gaps=(Gap(None, at(-5), "3/3"),),
        watermark=at(0) - timedelta(days=2),
        tracked_at=at(0) - timedelta(days=9),
        estimate=Estimate(1.0, 1e9),
        polled_at=polled_at,
        swept_at=polled_at,
        audited_at=polled_at,
    )
    assert isinstance(core.take_turn().stopped, OutOfTime)
    assert core.activity("a").progress.polled_at == polled_at


def test_backfill_that_kills_every_turn_starves_no_head(with_backfill: Core) -> None:
    core = with_backfill
    take_turns_after_killed_ones(core, range(1, 10))
    assert core.published_minutes("read") == [*range(5)]
    take_turns_after_killed_ones(core, range(10, 12))
    assert core.published_minutes("read") == [*range(12)]


def test_a_head_that_kills_every_turn_starves_no_backfill() -> None:
    core = Core()
    core.track(campaign_activity_id="slow")
    core.arrive(row(0), to="slow")
    core.clock.instant = at(0.5)
    core.report_errors["slow"] = Crash()  # type: ignore[assignment]
    killed_turn(core)
    backfilled = []
    for minute in range(1, 21):
        core.clock.sleep(60)
        core.track(campaign_activity_id=f"{minute}", **read_but_for_a_gap(core))
        before = core.polled.count(f"{minute}")
        killed_turn(core)
        backfilled += [minute] * (core.polled.count(f"{minute}") - before)
    assert backfilled == [*range(5, 10), *range(15, 20)]


def read_but_for_a_gap(core: Core) -> dict[str, Any]:
    """Return the values of an activity whose head is not due, and whose gap is backfill."""
    now = core.clock.now()
    return {
        "watermark": now - timedelta(days=2),
        "tracked_at": now - timedelta(days=9),
        "estimate": Estimate(1.0, 1e9),
        "polled_at": now,
        "swept_at": now,
        "audited_at": now,
        "gaps": (Gap(None, None, None),),
    }

"""What a turn was reading when it was killed comes last in the next one."""

from dataclasses import replace

import pytest

from tests.core.setup import Core, at, row
from tests.world import Crash

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
    core.clock.sleep(300)
    core.take_turn()
    assert core.polled == list(NAMES)
    assert core.clock.now() > at(0)

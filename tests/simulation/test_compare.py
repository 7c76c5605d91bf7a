"""The worlds in which the rules stand beside each other are kind to ours and hard on the others."""

import pytest

from bench.compare import OURS, ROWS_A_PAGE, RULES, WORLDS, play
from email_opens.poller import PAGES_IN_HAND

SEED = 1
MINUTES = 41
WITHOUT_FAULTS = [name for name, world in WORLDS.items() if not world.mishaps]
OTHERS = [rule for rule in RULES if rule != OURS]
HARD_ON = {
    "jump to the newest id": "bursts",
    "newer than the mark": "calm",
    "as new as the mark, or newer": "calm",
    "stop at the first seen": "late rows",
    "last date set before emitting": "calm",
    "lag that repeats its window": "calm",
    "ties known as a set": "twins",
}


@pytest.mark.parametrize("world", WITHOUT_FAULTS)
def test_ours_loses_nothing_without_a_fault(world: str) -> None:
    assert play(OURS, world, SEED, MINUTES).lost == 0


@pytest.mark.parametrize("world", WITHOUT_FAULTS)
def test_ours_repeats_nothing_without_a_fault(world: str) -> None:
    assert play(OURS, world, SEED, MINUTES).repeated == 0


def test_ours_loses_nothing_in_crashes() -> None:
    assert play(OURS, "crashes", SEED, MINUTES).lost == 0


def test_ours_repeats_no_more_than_the_pages_in_hand_of_each_crash() -> None:
    crashes = MINUTES // 10
    repeated = play(OURS, "crashes", SEED, MINUTES).repeated
    assert 0 < repeated <= crashes * PAGES_IN_HAND * ROWS_A_PAGE


@pytest.mark.parametrize("rule", OTHERS)
def test_any_other_rule_loses_or_repeats_in_the_world_that_is_hard_on_it(rule: str) -> None:
    outcome = play(rule, HARD_ON[rule], SEED, MINUTES)
    assert outcome.lost + outcome.repeated > 0


@pytest.mark.parametrize("world", ["drift", "crashes"])
def test_the_same_seed_is_the_same_outcome(world: str) -> None:
    assert play(OURS, world, SEED, MINUTES) == play(OURS, world, SEED, MINUTES)

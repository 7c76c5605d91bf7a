"""Without faults the product's rule is exact; every other rule fails in at least one world."""

import pytest

from bench.compare.play import play
from bench.compare.rules import OURS, RULES
from bench.compare.stage import ROWS_A_PAGE
from bench.compare.worlds import WORLDS
from email_opens.polling.poller import PAGES_IN_HAND

SEED = 1
MINUTES = 41
WITHOUT_FAULTS = [name for name, world in WORLDS.items() if not world.faults]
OTHER_RULES = [rule for rule in RULES if rule != OURS]
HARD_WORLDS = {
    "jump to the newest id": "bursts",
    "newer than the mark": "calm",
    "at or newer than the mark": "calm",
    "stop at the first seen": "late rows",
    "last date set before emitting": "calm",
    "lag that repeats its window": "calm",
    "ties kept as a set": "twins",
}


@pytest.mark.parametrize("world", WITHOUT_FAULTS)
def test_the_product_loses_nothing_without_a_fault(world: str) -> None:
    assert play(OURS, world, SEED, MINUTES).lost == 0


@pytest.mark.parametrize("world", WITHOUT_FAULTS)
def test_the_product_repeats_nothing_without_a_fault(world: str) -> None:
    assert play(OURS, world, SEED, MINUTES).repeated == 0


def test_the_product_loses_nothing_in_crashes() -> None:
    assert play(OURS, "crashes", SEED, MINUTES).lost == 0


def test_a_crash_repeats_at_most_the_pages_in_hand() -> None:
    crashes = MINUTES // 10
    repeated = play(OURS, "crashes", SEED, MINUTES).repeated
    assert 0 < repeated <= crashes * PAGES_IN_HAND * ROWS_A_PAGE


@pytest.mark.parametrize("rule", OTHER_RULES)
def test_any_other_rule_loses_or_repeats_opens_in_its_hard_world(rule: str) -> None:
    outcome = play(rule, HARD_WORLDS[rule], SEED, MINUTES)
    assert outcome.lost + outcome.repeated > 0


@pytest.mark.parametrize("world", ["drift", "crashes"])
def test_the_same_seed_gives_the_same_outcome(world: str) -> None:
    assert play(OURS, world, SEED, MINUTES) == play(OURS, world, SEED, MINUTES)

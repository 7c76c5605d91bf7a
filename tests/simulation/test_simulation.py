"""The rules hold in whatever happens: by Hypothesis, which shrinks what fails, and by seeds.

`make simulate` plays millions of steps of the same; a failing seed is played again by
`python -m tests.simulation --seed N`.
"""

from datetime import timedelta

import pytest
from hypothesis import HealthCheck, given, settings

from tests.simulation.actions import (
    SCENARIOS,
    Action,
    Burst,
    NearMidnight,
    Scenario,
    TurnReport,
    Wait,
    draw_scenario,
    run,
)
from tests.simulation.simulation import Setting

SEEDS = 120
ACTIONS = 60


@settings(max_examples=150, suppress_health_check=[HealthCheck.too_slow])
@given(SCENARIOS)
def test_the_rules_hold_in_any_scenario(scenario: Scenario) -> None:
    run(scenario)


@pytest.mark.parametrize("tens", range(SEEDS // 10))
def test_the_rules_hold_in_the_scenarios_of_these_seeds(tens: int) -> None:
    for seed in range(tens * 10, tens * 10 + 10):
        run(draw_scenario(seed, ACTIONS))


def test_a_turn_that_meets_midnight_spends_nothing_of_the_new_day() -> None:
    setting = Setting(activities=1, requests_per_day=40)
    bursts = [Burst(0, 40, timedelta(minutes=over)) for over in (5, 7, 9)]
    busy: list[Action] = [bursts[0], Wait(timedelta(minutes=20)), TurnReport()]
    run(Scenario(setting, [*bursts, NearMidnight(timedelta(seconds=3)), TurnReport(), *busy * 12]))


def test_the_same_seed_is_the_same_history() -> None:
    first, second = (run(draw_scenario(7, ACTIONS)) for _ in range(2))
    assert first.rules.delivered == second.rules.delivered
    assert first.vendor.requests == second.vendor.requests

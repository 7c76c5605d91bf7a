"""The rules hold in scenarios that Hypothesis draws, and shrinks if they fail, and in seeded ones.

`make simulate` plays a million steps of the seeded ones; `python -m tests.simulation --seed N`
replays a seed that fails.
"""

from datetime import timedelta

import pytest
from hypothesis import HealthCheck, given, settings

from tests.simulation.actions import (
    Action,
    AddBurst,
    CompleteTurn,
    Wait,
    WaitForMidnight,
)
from tests.simulation.manners import MINUTE, KeepPolling
from tests.simulation.report_manners import AddRawRow, MakeCounterOdd
from tests.simulation.scenarios import Scenario, draw_scenario, play, scenarios
from tests.simulation.simulation import Setting

SEEDS = 80
ACTIONS = 60


@settings(max_examples=100, suppress_health_check=[HealthCheck.too_slow])
@given(scenarios())
def test_the_rules_hold_in_any_scenario(scenario: Scenario) -> None:
    play(scenario)


@pytest.mark.parametrize("tens", range(SEEDS // 10))
def test_the_rules_hold_in_the_scenarios_of_ten_seeds(tens: int) -> None:
    for seed in range(tens * 10, tens * 10 + 10):
        play(draw_scenario(seed, ACTIONS))


def test_a_turn_that_runs_past_midnight_spends_nothing_of_the_new_days_budget() -> None:
    setting = Setting(activities=1, requests_per_day=40)
    bursts = [AddBurst(0, 40, timedelta(minutes=over)) for over in (5, 7, 9)]
    busy: list[Action] = [bursts[0], Wait(timedelta(minutes=20)), CompleteTurn()]
    play(
        Scenario(
            setting, [*bursts, WaitForMidnight(timedelta(seconds=3)), CompleteTurn(), *busy * 12]
        )
    )


def test_polls_may_read_below_a_page_of_malformed_rows() -> None:
    setting = Setting(activities=1, page_rows=3)
    opened: list[Action] = [MakeCounterOdd(0, "in errors"), AddBurst(0, 40, 9 * MINUTE)]
    malformed = [AddRawRow(0, b"nul")] * 3
    play(Scenario(setting, [*opened, CompleteTurn(), *malformed, KeepPolling(80)]))


def test_the_same_seed_gives_the_same_history() -> None:
    first, second = (play(draw_scenario(7, ACTIONS)) for _ in range(2))
    assert first.rules.delivered == second.rules.delivered
    assert first.vendor.requests == second.vendor.requests

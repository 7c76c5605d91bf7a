"""A checker that cannot fail is worth nothing: each wrong version is caught, by a short case."""

import pytest
from hypothesis import HealthCheck, Phase, find, settings

from tests.simulation.actions import SCENARIOS, Scenario, run
from tests.simulation.rules import Broken
from tests.simulation.wrong import WRONG, broken_by

MOST_STEPS = 30


def breaks(scenario: Scenario) -> bool:
    try:
        run(scenario)
    except Broken:
        return True
    return False


@pytest.mark.parametrize("name", WRONG)
def test_a_wrong_version_is_caught_by_a_short_case(name: str) -> None:
    with broken_by(WRONG[name]):
        found = find(
            SCENARIOS,
            breaks,
            settings=settings(
                max_examples=10_000,
                derandomize=True,
                suppress_health_check=list(HealthCheck),
                phases=[Phase.generate, Phase.shrink],
                database=None,
            ),
        )
    assert len(found.actions) <= MOST_STEPS

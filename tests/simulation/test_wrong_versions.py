"""The simulation catches each wrong version of the product, by a short scenario or its manners."""

import pytest
from hypothesis import HealthCheck, Phase, find, settings

from tests.simulation.rules import RuleBroken
from tests.simulation.scenarios import Scenario, play, scenarios
from tests.simulation.simulation import Setting
from tests.simulation.wrong_versions import (
    UNDER_MANNERS,
    WRONG_VERSIONS,
    WrongVersion,
    applied,
)

MOST_ACTIONS = 30


def breaks(scenario: Scenario) -> bool:
    try:
        play(scenario)
    except RuleBroken:
        return True
    return False


@pytest.mark.parametrize("name", WRONG_VERSIONS)
def test_a_wrong_version_is_caught_by_a_short_scenario(name: str) -> None:
    with applied(WRONG_VERSIONS[name]):
        found = find(
            scenarios(manners=()),
            breaks,
            settings=settings(
                max_examples=10_000,
                derandomize=True,
                suppress_health_check=list(HealthCheck),
                phases=[Phase.generate, Phase.shrink],
                database=None,
            ),
        )
    assert len(found.actions) <= MOST_ACTIONS


@pytest.mark.parametrize("version", UNDER_MANNERS, ids=lambda version: version.__name__)
def test_a_wrong_version_is_caught_under_its_manners(version: WrongVersion) -> None:
    scenario = Scenario(Setting(activities=3, woken=True, searching=True), UNDER_MANNERS[version])
    right = breaks(scenario)
    with applied(version):
        assert (right, breaks(scenario)) == (False, True)

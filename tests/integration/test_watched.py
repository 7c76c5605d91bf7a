"""The template watches only what recorded invocations emit."""

import pytest

from tests.integration.deployed import ACCOUNT, Deployed
from tests.integration.discovered import discovery as discovery  # noqa: PLC0414 - a fixture
from tests.integration.template import read_template
from tests.watching import NAMESPACE, Metric, emitted, watched_by_alarms, watched_by_dashboard

TEMPLATE = read_template()
DAY_SECONDS = 86_400


@pytest.fixture
def recorded(deployed: Deployed, discovery: Deployed) -> set[Metric]:
    """All that is emitted by a turn with nothing to do, a search, and a turn with an open."""
    deployed.connect({**deployed.credentials(), "expires_at": "2026-03-02T14:00:00Z"})
    deployed.invoke()
    discovery.invoke()
    deployed.send(opens=1)
    deployed.invoke()
    return {metric for record in deployed.output.metrics for metric in emitted(record)}


def ours(metrics: set[Metric]) -> set[Metric]:
    return {one for one in metrics if one.namespace == NAMESPACE}


def test_alarms_watch_only_what_is_emitted(recorded: set[Metric]) -> None:
    assert ours(set(watched_by_alarms(TEMPLATE).values())) - recorded == set()


def test_the_dashboard_shows_only_what_is_emitted(recorded: set[Metric]) -> None:
    assert ours(watched_by_dashboard(TEMPLATE)) - recorded == set()


def test_a_metric_of_other_dimensions_is_another(recorded: set[Metric]) -> None:
    assert Metric(NAMESPACE, "Requests", frozenset({("account_id", ACCOUNT)})) not in recorded


class TestATokenThatNobodyUses:
    @pytest.fixture(autouse=True)
    def _ended(self, deployed: Deployed) -> None:
        deployed.connect({**deployed.credentials(), "expires_at": "2026-02-20T09:00:00Z"})

    def test_is_measured_in_days(self, deployed: Deployed) -> None:
        deployed.invoke()
        assert deployed.output.measured("TokenIdleDays") == [10]

    def test_is_looked_up_once_a_day(self, deployed: Deployed) -> None:
        deployed.invoke()
        deployed.aws.ssm.delete_parameter(Name=deployed.aws.credentials_prefix + ACCOUNT)
        deployed.invoke()
        assert deployed.output.measured("TokenIdleDays") == [10, 10]

    def test_is_looked_up_again_the_next_day(self, deployed: Deployed) -> None:
        deployed.invoke()
        deployed.clock.sleep(DAY_SECONDS)
        deployed.invoke()
        assert deployed.output.measured("TokenIdleDays") == [10, 11]

    def test_is_not_measured_while_requests_use_it(self, deployed: Deployed) -> None:
        deployed.send()
        deployed.invoke()
        assert deployed.output.measured("TokenIdleDays") == []

    def test_is_not_measured_where_there_is_none(self, deployed: Deployed) -> None:
        deployed.aws.ssm.delete_parameter(Name=deployed.aws.credentials_prefix + ACCOUNT)
        deployed.invoke()
        assert deployed.output.measured("TokenIdleDays") == []

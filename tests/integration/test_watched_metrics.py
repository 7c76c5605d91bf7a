"""The template's alarms and dashboard watch only metrics that invocations emit."""

import pytest

from tests.integration.deployment import ACCOUNT, Deployment
from tests.integration.discovery import discovery as discovery  # noqa: PLC0414 - a fixture
from tests.integration.template import read_template
from tests.template_metrics import (
    NAMESPACE,
    Metric,
    emitted,
    watched_by_alarms,
    watched_by_dashboard,
)

TEMPLATE = read_template()
DAY_SECONDS = 86_400


@pytest.fixture
def emitted_metrics(deployment: Deployment, discovery: Deployment) -> set[Metric]:
    """The metrics of a turn without work, a search, and a turn with an open."""
    deployment.connect({**deployment.credentials(), "expires_at": "2026-03-02T14:00:00Z"})
    deployment.invoke()
    discovery.invoke()
    deployment.send(opens=1)
    deployment.invoke()
    return {metric for record in deployment.output.metrics for metric in emitted(record)}


def ours(metrics: set[Metric]) -> set[Metric]:
    return {metric for metric in metrics if metric.namespace == NAMESPACE}


def test_alarms_watch_only_emitted_metrics(emitted_metrics: set[Metric]) -> None:
    assert ours(set(watched_by_alarms(TEMPLATE).values())) - emitted_metrics == set()


def test_the_dashboard_shows_only_emitted_metrics(emitted_metrics: set[Metric]) -> None:
    assert ours(watched_by_dashboard(TEMPLATE)) - emitted_metrics == set()


def test_a_metric_with_other_dimensions_is_a_different_metric(emitted_metrics: set[Metric]) -> None:
    assert (
        Metric(NAMESPACE, "Requests", frozenset({("account_id", ACCOUNT)})) not in emitted_metrics
    )


class TestAnIdleToken:
    @pytest.fixture(autouse=True)
    def _expired(self, deployment: Deployment) -> None:
        deployment.connect({**deployment.credentials(), "expires_at": "2026-02-20T09:00:00Z"})

    def test_is_measured_in_days(self, deployment: Deployment) -> None:
        deployment.invoke()
        assert deployment.output.measured("TokenIdleDays") == [10]

    def test_is_read_once_a_day(self, deployment: Deployment) -> None:
        deployment.invoke()
        deployment.aws.ssm.delete_parameter(Name=deployment.aws.credentials_prefix + ACCOUNT)
        deployment.invoke()
        assert deployment.output.measured("TokenIdleDays") == [10, 10]

    def test_is_read_again_the_next_day(self, deployment: Deployment) -> None:
        deployment.invoke()
        deployment.clock.sleep(DAY_SECONDS)
        deployment.invoke()
        assert deployment.output.measured("TokenIdleDays") == [10, 11]

    def test_is_not_measured_while_requests_use_it(self, deployment: Deployment) -> None:
        deployment.send()
        deployment.invoke()
        assert deployment.output.measured("TokenIdleDays") == []

    def test_is_not_measured_without_credentials(self, deployment: Deployment) -> None:
        deployment.aws.ssm.delete_parameter(Name=deployment.aws.credentials_prefix + ACCOUNT)
        deployment.invoke()
        assert deployment.output.measured("TokenIdleDays") == []

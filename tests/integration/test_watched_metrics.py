"""The metrics that functions emit: exactly those that the parameter allows and alarms watch."""

import pytest

from tests.integration.deployment import ACCOUNT, STACK, Deployment
from tests.integration.rendering import existing
from tests.integration.template import read_template
from tests.template_metrics import (
    NAMESPACE,
    Metric,
    emitted,
    watched_by_alarms,
    watched_by_dashboard,
)

TEMPLATE = read_template()
WATCHED = watched_by_alarms(TEMPLATE)
BASIC = {"TurnsCompleted", "PublishDelay", "AccountStopped"}
EMITTED = {
    "full": BASIC | {"RequestsLeft", "ActivitiesFailed"},
    "basic": BASIC,
    "none": set[str](),
}
WHILE_WRONG = {"SearchOverdue"}
"""Metrics that are sent only while something is wrong."""
ALARMS = {"full": 9, "basic": 6, "none": 0}
"""The alarms of a stack without an alert."""


def measured(deployment: Deployment) -> set[Metric]:
    """Return the metrics of a turn without work, of one with an open, and of one that is stopped.

    The account is then disconnected.
    """
    deployment.invoke()
    deployment.send(opens=1)
    deployment.invoke()
    deployment.vendor.authorization.expire_access_tokens()
    deployment.vendor.authorization.revoke()
    deployment.invoke()
    return {metric for record in deployment.output.metrics for metric in emitted(record)}


@pytest.mark.parametrize("monitoring", EMITTED)
class TestMonitoring:
    @pytest.fixture(autouse=True)
    def _monitoring(self, monkeypatch: pytest.MonkeyPatch, monitoring: str) -> None:
        monkeypatch.setenv("MONITORING", monitoring)

    def test_emits_exactly_its_metrics(self, deployment: Deployment, monitoring: str) -> None:
        dimensions = frozenset({("stack", STACK), ("account_id", ACCOUNT)})
        assert measured(deployment) == {
            Metric(NAMESPACE, name, dimensions) for name in EMITTED[monitoring]
        }

    def test_has_only_alarms_that_watch_emitted_metrics(
        self, deployment: Deployment, monitoring: str
    ) -> None:
        alarms = existing("AWS::CloudWatch::Alarm", Monitoring=monitoring)
        watched = {WATCHED[name] for name in alarms}
        ours = {metric for metric in watched if metric.namespace == NAMESPACE}
        assert len(alarms) == ALARMS[monitoring]
        missing = {metric.name for metric in ours - measured(deployment)}
        assert missing == (WHILE_WRONG if alarms else set())

    def test_has_a_topic_only_for_alarms(self, monitoring: str) -> None:
        topics = existing("AWS::SNS::Topic", Monitoring=monitoring)
        assert ("AlarmTopic" in topics) == bool(ALARMS[monitoring])

    def test_has_a_dashboard_only_if_it_is_full(self, monitoring: str) -> None:
        dashboards = existing("AWS::CloudWatch::Dashboard", Monitoring=monitoring)
        assert bool(dashboards) == (monitoring == "full")

    def test_writes_a_line_of_the_log_for_each_turn(
        self, deployment: Deployment, monitoring: str
    ) -> None:
        del monitoring
        measured(deployment)
        turns = [line for line in deployment.output.logs if line["message"] == "Turn completed."]
        assert [line["completed"] for line in turns] == [1, 1, 0]


def test_the_dashboard_shows_only_emitted_metrics(
    deployment: Deployment, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MONITORING", "full")
    shown = {each for each in watched_by_dashboard(TEMPLATE) if each.namespace == NAMESPACE}
    assert shown == measured(deployment)


def test_two_stacks_share_no_metric(
    deployment: Deployment, monkeypatch: pytest.MonkeyPatch
) -> None:
    deployment.invoke()
    monkeypatch.setenv("STACK_NAME", "another")
    deployment.app.email_opens.cache_clear()
    deployment.invoke()
    one, another = (emitted(record) for record in deployment.output.metrics)
    assert {metric.name for metric in one} == {metric.name for metric in another}
    assert one & another == set()


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("opens", [99, 100, 200])
def test_delays_that_fill_a_record_leave_the_other_metrics_to_the_next(
    deployment: Deployment, opens: int
) -> None:
    deployment.send(opens=opens)
    deployment.invoke()
    assert len(deployment.output.measured("PublishDelay")) == opens
    assert deployment.output.measured("TurnsCompleted") == [1]

"""A stack deploys with each value of `Monitoring`, and has what the value says."""

import pytest

from tests.e2e.conftest import Stacks
from tests.e2e.trial import deploy_again, parameters


@pytest.mark.parametrize(
    ("monitoring", "alarms", "dashboards", "tracing"),
    [("full", 9, 1, "Active"), ("none", 0, 0, "PassThrough")],
)
def test_a_stack_has_the_monitoring_of_its_parameter(
    stacks: Stacks, monitoring: str, alarms: int, dashboards: int, tracing: str
) -> None:
    """The default is that of the stacks of the other tests."""
    name, trial = f"monitored-{monitoring}", stacks.idle
    given = parameters(
        trial.vendor,
        Monitoring=monitoring,
        ScheduleState="DISABLED",
        Discovery="DISABLED",
        AlarmEmail="a@example.org",
    )
    outputs = deploy_again(trial.aws, trial.stack, name, given).outputs
    cloudwatch = trial.aws.client("cloudwatch")
    found = cloudwatch.describe_alarms(AlarmNamePrefix=f"{name}-")["MetricAlarms"]
    shown = cloudwatch.list_dashboards(DashboardNamePrefix=f"{name}-")["DashboardEntries"]
    function = trial.aws.client("lambda").get_function_configuration(
        FunctionName=outputs["PollOpensFunction"]
    )
    assert (len(found), len(shown)) == (alarms, dashboards)
    assert function["TracingConfig"] == {"Mode": tracing}
    assert function["Environment"]["Variables"]["MONITORING"] == monitoring
    assert ("AlarmTopicArn" in outputs) == bool(alarms)

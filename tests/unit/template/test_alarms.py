"""The alarms, the dashboard and docs/operations.md agree with each other."""

import json
import re
from typing import Any

import pytest

from tests.integration.deployment import ROOT, STACK
from tests.integration.rendering import existing, rendered
from tests.integration.template import of_type
from tests.template_metrics import (
    NAMESPACE,
    dashboard,
    rows,
    watched_by_alarms,
    watched_by_dashboard,
)
from tests.unit.template.test_template import (
    FUNCTIONS,
    PARAMETERS,
    RESOURCES,
    ROLES,
    TEMPLATE,
    allows,
)

ALARMS = of_type(TEMPLATE, "AWS::CloudWatch::Alarm")
WATCHED = watched_by_alarms(TEMPLATE)
FUNCTION_ROLES = {name: role for name, role in ROLES.items() if name != "ScheduleRole"}
PAGE = (ROOT / "docs" / "operations.md").read_text()
SECTIONS = dict(re.findall(r"^### (.+)\n((?:(?!^##).*\n)*)", PAGE, re.MULTILINE))
"""The page's section on each alarm, by the alarm's name."""
PARTS = ("Meaning", "Impact", "Diagnosis", "Mitigation")
AWS_METRICS = {
    ("AWS/Lambda", "Errors"),
    ("AWS/Lambda", "Throttles"),
    ("AWS/SQS", "ApproximateNumberOfMessagesVisible"),
    ("AWS/SQS", "ApproximateAgeOfOldestMessage"),
    ("AWS/SQS", "NumberOfMessagesSent"),
    ("AWS/SNS", "NumberOfMessagesPublished"),
    ("AWS/SNS", "NumberOfNotificationsFailed"),
    ("AWS/Scheduler", "TargetErrorCount"),
}
AWS_DIMENSIONS = {("FunctionName", name) for name in FUNCTIONS} | {
    ("QueueName", "DeadLetterQueue.QueueName"),
    ("QueueName", "AlertDeadLetterQueue.QueueName"),
    ("QueueName", "AlertQueue.QueueName"),
    ("TopicName", "OpensTopic.TopicName"),
    ("ScheduleGroup", "ScheduleGroup"),
}
WINDOW_SECONDS = {"no-completed-turn": 600, "publish-delay": 900, "deliveries-failed": 3600}
BASIC = {
    *("no-completed-turn", "account-stopped", "no-completed-search", "publish-delay"),
    *("dead-letters", "deliveries-failed"),
}
ALERTS = {"alert-delay", "unshown-opens"}
FULL = BASIC | {"activities-failed", "function-errors", "function-throttles"}


def name_of(alarm: dict[str, Any]) -> str:
    """Return an alarm's name without the stack name."""
    text: str = alarm["AlarmName"]["Fn::Sub"]
    return text.removeprefix("${AWS::StackName}-")


@pytest.mark.parametrize("name", ALARMS)
class TestAnAlarm:
    def test_has_a_section_that_its_description_links_to(self, name: str) -> None:
        section = name_of(ALARMS[name])
        assert section in SECTIONS
        assert ALARMS[name]["AlarmDescription"].endswith(f" See docs/operations.md#{section}.")

    def test_notifies_the_topic_when_it_starts_and_when_it_ends(self, name: str) -> None:
        actions = [ALARMS[name]["AlarmActions"], ALARMS[name]["OKActions"]]
        assert actions == [[{"Ref": "AlarmTopic"}]] * 2

    def test_watches_the_account_that_the_stack_polls_or_one_of_its_resources(
        self, name: str
    ) -> None:
        metric = WATCHED[name]
        if metric.namespace == NAMESPACE:
            account = ("account_id", PARAMETERS["AccountId"]["Default"])
            assert metric.dimensions == {("stack", STACK), account}
        else:
            assert metric.dimensions <= AWS_DIMENSIONS

    def test_states_how_missing_data_is_treated(self, name: str) -> None:
        breaching = name_of(ALARMS[name]) == "no-completed-turn"
        expected = "breaching" if breaching else "notBreaching"
        assert ALARMS[name]["TreatMissingData"] == expected

    def test_evaluates_at_most_the_week_that_cloudwatch_allows(self, name: str) -> None:
        week = 7 * 86_400
        for schedule in ("rate(1 minute)", "rate(1 hour)"):
            alarm = rendered(
                {key: ALARMS[name][key] for key in ("Period", "EvaluationPeriods")},
                ScheduleExpression=schedule,
            )
            assert alarm["Period"] * alarm["EvaluationPeriods"] <= week

    def test_is_shown_on_the_dashboard_unless_it_is_about_the_alert(self, name: str) -> None:
        widgets = dashboard(TEMPLATE)["widgets"]
        (shown,) = (widget for widget in widgets if widget["type"] == "alarm")
        of_the_alert = name_of(ALARMS[name]) in ALERTS
        assert (f"{name}.Arn" in shown["properties"]["alarms"]) != of_the_alert


@pytest.mark.parametrize(
    ("monitoring", "webhook", "names"),
    [
        ("none", "", set[str]()),
        ("none", "/a", set[str]()),
        ("basic", "", BASIC),
        ("basic", "/a", BASIC | ALERTS),
        ("full", "", FULL),
        ("full", "/a", FULL | ALERTS),
    ],
)
def test_the_parameter_determines_which_alarms_a_stack_has(
    monitoring: str, webhook: str, names: set[str]
) -> None:
    alarms = existing("AWS::CloudWatch::Alarm", Monitoring=monitoring, AlertWebhook=webhook)
    assert {name_of(alarm) for alarm in alarms.values()} == names


def test_the_page_lists_the_alarms_of_each_value_of_the_parameter() -> None:
    rows = dict(re.findall(r"^\| `(\w+)`(?: \(default\))? \| ([^|]+) \|", PAGE, re.MULTILINE))
    listed = {value: set(re.findall(r"\w+(?:-\w+)+", text)) for value, text in rows.items()}
    assert listed["basic"] == BASIC | ALERTS
    assert listed["basic"] | listed["full"] == FULL | ALERTS
    assert rows["none"] == "none"


class TestTraces:
    @pytest.mark.parametrize("monitoring", ["full", "basic", "none"])
    def test_are_sent_and_allowed_only_with_full_monitoring(self, monitoring: str) -> None:
        full = monitoring == "full"
        tracing = TEMPLATE["Globals"]["Function"]["Tracing"]
        expected = "Active" if full else "PassThrough"
        assert rendered(tracing, Monitoring=monitoring) == expected
        for role in FUNCTION_ROLES.values():
            *_, last = role["Policies"][0]["PolicyDocument"]["Statement"]
            condition, trace, otherwise = last["Fn::If"]
            assert condition == "MonitoredFully"
            assert all(action.startswith("xray:") for action in trace["Action"])
            assert otherwise == {"Ref": "AWS::NoValue"}


def test_the_dashboard_can_show_another_account() -> None:
    """The variable replaces the account's name wherever a widget has it."""
    body = dashboard(TEMPLATE)
    (variable,) = body["variables"]
    assert (variable["type"], variable["pattern"]) == ("pattern", variable["defaultValue"])
    account = variable["defaultValue"]
    for widget in body["widgets"]:
        text = json.dumps(widget)
        places = text.count(f"account_id = '{account}'") + text.count(f'"account_id", "{account}"')
        assert text.count(account) == places


@pytest.mark.parametrize(("name", "seconds"), WINDOW_SECONDS.items())
def test_an_alarm_evaluates_the_period_that_its_description_states(name: str, seconds: int) -> None:
    (alarm,) = (alarm for alarm in ALARMS.values() if name_of(alarm) == name)
    assert rendered(alarm["Period"]) * rendered(alarm["EvaluationPeriods"]) == seconds


def test_a_parameter_sets_the_delay_alarms_threshold() -> None:
    (alarm,) = (alarm for alarm in ALARMS.values() if alarm["MetricName"] == "PublishDelay")
    assert alarm["Threshold"] == {"Ref": "PublishDelayAlarmSeconds"}


def test_metrics_of_aws_are_watched_only_for_the_stacks_resources() -> None:
    metrics = {
        metric
        for metric in (*WATCHED.values(), *watched_by_dashboard(TEMPLATE))
        if metric.namespace != NAMESPACE
    }
    assert {(metric.namespace, metric.name) for metric in metrics} <= AWS_METRICS
    assert {pair for metric in metrics for pair in metric.dimensions} <= AWS_DIMENSIONS


def test_a_dashboard_metric_may_repeat_parts_of_the_one_above() -> None:
    written: list[list[Any]] = [
        ["N", "first", "a", "x"],
        [".", "second", ".", "y", {}],
        ["...", {"stat": "p90"}],
    ]
    assert list(rows(written))[1:] == [["N", "second", "a", "y"]] * 2


class TestTheAlarmMail:
    @pytest.mark.parametrize(
        ("text", "allowed"), [("", True), ("a@example.org", True), ("a", False), ("a b@c", False)]
    )
    def test_goes_to_one_address_or_to_none(self, text: str, allowed: bool) -> None:
        assert allows(PARAMETERS["AlarmEmail"], text) == allowed

    def test_is_subscribed_only_if_an_address_is_given(self) -> None:
        condition = TEMPLATE["Conditions"][RESOURCES["AlarmMail"]["Condition"]]
        given = {"Fn::Not": [{"Fn::Equals": [{"Ref": "AlarmEmail"}, ""]}]}
        assert condition == {"Fn::And": [{"Condition": "Monitored"}, given]}

    def test_comes_from_a_topic_that_cloudwatch_can_publish_to(self) -> None:
        assert "KmsMasterKeyId" not in RESOURCES["AlarmTopic"]["Properties"]


class TestTheOperationsPage:
    @pytest.mark.parametrize("section", SECTIONS)
    def test_has_only_sections_that_belong_to_an_alarm(self, section: str) -> None:
        assert section in {name_of(alarm) for alarm in ALARMS.values()}

    @pytest.mark.parametrize("section", SECTIONS)
    def test_states_each_alarms_meaning_impact_diagnosis_and_mitigation(self, section: str) -> None:
        assert tuple(re.findall(r"^\*\*(\w+)\.\*\*$", SECTIONS[section], re.MULTILINE)) == PARTS


def test_no_alarms_name_ends_with_another_so_that_two_stacks_never_share_one() -> None:
    """A stack `x-alert` would have an alarm of the name that an alarm of the stack `x` has."""
    ends = {
        alarm["AlarmName"]["Fn::Sub"].removeprefix("${AWS::StackName}") for alarm in ALARMS.values()
    }
    assert not [(one, two) for one in ends for two in ends if one != two and one.endswith(two)]

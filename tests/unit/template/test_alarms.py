"""Alarms, dashboard and the page that they lead to, held against each other and the commands."""

import re
import shlex
from collections.abc import Iterator
from typing import Any

import boto3
import pytest
import typer
from botocore import xform_name

from email_opens_cli.main import app
from tests.integration.deployment import ROOT
from tests.integration.template import of_type
from tests.template_metrics import (
    NAMESPACE,
    dashboard,
    rows,
    watched_by_alarms,
    watched_by_dashboard,
)
from tests.unit.template.test_template import FUNCTIONS, PARAMETERS, RESOURCES, TEMPLATE, allows

ALARMS = of_type(TEMPLATE, "AWS::CloudWatch::Alarm")
WATCHED = watched_by_alarms(TEMPLATE)
PAGE = (ROOT / "docs" / "operations.md").read_text()
COST = (ROOT / "docs" / "cost-and-scale.md").read_text()
SECTIONS = dict(re.findall(r"^### (.+)\n((?:(?!^##).*\n)*)", PAGE, re.MULTILINE))
"""The page's sections of alarms, by name."""
PARTS = ("Meaning", "Impact", "Diagnosis", "Mitigation")
OF_AWS = {("AWS/Lambda", "Errors"), ("AWS/Lambda", "Throttles"), ("AWS/Lambda", "Duration")} | {
    ("AWS/SQS", "ApproximateNumberOfMessagesVisible")
}
DIMENSIONS_OF_AWS = {("FunctionName", name) for name in FUNCTIONS} | {
    ("QueueName", "DeadLetterQueue.QueueName")
}
ONLY_OF_THE_CLI = "aws logs tail "
"""A command that is no operation of AWS's."""
SECONDS = {"no-completed-turn": 600, "publish-delay": 900, "searches-stopped": 3600}


def name_of(alarm: dict[str, Any]) -> str:
    """Return an alarm's name without the stack's."""
    text: str = alarm["AlarmName"]["Fn::Sub"]
    return text.removeprefix("${AWS::StackName}-")


def typed(program: str) -> list[str]:
    """Return what the pages and the alarms have people type."""
    texts = [PAGE, COST, *(alarm["AlarmDescription"] for alarm in ALARMS.values())]
    return sorted({line for text in texts for line in commands(text, program)})


def commands(text: str, program: str) -> Iterator[str]:
    """Yield a program's commands, in blocks and within sentences."""
    blocks = re.findall(r"^ *```sh\n(.*?)```", text, re.MULTILINE | re.DOTALL)
    inline = re.findall(r"`([^`\n]+)`", re.sub(r"```.*?```", "", text, flags=re.DOTALL))
    for line in [*"\n".join(blocks).splitlines(), *inline]:
        if line.strip().startswith(f"{program} "):
            yield shlex.join(shlex.split(line, comments=True))


OURS, AWSS = typed("email-opens"), typed("aws")
WAITS = [line for line in AWSS if " wait " in line]
OF_OPERATIONS = [
    line for line in AWSS if line not in WAITS and not line.startswith(ONLY_OF_THE_CLI)
]
CLIENTS: Any = boto3.Session()


@pytest.mark.parametrize("name", ALARMS)
class TestAnAlarm:
    def test_has_a_section_that_its_description_names(self, name: str) -> None:
        section = name_of(ALARMS[name])
        assert section in SECTIONS
        assert ALARMS[name]["AlarmDescription"].endswith(f" See docs/operations.md#{section}.")

    def test_is_told_to_the_topic_and_so_is_its_end(self, name: str) -> None:
        told = [ALARMS[name]["AlarmActions"], ALARMS[name]["OKActions"]]
        assert told == [[{"Ref": "AlarmTopic"}]] * 2

    def test_watches_the_account_that_the_stack_polls_or_a_resource_of_the_stack(
        self, name: str
    ) -> None:
        metric = WATCHED[name]
        if metric.namespace == NAMESPACE:
            assert ("account_id", PARAMETERS["AccountId"]["Default"]) in metric.dimensions
        else:
            assert metric.dimensions <= DIMENSIONS_OF_AWS

    def test_says_what_missing_data_means(self, name: str) -> None:
        breaching = name_of(ALARMS[name]) == "no-completed-turn"
        expected = "breaching" if breaching else "notBreaching"
        assert ALARMS[name]["TreatMissingData"] == expected

    def test_looks_back_no_longer_than_cloudwatch_can(self, name: str) -> None:
        week = 7 * 86_400
        assert ALARMS[name]["Period"] * ALARMS[name]["EvaluationPeriods"] <= week

    def test_has_its_place_on_the_dashboard(self, name: str) -> None:
        (shown,) = (one for one in dashboard(TEMPLATE)["widgets"] if one["type"] == "alarm")
        assert f"{name}.Arn" in shown["properties"]["alarms"]


@pytest.mark.parametrize(("name", "seconds"), SECONDS.items())
def test_an_alarm_looks_at_as_long_as_its_description_says(name: str, seconds: int) -> None:
    (alarm,) = (one for one in ALARMS.values() if name_of(one) == name)
    assert alarm["Period"] * alarm["EvaluationPeriods"] == seconds


def test_the_delay_alarms_threshold_is_the_parameters() -> None:
    (alarm,) = (one for one in ALARMS.values() if one["MetricName"] == "PublishDelay")
    assert alarm["Threshold"] == {"Ref": "PublishDelayAlarmSeconds"}


def test_of_aws_only_what_it_measures_of_the_stacks_resources_is_watched() -> None:
    others = {
        one
        for one in (*WATCHED.values(), *watched_by_dashboard(TEMPLATE))
        if one.namespace != NAMESPACE
    }
    assert {(one.namespace, one.name) for one in others} <= OF_AWS
    assert {pair for one in others for pair in one.dimensions} <= DIMENSIONS_OF_AWS


def test_a_metric_may_be_written_by_what_differs_from_the_one_above() -> None:
    written: list[list[Any]] = [
        ["N", "first", "a", "x"],
        [".", "second", ".", "y", {}],
        ["...", {"stat": "p90"}],
    ]
    assert list(rows(written))[1:] == [["N", "second", "a", "y"]] * 2


class TestTheMail:
    @pytest.mark.parametrize(
        ("text", "allowed"), [("", True), ("a@example.org", True), ("a", False), ("a b@c", False)]
    )
    def test_goes_to_one_address_or_none(self, text: str, allowed: bool) -> None:
        assert allows(PARAMETERS["AlarmEmail"], text) == allowed

    def test_is_subscribed_only_if_there_is_an_address(self) -> None:
        condition = TEMPLATE["Conditions"][RESOURCES["AlarmMail"]["Condition"]]
        assert condition == {"Fn::Not": [{"Fn::Equals": [{"Ref": "AlarmEmail"}, ""]}]}

    def test_comes_of_a_topic_that_cloudwatch_can_publish_to(self) -> None:
        assert "KmsMasterKeyId" not in RESOURCES["AlarmTopic"]["Properties"]


class TestThePage:
    @pytest.mark.parametrize("section", SECTIONS)
    def test_has_no_section_without_an_alarm(self, section: str) -> None:
        assert section in {name_of(alarm) for alarm in ALARMS.values()}

    @pytest.mark.parametrize("section", SECTIONS)
    def test_says_of_each_alarm_what_it_means_and_what_to_do(self, section: str) -> None:
        assert tuple(re.findall(r"^\*\*(\w+)\.\*\*$", SECTIONS[section], re.MULTILINE)) == PARTS

    @pytest.mark.parametrize("line", OURS)
    def test_names_only_commands_that_there_are(self, line: str) -> None:
        command: Any = typer.main.get_command(app)
        words = shlex.split(line)[1:]
        while hasattr(command, "commands"):
            command = command.commands[words.pop(0)]
        options = {option for one in command.params for option in one.opts}
        assert {word for word in words if word.startswith("--")} - options == set()

    @pytest.mark.parametrize("line", OF_OPERATIONS)
    def test_names_only_operations_of_awss_with_their_options(self, line: str) -> None:
        service, operation, *words = shlex.split(line)[1:]
        client = CLIENTS.client(service, region_name="eu-west-1")
        name = client.meta.method_to_api_mapping[operation.replace("-", "_")]
        shape = client.meta.service_model.operation_model(name).input_shape
        options = {f"--{xform_name(member, '-')}" for member in shape.members}
        assert {word for word in words if word.startswith("--")} - options == set()

    @pytest.mark.parametrize("line", WAITS)
    def test_waits_only_for_what_aws_can_wait_for(self, line: str) -> None:
        _, service, _, event, *_ = shlex.split(line)
        client = CLIENTS.client(service, region_name="eu-west-1")
        assert event.replace("-", "_") in client.waiter_names

    @pytest.mark.parametrize("anchor", re.findall(r"\]\((?:operations\.md)?#([^)]+)\)", PAGE))
    def test_links_only_to_headings_that_it_has(self, anchor: str) -> None:
        headings = re.findall(r"^#+ (.+)$", PAGE, re.MULTILINE)
        assert anchor in {heading.lower().replace(" ", "-") for heading in headings}

"""The template can be read: its order and length, its repetitions, and the names that it makes."""

import re
from typing import Any

import pytest
import yaml

from deploy import LONGEST_NAME
from tests.integration.deployment import ROOT
from tests.integration.template import Template, parse_template
from tests.unit.template.test_template import RESOURCES, TEMPLATE

TEXT = (ROOT / "template.yaml").read_text()
LINES = TEXT.splitlines()
MAIN_JOB = (
    *("PollOpens", "ScheduleGroup", "WakeUps", "TrackingTable", "LedgerTable"),
    *("OpensTopic", "DeadLetterQueue"),
)
LIMITS = {
    ("AWS::Scheduler::ScheduleGroup", "Name"): 64,
    ("AWS::SNS::Topic", "TopicName"): 256,
    ("AWS::CloudWatch::Alarm", "AlarmName"): 255,
    ("AWS::CloudWatch::Dashboard", "DashboardName"): 255,
}
"""The longest name that AWS accepts, by the type of the resource and the property."""
LONGEST_REGION = "ap-southeast-1"


def sections() -> dict[str, list[str]]:
    """Return the names of the resources below each heading of the file."""
    found: dict[str, list[str]] = {}
    heading = ""
    for line in LINES[: LINES.index("Conditions:")]:
        if line.startswith("  # --- "):
            heading = re.split(r"\W", line.removeprefix("  # --- "))[0]
        elif name := re.fullmatch(r"  (\w+):", line):
            found.setdefault(heading, []).append(name[1])
    return found


class TestTheFile:
    def test_has_the_main_job_in_its_first_200_lines(self) -> None:
        first = {match[1] for line in LINES[:200] if (match := re.fullmatch(r"  (\w+):", line))}
        assert first >= set(MAIN_JOB)

    def test_has_at_most_700_lines(self) -> None:
        assert len(LINES) <= 700

    def test_has_all_that_depends_on_a_condition_in_the_parts_of_alert_and_monitoring(self) -> None:
        conditional = {name for name, resource in RESOURCES.items() if "Condition" in resource}
        assert {*sections()["Alert"], *sections()["Monitoring"]} == conditional


class TestAliases:
    """CloudFormation rejects aliases, and SAM writes them out."""

    def test_are_written_out_when_the_template_is_dumped_as_sam_does(self) -> None:
        class Dumper(yaml.SafeDumper):
            def ignore_aliases(self, data: Any) -> bool:
                del data
                return True

        written = yaml.dump(TEMPLATE, Dumper=Dumper)
        read: Template = parse_template(written)
        assert read == TEMPLATE
        assert re.findall(r"(?:^|\s)[&*][a-z]", written) == []


def explicit_names() -> dict[tuple[str, str], str]:
    """Return the names that the template makes of the stack's name, by type and property."""
    return {
        (resource["Type"], key): text
        for resource in RESOURCES.values()
        for key, value in resource["Properties"].items()
        if key.endswith("Name")
        for text in re.findall(r"AWS::StackName[^']*", str(value))
    }


class TestTheNames:
    def test_that_contain_the_stacks_name_are_of_kinds_whose_limits_are_known(self) -> None:
        kinds = {kind for kind in explicit_names() if kind[1] != "FunctionName"}
        assert kinds == set(LIMITS)

    @pytest.mark.parametrize("kind", LIMITS, ids="-".join)
    def test_are_accepted_by_aws_in_a_stack_with_the_longest_name(
        self, kind: tuple[str, str]
    ) -> None:
        longest = max(
            len(
                text.removeprefix("AWS::StackName}")
                .removeprefix("AWS::StackName")
                .replace("${AWS::Region}", LONGEST_REGION)
            )
            for resource in RESOURCES.values()
            if resource["Type"] == kind[0]
            for text in re.findall(r"AWS::StackName[^']*", str(resource["Properties"][kind[1]]))
        )
        assert LONGEST_NAME + longest <= LIMITS[kind]

    def test_of_stacks_are_as_long_as_the_shortest_limit_allows(self) -> None:
        assert min(LIMITS.values()) == LONGEST_NAME

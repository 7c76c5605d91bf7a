"""The numbers of the template agree with the reasons that the template and the pages give."""

import re
from datetime import timedelta
from typing import Any

import pytest

from bench.cost.durations import VCPU_MB
from bench.cost.prices import HOURS_A_MONTH
from email_opens.allowance.lease import LONGEST
from email_opens.config.stack import read_settings
from email_opens.scheduling.wake_ups import CHAIN, MOST_WAKE_UPS
from email_opens.turns.turns import LEASE_PATIENCE
from tests.integration.deployment import ROOT, load
from tests.unit.template.test_template import (
    FUNCTIONS,
    PARAMETERS,
    REQUIRED,
    RESOURCES,
    TEMPLATE,
)

TEXT = (ROOT / "template.yaml").read_text()
COST = (ROOT / "docs" / "cost-and-scale.md").read_text()
OPERATIONS = (ROOT / "docs" / "operations.md").read_text()
PARAMETERS_PAGE = (ROOT / "docs" / "parameters.md").read_text()
POLL = FUNCTIONS["PollOpens"]
SCHEDULED = ("PollOpens",)
UNITS = {"minute": 60, "minutes": 60, "hour": 3600, "hours": 3600}


def number(pattern: str, text: str) -> float:
    """Return the one number that a pattern finds in a text, whose commas are left out."""
    found = {match.replace(",", "") for match in re.findall(pattern, text)}
    (value,) = found
    return float(value)


def period_seconds(expression: str) -> int:
    """Return the seconds between two events of a schedule."""
    found = re.fullmatch(r"rate\((\d+) (\w+)\)", expression)
    assert found
    return int(found[1]) * UNITS[found[2]]


def schedule(function: dict[str, Any]) -> dict[str, Any]:
    properties: dict[str, Any] = function["Events"]["Schedule"]["Properties"]
    return properties


POLLED_EVERY = period_seconds(PARAMETERS["ScheduleExpression"]["Default"])
PERIODS = {"PollOpens": POLLED_EVERY}


class TestTheMemoryOfPolls:
    def test_is_worth_the_processor_that_the_comment_states(self) -> None:
        assert number(r"about ([\d.]+) vCPU", TEXT) == round(POLL["MemorySize"] / VCPU_MB, 1)

    def test_is_not_more_than_one_processor(self) -> None:
        """A poll has one thread that decodes: it cannot use a second processor."""
        assert VCPU_MB / 4 < POLL["MemorySize"] <= VCPU_MB


class TestTheTimeout:
    def test_of_a_poll_ends_it_when_the_next_turn_is_due(self) -> None:
        assert POLL["Timeout"] <= POLLED_EVERY

    def test_of_a_poll_lasts_longer_than_a_turn_waits_for_the_lease(self) -> None:
        left = POLL["Timeout"] - load().COMMIT_SECONDS
        assert left > 2 * LEASE_PATIENCE.total_seconds()

    @pytest.mark.parametrize("name", FUNCTIONS)
    def test_is_shorter_than_any_lease_is_valid(self, name: str) -> None:
        """A lease that outlasts its validity could be taken while its holder works."""
        assert timedelta(seconds=FUNCTIONS[name]["Timeout"]) <= LONGEST


class TestTheQueueOfWakeUps:
    QUEUE = RESOURCES["WakeUps"]["Properties"]

    def test_delivers_a_message_only_once_although_its_turn_fails(self) -> None:
        assert self.QUEUE["VisibilityTimeout"] > self.QUEUE["MessageRetentionPeriod"]
        assert self.QUEUE["VisibilityTimeout"] == 6 * POLL["Timeout"]
        assert "RedrivePolicy" not in self.QUEUE

    def test_keeps_a_message_for_longer_than_it_is_delayed(self) -> None:
        assert self.QUEUE["MessageRetentionPeriod"] > 2 * CHAIN.total_seconds()

    def test_starts_a_turn_for_each_message(self) -> None:
        event = POLL["Events"]["WakeUp"]["Properties"]
        assert event == {"Queue": {"Fn::GetAtt": ["WakeUps", "Arn"]}, "BatchSize": 1}

    def test_leaves_the_detection_of_loops_on_and_stays_below_its_limit(self) -> None:
        assert "RecursiveLoop" not in POLL
        assert number(r"some (\w+) times in a row", TEXT.replace("sixteen", "16")) > MOST_WAKE_UPS

    def test_follows_a_schedule_of_the_length_of_a_chain(self) -> None:
        assert CHAIN.total_seconds() == POLLED_EVERY


@pytest.mark.parametrize("name", SCHEDULED)
class TestRetries:
    def test_of_lambda_are_left_to_the_next_scheduled_event(self, name: str) -> None:
        """A retry would come beside the next event, and find nothing that it does not find."""
        assert "No retries: the next scheduled" in TEXT
        assert FUNCTIONS[name]["EventInvokeConfig"]["MaximumRetryAttempts"] == 0

    def test_of_lambda_start_no_event_after_its_successor(self, name: str) -> None:
        age = FUNCTIONS[name]["EventInvokeConfig"]["MaximumEventAgeInSeconds"]
        assert age <= PERIODS[name]
        assert age >= 60  # The least that Lambda accepts.

    def test_of_a_schedule_end_before_its_next_event(self, name: str) -> None:
        policy = schedule(FUNCTIONS[name])["RetryPolicy"]
        assert policy["MaximumEventAgeInSeconds"] <= PERIODS[name]
        assert 0 < policy["MaximumRetryAttempts"] < 5  # An event is not lost to one failure.


class TestTheRoleOfTheSchedules:
    ROLE = RESOURCES["ScheduleRole"]["Properties"]

    def test_is_assumed_only_for_schedules_of_the_stacks_own_group(self) -> None:
        (statement,) = self.ROLE["AssumeRolePolicyDocument"]["Statement"]
        assert statement["Principal"] == {"Service": "scheduler.amazonaws.com"}
        assert statement["Condition"] == {
            "StringEquals": {
                "aws:SourceAccount": {"Ref": "AWS::AccountId"},
                "aws:SourceArn": {"Fn::GetAtt": ["ScheduleGroup", "Arn"]},
            }
        }

    @pytest.mark.parametrize("name", SCHEDULED)
    def test_is_that_of_schedules_in_that_group(self, name: str) -> None:
        assert schedule(FUNCTIONS[name])["RoleArn"] == {"Fn::GetAtt": ["ScheduleRole", "Arn"]}
        assert schedule(FUNCTIONS[name])["GroupName"] == {"Ref": "ScheduleGroup"}

    def test_and_that_group_are_what_commands_schedule_further_accounts_with(self) -> None:
        outputs = {name: output["Value"] for name, output in TEMPLATE["Outputs"].items()}
        assert outputs["ScheduleRoleArn"] == {"Fn::GetAtt": ["ScheduleRole", "Arn"]}
        assert outputs["ScheduleGroup"] == {"Ref": "ScheduleGroup"}


def test_the_costs_count_the_turns_of_a_month() -> None:
    turns = HOURS_A_MONTH * 3600 / POLLED_EVERY
    assert number(r"hours: ([\d,]+) turns, one a minute", COST) == turns


def test_the_operations_page_states_the_requests_that_turns_may_spend() -> None:
    to_spend = read_settings(REQUIRED).requests_to_spend
    assert number(r"is spent \(([\d,]+) by default\)", OPERATIONS) == to_spend


def test_the_page_of_parameters_names_only_outputs_of_the_template() -> None:
    table = PARAMETERS_PAGE.partition("| output | meaning |")[2]
    names = [
        name
        for row in re.findall(r"^\| ([A-Z][^|]+) \|", table, re.MULTILINE)
        for name in row.split(", ")
    ]
    assert names
    assert set(names) <= set(TEMPLATE["Outputs"])


@pytest.mark.parametrize("name", PARAMETERS)
def test_the_page_of_parameters_states_the_default_of_a_parameter(name: str) -> None:
    rows = [line.split(" | ") for line in PARAMETERS_PAGE.splitlines() if line.startswith("| ")]
    (row,) = [row for row in rows if name in row[0].removeprefix("| ").split(", ")]
    names = row[0].removeprefix("| ").split(", ")
    default = str(PARAMETERS[name]["Default"])
    stated = row[1].replace("`", "").split(", ")
    if row[1] == "the vendor's":
        assert "constantcontact" in default or "cc.email" in default
    else:
        assert stated[names.index(name)] == (default or "none")

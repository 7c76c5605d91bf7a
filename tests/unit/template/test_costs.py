"""The table of costs is what the template's resources cost at the prices that it states."""

import re

import pytest

from tests.integration.deployment import ROOT
from tests.integration.rendering import existing
from tests.integration.test_watched_metrics import EMITTED
from tests.unit.template.test_reasons import COST, HOURS_A_MONTH, POLLED_EVERY
from tests.unit.template.test_template import FUNCTIONS, PARAMETERS

SECONDS = HOURS_A_MONTH * 3600
TURNS = SECONDS / POLLED_EVERY
POLL_GB = FUNCTIONS["PollOpens"]["MemorySize"] / 1024
MODES = ("basic", "full", "none")
"""The values of the parameter, in the order of the table's columns."""
DECISION = (ROOT / "docs" / "decisions" / "0011-few-metrics-and-one-line-a-turn.md").read_text()
ROWS = {
    cells[0].strip("*| "): cells[1:]
    for line in COST.partition("| part | quantity")[2].partition("\n\n")[0].splitlines()[2:]
    if (cells := [cell.strip() for cell in line.strip("| ").split(" | ")])
}
"""The cells of each row of the table, by its first cell."""
SUM, FURTHER = "sum", "each further account"
OF_THE_STACK = ("CloudWatch alarms", "CloudWatch dashboard")
"""What a further account in the same stack does not pay for."""


def alarms(mode: str) -> int:
    return len(existing("AWS::CloudWatch::Alarm", Monitoring=mode))


def dashboards(mode: str) -> int:
    return len(existing("AWS::CloudWatch::Dashboard", Monitoring=mode))


def quantities(mode: str) -> dict[str, float]:
    """Return how many units of its price each part takes in a month."""
    return {
        "CloudWatch metrics": len(EMITTED[mode]),
        "CloudWatch alarms": alarms(mode),
        "CloudWatch dashboard": dashboards(mode),
        "X-Ray": TURNS / 1e6 if mode == "full" else 0,
        "KMS, for the credentials parameter": TURNS / 1e4,
        "Lambda, duration": TURNS * 0.2 * POLL_GB,
        "Lambda, requests": TURNS / 1e6,
        "EventBridge Scheduler": TURNS / 1e6,
        "logs": TURNS * 2e3 / 1e9,
    }


def cost(part: str, mode: str) -> float:
    """Return what a part costs a month, by the prices in its row."""
    quantity, price = ROWS[part][:2]
    prices = [float(each) for each in re.findall(r"\d+\.\d+", price)]
    if part == "DynamoDB, account":
        writes, reads = (int(each) for each in re.findall(r"\d+", quantity))
        return TURNS * (writes * prices[0] + reads * prices[1]) / 1e6
    return quantities(mode)[part] * prices[0]


def stated(part: str, mode: str) -> float:
    return float(ROWS[part][MODES.index(mode) - len(MODES)].strip("*| "))


PARTS = [part for part in ROWS if part not in (SUM, FURTHER)]


@pytest.mark.parametrize("mode", MODES)
class TestAMonth:
    @pytest.mark.parametrize("part", PARTS)
    def test_has_parts_of_which_each_costs_what_the_template_takes(
        self, part: str, mode: str
    ) -> None:
        assert stated(part, mode) == pytest.approx(cost(part, mode), abs=0.005)

    def test_costs_the_sum_of_its_parts(self, mode: str) -> None:
        assert stated(SUM, mode) == pytest.approx(sum(stated(part, mode) for part in PARTS))
        assert sum(cost(part, mode) for part in PARTS) == pytest.approx(stated(SUM, mode), abs=0.02)

    def test_of_a_further_account_costs_the_same_without_what_a_stack_has_once(
        self, mode: str
    ) -> None:
        shared = sum(stated(part, mode) for part in OF_THE_STACK)
        assert stated(FURTHER, mode) == pytest.approx(stated(SUM, mode) - shared)

    def test_is_what_the_decision_compares(self, mode: str) -> None:
        (row,) = re.findall(rf"^\| `{mode}`.* \| ([\d.]+) \|$", DECISION, re.MULTILINE)
        assert float(row) == stated(SUM, mode)


def test_the_default_costs_no_more_than_it_may() -> None:
    default = PARAMETERS["Monitoring"]["Default"]
    assert stated(SUM, default) <= 2.00
    assert stated(FURTHER, default) <= 1.50


@pytest.mark.parametrize("mode", ["basic", "full"])
def test_the_quantities_are_those_of_the_template(mode: str) -> None:
    found = {
        part: re.findall(rf"(\d+) with {mode}", ROWS[part][0])
        for part in ("CloudWatch metrics", "CloudWatch alarms")
    }
    assert found == {
        "CloudWatch metrics": [str(len(EMITTED[mode]))],
        "CloudWatch alarms": [str(alarms(mode))],
    }


@pytest.mark.parametrize(
    "part", ["X-Ray", "KMS, for the credentials parameter", "Lambda, requests"]
)
def test_each_invocation_is_counted(part: str) -> None:
    assert f"{TURNS:,.0f}" in ROWS[part][0]


def test_other_pages_state_a_rounded_sum() -> None:
    page = (ROOT / "docs" / "getting-started.md").read_text()
    (dollars,) = re.findall(r"costs less than (\d+) US dollars a month", page)
    assert stated(SUM, PARAMETERS["Monitoring"]["Default"]) < float(dollars)

"""The tables of costs are what the template's resources cost, as `make cost` counted them."""

import re

import pytest

from bench.cost.__main__ import PAGE, stored, tables, written
from bench.cost.prices import AS_OF, DASHBOARD, HOURS_A_MONTH, METRICS, PRICES, REGION
from bench.cost.scenarios import IDLE, MODES, SHOP
from bench.cost.stack import once
from bench.cost.tables import BASIC, idle, of_stack
from bench.cost.usage import cost
from tests.integration.deployment import ROOT
from tests.integration.test_watched_metrics import ALARMS, EMITTED
from tests.unit.template.test_template import PARAMETERS

MONTHS = stored()
PAGE_TEXT = PAGE.read_text(encoding="utf-8")
DECISION = (ROOT / "docs" / "decisions" / "0011-few-metrics-and-one-line-a-turn.md").read_text()


@pytest.mark.parametrize("name", tables(MONTHS))
def test_the_page_has_the_table_that_was_counted_last(name: str) -> None:
    assert tables(MONTHS)[name] in PAGE_TEXT


def test_writing_the_tables_again_changes_nothing() -> None:
    assert written(PAGE_TEXT, MONTHS) == PAGE_TEXT


def test_the_page_states_whose_prices_of_when_they_are() -> None:
    assert f"of {REGION} in {AS_OF}" in PAGE_TEXT
    assert f"A month has {HOURS_A_MONTH} hours" in PAGE_TEXT


@pytest.mark.parametrize("mode", MODES)
class TestAnIdleAccount:
    def test_pays_for_the_alarms_and_dashboards_of_the_template(self, mode: str) -> None:
        assert once(mode)["CloudWatch alarms"] == ALARMS[mode]
        assert once(mode)[DASHBOARD] == (mode == "full")

    def test_pays_for_the_metrics_that_it_sends(self, mode: str) -> None:
        without_opens = EMITTED[mode] - {"PublishDelay"}
        assert MONTHS[idle(mode)].units[METRICS] == pytest.approx(len(without_opens), rel=0.01)

    def test_costs_what_the_decision_compares(self, mode: str) -> None:
        (row,) = re.findall(rf"^\| `{mode}`.* \| ([\d.]+) \|$", DECISION, re.MULTILINE)
        assert row == f"{cost(of_stack(MONTHS[idle(mode)], mode)):.2f}"


def test_the_default_costs_no_more_than_it_may() -> None:
    assert PARAMETERS["Monitoring"]["Default"] == BASIC
    assert cost(of_stack(MONTHS[IDLE])) <= 2.00
    assert cost(MONTHS[IDLE].units) <= 1.50


def test_every_line_has_a_price() -> None:
    assert all(month.units.keys() == PRICES.keys() for month in MONTHS.values())


def test_other_pages_state_a_rounded_sum() -> None:
    page = (ROOT / "docs" / "getting-started.md").read_text()
    (dollars,) = re.findall(r"costs less than (\d+) US dollars a month", page)
    assert cost(of_stack(MONTHS[IDLE])) < float(dollars)


def test_the_first_page_states_what_two_accounts_cost() -> None:
    page = (ROOT / "README.md").read_text()
    (found,) = re.findall(r"a month costs ([\d.]+) US dollars for .* and ([\d.]+) for", page)
    assert found == tuple(f"{cost(of_stack(MONTHS[name])):.2f}" for name in (IDLE, SHOP))


def test_the_changelog_states_what_an_idle_account_costs() -> None:
    page = (ROOT / "CHANGELOG.md").read_text()
    (dollars,) = re.findall(r"An idle account costs ([\d.]+) US dollars a month", page)
    assert dollars == f"{cost(of_stack(MONTHS[IDLE])):.2f}"

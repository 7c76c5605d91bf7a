"""The dashboard's queries name lines and fields that the function logs."""

import re

import pytest

from constant_contact_emulator import Kind
from tests.integration.deployment import ROOT, Deployment
from tests.integration.discovery import discovery as discovery  # noqa: PLC0414 - a fixture
from tests.integration.discovery import search
from tests.integration.template import read_template
from tests.template_metrics import LogQuery, log_queries, log_query

QUERIES = log_queries(read_template())
LOGS = {"PollOpensLog": "Turn completed."}
"""The line on each invocation, by the log of the function."""
OF_CLOUDWATCH = {"@timestamp"}
OF_EVERY_LINE = {
    *("level", "location", "message", "timestamp", "service"),
    *("account_id", "function_request_id"),
}
STOPS = {"disconnected", "quota_exceeded", "pause", "budget_spent", "out_of_time", "error"}
"""The values of `stopped_by`."""


@pytest.fixture
def lines(discovery: Deployment) -> list[dict[str, object]]:
    """The log of turns without work, with an open, and of what the quota stops."""
    discovery.connect({**discovery.credentials(), "expires_at": "2026-03-02T14:00:00Z"})
    for _ in range(2):
        discovery.invoke()
    activity_id = discovery.send()
    discovery.clock.sleep(60)
    discovery.vendor.world.add_open(activity_id)
    discovery.invoke()
    discovery.vendor.faults.add(Kind.QUOTA_EXCEEDED)
    search(discovery)
    return discovery.output.logs


def logged(lines: list[dict[str, object]], message: str) -> set[str]:
    return {name for line in lines if line["message"] == message for name in line}


@pytest.mark.parametrize("query", QUERIES, ids=lambda query: "-".join(sorted(query.fields)))
def test_a_query_names_only_fields_of_the_line(
    query: LogQuery, lines: list[dict[str, object]]
) -> None:
    assert query.message == LOGS[query.log]
    assert query.fields - OF_CLOUDWATCH - logged(lines, query.message) == set()


def test_all_that_is_counted_in_a_turn_is_shown_or_a_metric(
    lines: list[dict[str, object]],
) -> None:
    counted = {
        name
        for line in lines
        if line["message"] == "Turn completed."
        for name, value in line.items()
        if isinstance(value, int | float)
    }
    shown = {name for query in QUERIES for name in query.fields}
    # `RequestsLeft` and `ActivitiesFailed` are metrics; that nothing is polled, `doctor` says.
    assert counted - shown == {"requests_left", "failed", "activities"} - shown


def test_the_page_lists_every_field_of_the_line(lines: list[dict[str, object]]) -> None:
    page = (ROOT / "docs" / "operations.md").read_text()
    text = page[page.index("| `completed` |") : page.index("Many `missing` opens")]
    names = set(re.findall(r"`([a-z_]+)`", text)) - STOPS
    assert names == logged(lines, "Turn completed.") - OF_EVERY_LINE


class TestAQuery:
    def test_is_parsed_into_its_log_line_and_fields(self) -> None:
        text = (
            "SOURCE 'a log' | filter message = 'Done.' and ispresent(why) "
            "| stats sum(opens) as all_opens, count(*) by bin(5m) | sort @timestamp desc | limit 9"
        )
        fields = frozenset({"message", "why", "opens", "@timestamp"})
        assert log_query(text) == LogQuery("a log", "Done.", fields)

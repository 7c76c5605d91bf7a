"""What an invocation tells: its reply, its log, its metrics."""

from collections.abc import Callable

import pytest

from constant_contact_emulator import Contact, Kind
from email_opens.adapters.aws.publisher import MOST_BYTES
from tests.integration.deployed import ACCOUNT, Deployed


def test_the_reply_has_what_the_design_names(deployed: Deployed) -> None:
    deployed.send(opens=2)
    reply = deployed.invoke()
    named = ("account_id", "published", "requests", "activities", "failed", "gaps")
    assert [reply[name] for name in named] == [ACCOUNT, 2, 1, 1, [], 0]


class TestTheLog:
    def test_names_the_account_in_every_line(self, deployed: Deployed) -> None:
        deployed.vendor.faults.add(Kind.STATUS, status=404, path=deployed.send())
        deployed.invoke()
        assert {line["account_id"] for line in deployed.output.logs} == {ACCOUNT}

    def test_names_the_activity_that_failed(self, deployed: Deployed) -> None:
        activity_id = deployed.send()
        deployed.vendor.faults.add(Kind.STATUS, status=404, path=activity_id)
        deployed.invoke()
        errors = [line for line in deployed.output.logs if line["level"] == "ERROR"]
        assert [line["campaign_activity_id"] for line in errors] == [activity_id]

    def test_says_what_the_vendor_calls_the_reply_that_failed(self, deployed: Deployed) -> None:
        deployed.vendor.faults.add(Kind.STATUS, status=404, path=deployed.send())
        deployed.invoke()
        error, *_ = deployed.output.logs
        assert "x-eig-tracking-id emulated" in error["message"]

    def test_counts_what_was_done(self, deployed: Deployed) -> None:
        deployed.send(opens=2)
        deployed.invoke()
        (line,) = deployed.output.logs
        counted = ("published", "dead_lettered", "rejected", "requests", "activities", "gaps")
        assert [line[name] for name in counted] == [2, 0, 0, 1, 1, 0]

    def test_has_the_code_of_what_aws_refused(self, deployed: Deployed) -> None:
        deployed.send(opens=1)
        deployed.aws.dynamodb.delete_table(TableName=deployed.aws.ledger_table)
        deployed.invoke()
        (error,) = [line for line in deployed.output.logs if line["level"] == "ERROR"]
        assert "ResourceNotFoundException" in error["message"]


def quiet(deployed: Deployed) -> None:
    deployed.send()


def three_opens(deployed: Deployed) -> None:
    deployed.send(opens=3)


def no_open(deployed: Deployed) -> None:
    deployed.vendor.world.add_raw_row(deployed.send(), {})


def too_large(deployed: Deployed) -> None:
    address = "a" * MOST_BYTES + "@example.org"
    deployed.vendor.world.add_open(deployed.send(), Contact("contact", address))


def failing(kind: Kind, **details: int) -> Callable[[Deployed], None]:
    def fail(deployed: Deployed) -> None:
        deployed.vendor.faults.add(kind, path=deployed.send(), **details)

    return fail


COUNTS = {
    "OpensPublished": three_opens,
    "RowsRejected": no_open,
    "OpensDeadLettered": too_large,
    "Requests": quiet,
    "PollsFailed": failing(Kind.STATUS, status=404),
    "Throttled": failing(Kind.THROTTLED),
    "QuotaExceeded": failing(Kind.QUOTA_EXCEEDED),
}
OTHER_COUNTS = ("AccountDisconnected", "GapsOpen", "OpensMissing")


class TestTheMetrics:
    @pytest.mark.parametrize("name", COUNTS)
    def test_count(self, deployed: Deployed, name: str) -> None:
        COUNTS[name](deployed)
        deployed.invoke()
        expected = 3 if name == "OpensPublished" else 1
        assert deployed.output.measured(name) == [expected]

    def test_are_zero_when_nothing_happens(self, deployed: Deployed) -> None:
        deployed.invoke()
        names = [*COUNTS, *OTHER_COUNTS]
        assert [deployed.output.measured(name) for name in names] == [[0]] * len(names)

    def test_count_a_turn_that_was_completed(self, deployed: Deployed) -> None:
        deployed.invoke()
        assert deployed.output.measured("TurnsCompleted") == [1]

    def test_have_the_delay_of_each_open_that_came_since_it_is_tracked(
        self, deployed: Deployed
    ) -> None:
        deployed.send(opens=2)
        deployed.clock.sleep(42)
        deployed.invoke()
        assert deployed.output.measured("PublishDelay") == [42, 42]

    def test_lose_no_delay_of_more_than_a_record_holds(self, deployed: Deployed) -> None:
        deployed.send(opens=201)
        deployed.invoke()
        assert len(deployed.output.measured("PublishDelay")) == 201

    def test_count_opens_once_in_however_many_records(self, deployed: Deployed) -> None:
        deployed.send(opens=101)
        deployed.invoke()
        assert deployed.output.measured("OpensPublished") == [101]

    def test_have_the_account_and_the_service_as_dimensions(self, deployed: Deployed) -> None:
        deployed.send(opens=101)
        deployed.invoke()
        found = [record["_aws"]["CloudWatchMetrics"][0] for record in deployed.output.metrics]
        dimensions = [frozenset(names) for one in found for names in one["Dimensions"]]
        assert dimensions == [{"account_id", "service"}] * 2

    def test_say_of_which_account_and_service_they_are(self, deployed: Deployed) -> None:
        deployed.invoke()
        (record,) = deployed.output.metrics
        assert (record["service"], record["account_id"]) == ("poll_opens", ACCOUNT)

    def test_lie_in_the_products_namespace(self, deployed: Deployed) -> None:
        deployed.invoke()
        (record,) = deployed.output.metrics
        assert record["_aws"]["CloudWatchMetrics"][0]["Namespace"] == "EmailOpens"

    def test_have_a_unit_each(self, deployed: Deployed) -> None:
        deployed.send(opens=1)
        deployed.invoke()
        (record,) = deployed.output.metrics
        units = {m["Name"]: m["Unit"] for m in record["_aws"]["CloudWatchMetrics"][0]["Metrics"]}
        budgeted = ("Probes", "RequestsLeft", "BudgetShortfall", "TurnsCompleted")
        counts = dict.fromkeys([*COUNTS, *OTHER_COUNTS, *budgeted], "Count")
        assert units == counts | {"PublishDelay": "Seconds", "Price": "None"}

"""What an invocation returns, logs and measures."""

from collections.abc import Callable

import pytest

from constant_contact_emulator import Contact, Kind
from email_opens.adapters.aws.messages import MOST_BYTES
from tests.integration.deployment import ACCOUNT, Deployment


def test_the_reply_has_its_documented_fields(deployment: Deployment) -> None:
    deployment.send(opens=2)
    reply = deployment.invoke()
    fields = ("account_id", "published", "requests", "activities", "failed", "gaps")
    assert [reply[name] for name in fields] == [ACCOUNT, 2, 1, 1, [], 0]


class TestTheLog:
    def test_names_the_account_in_every_line(self, deployment: Deployment) -> None:
        deployment.vendor.faults.add(Kind.STATUS, status=404, path=deployment.send())
        deployment.invoke()
        assert {line["account_id"] for line in deployment.output.logs} == {ACCOUNT}

    def test_names_the_activity_that_failed(self, deployment: Deployment) -> None:
        activity_id = deployment.send()
        deployment.vendor.faults.add(Kind.STATUS, status=404, path=activity_id)
        deployment.invoke()
        errors = [line for line in deployment.output.logs if line["level"] == "ERROR"]
        assert [line["campaign_activity_id"] for line in errors] == [activity_id]

    def test_contains_the_vendors_id_of_the_reply_that_failed(self, deployment: Deployment) -> None:
        deployment.vendor.faults.add(Kind.STATUS, status=404, path=deployment.send())
        deployment.invoke()
        error, *_ = deployment.output.logs
        assert "x-eig-tracking-id emulated" in error["message"]

    def test_counts_the_work_of_the_turn(self, deployment: Deployment) -> None:
        deployment.send(opens=2)
        deployment.invoke()
        (line,) = deployment.output.logs
        fields = ("published", "dead_lettered", "rejected", "requests", "activities", "gaps")
        assert [line[name] for name in fields] == [2, 0, 0, 1, 1, 0]

    def test_contains_the_error_code_of_a_refused_aws_call(self, deployment: Deployment) -> None:
        deployment.send(opens=1)
        deployment.aws.dynamodb.delete_table(TableName=deployment.aws.ledger_table)
        deployment.invoke()
        (error,) = [line for line in deployment.output.logs if line["level"] == "ERROR"]
        assert "ResourceNotFoundException" in error["message"]


def no_open(deployment: Deployment) -> None:
    deployment.send()


def three_opens(deployment: Deployment) -> None:
    deployment.send(opens=3)


def a_malformed_row(deployment: Deployment) -> None:
    deployment.vendor.world.add_raw_row(deployment.send(), {})


def an_open_that_is_too_large(deployment: Deployment) -> None:
    address = "a" * MOST_BYTES + "@example.org"
    deployment.vendor.world.add_open(deployment.send(), Contact("contact", address))


def failing(kind: Kind, **details: int) -> Callable[[Deployment], None]:
    def fail(deployment: Deployment) -> None:
        deployment.vendor.faults.add(kind, path=deployment.send(), **details)

    return fail


COUNTS = {
    "OpensPublished": three_opens,
    "RowsRejected": a_malformed_row,
    "OpensDeadLettered": an_open_that_is_too_large,
    "Requests": no_open,
    "PollsFailed": failing(Kind.STATUS, status=404),
    "Throttled": failing(Kind.THROTTLED),
    "QuotaExceeded": failing(Kind.QUOTA_EXCEEDED),
}
OTHER_COUNTS = ("AccountDisconnected", "GapsOpen", "OpensMissing")


class TestTheMetrics:
    @pytest.mark.parametrize("name", COUNTS)
    def test_count_each_event(self, deployment: Deployment, name: str) -> None:
        COUNTS[name](deployment)
        deployment.invoke()
        expected = 3 if name == "OpensPublished" else 1
        assert deployment.output.measured(name) == [expected]

    def test_are_zero_when_nothing_happens(self, deployment: Deployment) -> None:
        deployment.invoke()
        names = [*COUNTS, *OTHER_COUNTS]
        assert [deployment.output.measured(name) for name in names] == [[0]] * len(names)

    def test_count_a_completed_turn(self, deployment: Deployment) -> None:
        deployment.invoke()
        assert deployment.output.measured("TurnsCompleted") == [1]

    def test_contain_the_delay_of_each_open_since_tracking_began(
        self, deployment: Deployment
    ) -> None:
        deployment.send(opens=2)
        deployment.clock.sleep(42)
        deployment.invoke()
        assert deployment.output.measured("PublishDelay") == [42, 42]

    def test_contain_more_delays_than_fit_in_a_record(self, deployment: Deployment) -> None:
        deployment.send(opens=201)
        deployment.invoke()
        assert len(deployment.output.measured("PublishDelay")) == 201

    def test_count_opens_once_when_there_are_several_records(self, deployment: Deployment) -> None:
        deployment.send(opens=101)
        deployment.invoke()
        assert deployment.output.measured("OpensPublished") == [101]

    def test_have_the_account_and_the_service_as_dimensions(self, deployment: Deployment) -> None:
        deployment.send(opens=101)
        deployment.invoke()
        found = [record["_aws"]["CloudWatchMetrics"][0] for record in deployment.output.metrics]
        dimensions = [frozenset(names) for directive in found for names in directive["Dimensions"]]
        assert dimensions == [{"account_id", "service"}] * 2

    def test_name_their_account_and_service(self, deployment: Deployment) -> None:
        deployment.invoke()
        (record,) = deployment.output.metrics
        assert (record["service"], record["account_id"]) == ("poll_opens", ACCOUNT)

    def test_are_in_the_products_namespace(self, deployment: Deployment) -> None:
        deployment.invoke()
        (record,) = deployment.output.metrics
        assert record["_aws"]["CloudWatchMetrics"][0]["Namespace"] == "EmailOpens"

    def test_each_have_a_unit(self, deployment: Deployment) -> None:
        deployment.send(opens=1)
        deployment.invoke()
        (record,) = deployment.output.metrics
        units = {m["Name"]: m["Unit"] for m in record["_aws"]["CloudWatchMetrics"][0]["Metrics"]}
        budgeted = ("Probes", "RequestsLeft", "BudgetShortfall", "TurnsCompleted")
        counts = dict.fromkeys([*COUNTS, *OTHER_COUNTS, *budgeted], "Count")
        assert units == counts | {"PublishDelay": "Seconds", "Price": "None"}

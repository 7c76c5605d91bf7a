"""What an invocation returns, logs and measures."""

from collections.abc import Callable
from typing import Any

import pytest

from constant_contact_emulator import Contact, Kind
from email_opens.adapters.aws.publishing.messages import MOST_BYTES
from tests.integration.deployment import ACCOUNT, STACK, Deployment

DAY_SECONDS = 86_400


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
    "published": three_opens,
    "rejected": a_malformed_row,
    "dead_lettered": an_open_that_is_too_large,
    "requests": no_open,
    "failed": failing(Kind.STATUS, status=404),
    "throttled": failing(Kind.THROTTLED),
}
OTHER_COUNTS = ("gaps", "missing", "shortfall")


def turn_line(deployment: Deployment) -> dict[str, Any]:
    """Return the one line on the turns so far."""
    (line,) = [line for line in deployment.output.logs if line["message"] == "Turn completed."]
    return line


class TestTheLineOnATurn:
    @pytest.mark.parametrize("name", COUNTS)
    def test_counts_each_event(self, deployment: Deployment, name: str) -> None:
        COUNTS[name](deployment)
        deployment.invoke()
        assert turn_line(deployment)[name] == (3 if name == "published" else 1)

    def test_has_zeros_when_nothing_happens(self, deployment: Deployment) -> None:
        deployment.invoke()
        names = [*COUNTS, *OTHER_COUNTS]
        assert [turn_line(deployment)[name] for name in names] == [0] * len(names)

    def test_is_the_only_one_on_a_turn_that_is_stopped(self, deployment: Deployment) -> None:
        failing(Kind.QUOTA_EXCEEDED)(deployment)
        deployment.invoke()
        (line,) = deployment.output.logs
        assert (line["message"], line["level"]) == ("Turn completed.", "WARNING")
        assert (line["completed"], line["stopped_by"]) == (0, "quota_exceeded")
        assert "quota of the API key is spent" in line["stopped"]

    def test_has_the_longest_delay(self, deployment: Deployment) -> None:
        deployment.send(opens=2)
        deployment.clock.sleep(42)
        deployment.invoke()
        assert turn_line(deployment)["longest_delay_seconds"] == 42

    def test_names_the_account_and_the_function(self, deployment: Deployment) -> None:
        deployment.invoke()
        line = turn_line(deployment)
        assert (line["service"], line["account_id"]) == ("poll_opens", ACCOUNT)


class TestTheMetrics:
    def test_count_a_completed_turn(self, deployment: Deployment) -> None:
        deployment.invoke()
        assert deployment.output.measured("TurnsCompleted") == [1]
        assert deployment.output.measured("AccountStopped") == [0]

    @pytest.mark.parametrize("turns", [1, 3])
    def test_show_a_stopped_account_in_each_turn(self, deployment: Deployment, turns: int) -> None:
        failing(Kind.QUOTA_EXCEEDED)(deployment)
        for _ in range(turns):
            deployment.invoke()
        assert deployment.output.measured("AccountStopped") == [1] * turns
        assert deployment.output.measured("TurnsCompleted") == [0] * turns

    def test_count_the_activities_that_failed_and_the_requests_that_are_left(
        self, deployment: Deployment, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("MONITORING", "full")
        failing(Kind.STATUS, status=404)(deployment)
        deployment.invoke()
        assert deployment.output.measured("ActivitiesFailed") == [1]
        assert deployment.output.measured("RequestsLeft") == [
            turn_line(deployment)["requests_left"]
        ]

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

    def test_count_a_turn_once_when_there_are_several_records(self, deployment: Deployment) -> None:
        deployment.send(opens=101)
        deployment.invoke()
        assert deployment.output.measured("TurnsCompleted") == [1]

    def test_have_the_stack_and_the_account_as_dimensions(self, deployment: Deployment) -> None:
        deployment.send(opens=101)
        deployment.invoke()
        found = [record["_aws"]["CloudWatchMetrics"][0] for record in deployment.output.metrics]
        dimensions = [frozenset(names) for directive in found for names in directive["Dimensions"]]
        assert dimensions == [{"stack", "account_id"}] * 2

    def test_name_their_stack_and_account(self, deployment: Deployment) -> None:
        deployment.invoke()
        (record,) = deployment.output.metrics
        assert (record["stack"], record["account_id"]) == (STACK, ACCOUNT)

    def test_are_in_the_products_namespace(self, deployment: Deployment) -> None:
        deployment.invoke()
        (record,) = deployment.output.metrics
        assert record["_aws"]["CloudWatchMetrics"][0]["Namespace"] == "EmailOpens"

    def test_each_have_a_unit(
        self, deployment: Deployment, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("MONITORING", "full")
        deployment.send(opens=1)
        deployment.invoke()
        (record,) = deployment.output.metrics
        units = {m["Name"]: m["Unit"] for m in record["_aws"]["CloudWatchMetrics"][0]["Metrics"]}
        names = ("TurnsCompleted", "AccountStopped", "RequestsLeft", "ActivitiesFailed")
        assert units == dict.fromkeys(names, "Count") | {"PublishDelay": "Seconds"}


class TestAnIdleToken:
    @pytest.fixture(autouse=True)
    def _expired(self, deployment: Deployment) -> None:
        deployment.connect({**deployment.credentials(), "expires_at": "2026-02-20T09:00:00Z"})

    def days(self, deployment: Deployment) -> list[int | None]:
        return [line.get("token_idle_days") for line in deployment.output.logs]

    def test_is_logged_in_days(self, deployment: Deployment) -> None:
        deployment.invoke()
        assert self.days(deployment) == [10]

    def test_is_read_once_a_day(self, deployment: Deployment) -> None:
        deployment.invoke()
        deployment.aws.ssm.delete_parameter(Name=deployment.aws.credentials_prefix + ACCOUNT)
        deployment.invoke()
        assert self.days(deployment) == [10, 10]

    def test_is_read_again_the_next_day(self, deployment: Deployment) -> None:
        deployment.invoke()
        deployment.clock.sleep(DAY_SECONDS)
        deployment.invoke()
        assert self.days(deployment) == [10, 11]

    def test_is_not_logged_while_requests_use_it(self, deployment: Deployment) -> None:
        deployment.send()
        deployment.invoke()
        assert self.days(deployment) == [None]

    def test_is_not_logged_without_credentials(self, deployment: Deployment) -> None:
        deployment.aws.ssm.delete_parameter(Name=deployment.aws.credentials_prefix + ACCOUNT)
        deployment.invoke()
        assert self.days(deployment) == [None]

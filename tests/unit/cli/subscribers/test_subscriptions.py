"""`email-opens subscriptions`: who is subscribed, and what was delivered."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from tests.contract.replies import Answers, error
from tests.unit.cli.every_client import every_client
from tests.unit.cli.subscribers.subscribers import (
    client,
    make_function,
    publish,
    queue_arn,
    subscribe,
    url_of,
)
from tests.unit.cli.subscribers.test_endpoints import URL, pending
from tests.unit.cli.terminal.pseudo_terminal import run_in_terminal
from tests.unit.cli.world import World, complaint, run


def shown() -> dict[str, dict[str, Any]]:
    """Return the subscriptions by endpoint."""
    result = run("subscriptions", "--json")
    assert result.exit_code == 0, result.output
    return {each["endpoint"]: each for each in json.loads(result.stdout)["subscriptions"]}


def counted(namespace: str, metric: str, dimension: str, name: str, value: float) -> None:
    """Let CloudWatch have counted something an hour ago."""
    client("cloudwatch").put_metric_data(
        Namespace=namespace,
        MetricData=[
            {
                "MetricName": metric,
                "Dimensions": [{"Name": dimension, "Value": name}],
                "Timestamp": datetime.now(UTC) - timedelta(minutes=3),
                "Value": value,
            }
        ],
    )


class TestAQueue:
    def test_is_shown_with_its_filter_in_words(self, world: World) -> None:
        del world
        subscribe("--queue", "team", "--only", "fresh", "--only", "first-opens")
        found = shown()[queue_arn("team")]
        assert found["receives"] == "published within 15m, first opens"
        assert found["filter_policy"] == {
            "delay_seconds": [{"numeric": ["<", 900]}],
            "first_open": ["true"],
        }
        assert found["confirmed"] is True

    def test_is_shown_with_what_waits_and_what_has_failed(self, world: World) -> None:
        subscribe("--queue", "team")
        publish(world.aws, "one", {})
        publish(world.aws, "two", {})
        for name, number in (("team-failed", 3), ("team-undelivered", 1)):
            for _ in range(number):
                world.aws.sqs.send_message(QueueUrl=url_of(world.aws, name), MessageBody="{}")
        found = shown()[queue_arn("team")]
        assert (found["waiting"], found["failed"], found["undelivered"]) == (2, 3, 1)

    def test_counts_messages_that_a_consumer_holds(self, world: World) -> None:
        subscribe("--queue", "team")
        publish(world.aws, "one", {})
        world.aws.sqs.receive_message(QueueUrl=url_of(world.aws, "team"))
        assert shown()[queue_arn("team")]["waiting"] == 1

    def test_is_shown_with_what_cloudwatch_has_counted(self, world: World) -> None:
        subscribe("--queue", "team")
        publish(world.aws, "one", {})
        counted("AWS/SQS", "NumberOfMessagesSent", "QueueName", "team", 12)
        counted("AWS/SQS", "ApproximateAgeOfOldestMessage", "QueueName", "team", 7_300)
        found = shown()[queue_arn("team")]
        assert (found["received_last_24_hours"], found["oldest_seconds"]) == (12, 7_300)
        assert " 2h " in run("subscriptions").stdout

    def test_that_is_empty_has_no_oldest_message(self, world: World) -> None:
        del world
        subscribe("--queue", "team")
        counted("AWS/SQS", "ApproximateAgeOfOldestMessage", "QueueName", "team", 7_300)
        assert shown()[queue_arn("team")]["oldest_seconds"] is None

    def test_that_does_not_exist_is_shown_without_figures(self, world: World) -> None:
        subscribe("--queue", "team")
        world.aws.sqs.delete_queue(QueueUrl=url_of(world.aws, "team"))
        assert shown()[queue_arn("team")]["waiting"] is None

    def test_without_dead_letter_queues_has_no_figures_for_them(self, world: World) -> None:
        del world
        found = shown()[queue_arn("subscriber")]
        assert (found["failed"], found["undelivered"]) == (None, None)

    def test_in_another_region_is_read_there(self, world: World) -> None:
        there = queue_arn("team").replace("eu-west-1", "us-east-1")
        subscribe("--queue", there)
        publish(world.aws, "one", {})
        assert shown()[there]["waiting"] is not None


class TestOthers:
    def test_a_function_is_shown_with_its_invocations(self, world: World) -> None:
        del world
        arn = make_function()
        subscribe("--lambda", arn)
        counted("AWS/Lambda", "Invocations", "FunctionName", "alert", 4)
        found = shown()[arn]
        assert (found["protocol"], found["received_last_24_hours"]) == ("lambda", 4)

    def test_addresses_and_urls_are_shortened(self, world: World) -> None:
        del world
        subscribe("--email", "bo@example.com")
        subscribe("--https", URL)
        for arguments in (["subscriptions"], ["subscriptions", "--json"]):
            output = run(*arguments).output
            assert "bo@example.com" not in output
            assert "secret" not in output
        assert {"b…@example.com", "https://hooks.example.com/…"} <= set(shown())

    def test_one_that_is_not_confirmed_is_pending(
        self, world: World, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        del world
        Answers(
            every_client(monkeypatch, "sns"),
            "ListSubscriptionsByTopic",
            then=pending("bo@example.com"),
        )
        (found,) = shown().values()
        assert (found["confirmed"], found["receives"]) == (False, None)
        assert "pending" in run("subscriptions").stdout


class TestTheTopic:
    def test_is_shown_with_what_cloudwatch_counts_of_it(self, world: World) -> None:
        del world
        for metric, value in (
            ("NumberOfMessagesPublished", 1_200),
            ("NumberOfNotificationsDelivered", 2_300),
            ("NumberOfNotificationsFailed", 4),
            ("NumberOfNotificationsFilteredOut", 100),
            ("NumberOfNotificationsRedrivenToDlq", 3),
        ):
            counted("AWS/SNS", metric, "TopicName", "opens", value)
        assert run("subscriptions").stdout.splitlines()[-1] == (
            "The topic in the last 24 hours: 1,200 published, 2,300 delivered, 4 failed, "
            "100 filtered out, 3 moved to dead-letter queues."
        )
        report = json.loads(run("subscriptions", "--json").stdout)
        assert report["topic"]["last_24_hours"] == {
            "published": 1_200,
            "delivered": 2_300,
            "failed": 4,
            "filtered_out": 100,
            "dead_lettered": 3,
        }

    def test_to_which_nothing_is_subscribed_suggests_the_command(self, world: World) -> None:
        sns = world.aws.sns
        for found in sns.list_subscriptions()["Subscriptions"]:
            sns.unsubscribe(SubscriptionArn=found["SubscriptionArn"])
        assert "email-opens subscribe --queue NAME" in run("subscriptions").stdout


class TestDenied:
    @pytest.mark.parametrize(
        ("service", "operation", "action"),
        [
            ("cloudwatch", "GetMetricData", "cloudwatch:GetMetricData"),
            ("sqs", "GetQueueUrl", "sqs:GetQueueUrl"),
            ("sqs", "GetQueueAttributes", "sqs:GetQueueAttributes"),
            ("sns", "GetSubscriptionAttributes", "sns:GetSubscriptionAttributes"),
        ],
    )
    def test_a_request_leaves_out_its_figures_and_is_named(
        self,
        world: World,
        monkeypatch: pytest.MonkeyPatch,
        service: str,
        operation: str,
        action: str,
    ) -> None:
        del world
        subscribe("--queue", "team")
        Answers(every_client(monkeypatch, service), operation, then=error("AccessDenied"))
        result = run("subscriptions")
        assert result.exit_code == 0
        assert "team" in result.stdout
        assert f"because AWS denies this user: {action}." in result.stderr
        assert json.loads(run("subscriptions", "--json").stdout)["denied"] == [action]

    @pytest.mark.usefixtures("world")
    def test_the_list_itself_ends_the_command(self, monkeypatch: pytest.MonkeyPatch) -> None:
        denied = error("AuthorizationError")
        Answers(every_client(monkeypatch, "sns"), "ListSubscriptionsByTopic", then=denied)
        said = complaint(run("subscriptions"), 1)
        assert "Ask for a policy that allows sns:ListSubscriptionsByTopic." in said


@pytest.mark.usefixtures("world")
@pytest.mark.parametrize("columns", [40, 80, 120])
def test_the_table_fits_the_terminal(columns: int) -> None:
    subscribe("--queue", "team", "--only", "campaign=Spring*", "--only", "first-opens")
    output = run_in_terminal("subscriptions", columns=columns)
    assert output.exit_code == 0
    assert "team" in output.text
    assert output.widest() <= columns

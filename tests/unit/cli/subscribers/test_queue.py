"""`email-opens subscribe --queue`: what it creates, and what it leaves as it is."""

import json
from typing import Any

import pytest

from email_opens_cli.deployed.subscribing.documents import MADE_FOR, statement_id
from tests.conftest import REGION
from tests.contract.replies import Answers, error
from tests.unit.cli.every_client import every_client
from tests.unit.cli.subscribers.subscribers import (
    SUBSCRIBED,
    attributes,
    client,
    endpoints,
    publish,
    queue_arn,
    queues,
    received,
    steps,
    subscribe,
    subscription,
    url_of,
)
from tests.unit.cli.terminal.pseudo_terminal import run_in_terminal
from tests.unit.cli.world import World, complaint, run

FRESH = {"delay_seconds": [{"numeric": ["<", 900]}]}


class TestANewQueue:
    def test_receives_what_matches_the_filter_without_an_envelope(self, world: World) -> None:
        subscribe("--queue", "team", "--only", "fresh", "--only", "campaign=Spring*")
        matching: dict[str, str | int] = {"delay_seconds": 10, "campaign_name": "Spring sale"}
        publish(world.aws, "matches", matching)
        publish(world.aws, "old", matching | {"delay_seconds": 10_000})
        publish(world.aws, "other campaign", matching | {"campaign_name": "News"})
        publish(world.aws, "no campaign", {"delay_seconds": 10})
        assert received(world.aws, "team") == ["matches"]

    def test_receives_everything_without_a_filter(self, world: World) -> None:
        subscribe("--queue", "team")
        publish(world.aws, "old", {"delay_seconds": 10_000})
        assert received(world.aws, "team") == ["old"]

    def test_is_encrypted_and_keeps_messages_for_14_days(self, world: World) -> None:
        subscribe("--queue", "team")
        for name in SUBSCRIBED:
            found = attributes(world.aws, name)
            assert found["SqsManagedSseEnabled"] == "true"
            assert found["MessageRetentionPeriod"] == "1209600"

    def test_has_dead_letter_queues_for_its_consumer_and_for_sns(self, world: World) -> None:
        subscribe("--queue", "team")
        assert queues(world.aws) == SUBSCRIBED
        assert attributes(world.aws, "team")["RedrivePolicy"] == {
            "deadLetterTargetArn": queue_arn("team-failed"),
            "maxReceiveCount": 5,
        }
        assert subscription(world.aws, queue_arn("team"))["RedrivePolicy"] == {
            "deadLetterTargetArn": queue_arn("team-undelivered")
        }

    @pytest.mark.parametrize("name", ["team", "team-undelivered"])
    def test_lets_only_the_topic_send(self, world: World, name: str) -> None:
        subscribe("--queue", "team")
        (statement,) = attributes(world.aws, name)["Policy"]["Statement"]
        assert statement == {
            "Sid": statement_id(world.aws.topic_arn),
            "Effect": "Allow",
            "Principal": {"Service": "sns.amazonaws.com"},
            "Action": "sqs:SendMessage",
            "Resource": queue_arn(name),
            "Condition": {"ArnEquals": {"aws:SourceArn": world.aws.topic_arn}},
        }

    def test_is_tagged_with_the_topic(self, world: World) -> None:
        subscribe("--queue", "team")
        for name in SUBSCRIBED:
            tags = world.aws.sqs.list_queue_tags(QueueUrl=url_of(world.aws, name))["Tags"]
            assert tags == {MADE_FOR: world.aws.topic_arn}

    def test_is_named_with_its_url_and_its_arn_each_time(self, world: World) -> None:
        for _ in range(2):
            result = subscribe("--queue", "team")
            assert f"URL: {url_of(world.aws, 'team')}\n" in result.stdout
            assert f"ARN: {queue_arn('team')}\n" in result.stdout

    @pytest.mark.usefixtures("world")
    def test_passes_the_checks_of_doctor(self) -> None:
        subscribe("--queue", "team")
        assert "team" not in run("doctor").stdout

    def test_in_another_region_is_created_there(self, world: World) -> None:
        there = queue_arn("team").replace(REGION, "us-east-1")
        subscribe("--queue", there)
        assert queues(world.aws, "us-east-1") == {"team", "team-failed"}
        assert queues(world.aws) == {"team-us-east-1-undelivered"}  # beside the topic
        assert endpoints(world.aws) == [there]


class TestTheSecondRun:
    def test_changes_nothing_and_needs_no_confirmation(self, world: World) -> None:
        subscribe("--queue", "team", "--only", "fresh")
        before = subscription(world.aws, queue_arn("team"))
        result = run("subscribe", "--queue", "team", "--only", "fresh")
        assert result.exit_code == 0
        assert steps(result) == []
        assert "The queue team is subscribed." in result.stdout
        assert "Nothing needs to be done." in result.stdout
        assert subscription(world.aws, queue_arn("team")) == before

    @pytest.mark.parametrize(
        ("arguments", "policy", "said"),
        [
            (["--only", "device=mobile"], {"device_type": ["mobile"]}, "with the filter"),
            ([], {}, "with no filter"),
        ],
        ids=["another", "none"],
    )
    def test_with_another_filter_replaces_it_and_says_so(
        self, world: World, arguments: list[str], policy: dict[str, Any], said: str
    ) -> None:
        subscribe("--queue", "team", "--only", "fresh")
        result = subscribe("--queue", "team", *arguments)
        (step,) = steps(result)
        assert step.startswith(f"replace the filter {json.dumps(FRESH)}")
        assert said in step
        assert "within 15 minutes" in result.stdout
        assert subscription(world.aws, queue_arn("team"))["FilterPolicy"] == policy

    @pytest.mark.parametrize(
        ("service", "operation", "left"),
        [
            ("sqs", "CreateQueue", 4),
            ("sns", "Subscribe", 1),
        ],
    )
    def test_completes_what_a_denied_request_has_left(
        self,
        world: World,
        monkeypatch: pytest.MonkeyPatch,
        service: str,
        operation: str,
        left: int,
    ) -> None:
        with monkeypatch.context() as patch:
            Answers(every_client(patch, service), operation, error("AccessDenied"))
            refused = run("subscribe", "--queue", "team", "--yes")
        assert f"Done so far: {4 - left} of 4 steps." in complaint(refused, 1)
        assert len(steps(subscribe("--queue", "team"))) == left
        assert queues(world.aws) == SUBSCRIBED
        assert steps(run("subscribe", "--queue", "team")) == []

    def test_completes_the_queue_that_has_lost_its_policy_and_dead_letters(
        self, world: World
    ) -> None:
        subscribe("--queue", "team")
        world.aws.sqs.set_queue_attributes(
            QueueUrl=url_of(world.aws, "team"), Attributes={"Policy": "", "RedrivePolicy": ""}
        )
        subscribe("--queue", "team")
        found = attributes(world.aws, "team")
        assert found["RedrivePolicy"]["maxReceiveCount"] == 5
        assert len(found["Policy"]["Statement"]) == 1


class TestAQueueThatExists:
    @pytest.fixture
    def statement(self) -> dict[str, Any]:
        return {
            "Sid": "Team",
            "Effect": "Deny",
            "Principal": "*",
            "Action": "sqs:*",
            "Resource": queue_arn("team"),
            "Condition": {"Bool": {"aws:SecureTransport": "false"}},
        }

    def create(self, world: World, **values: str) -> None:
        world.aws.sqs.create_queue(QueueName="team", Attributes=values)  # type: ignore[arg-type]

    def test_keeps_the_statements_of_its_policy(
        self, world: World, statement: dict[str, Any]
    ) -> None:
        policy = {"Version": "2012-10-17", "Id": "of-team", "Statement": [statement]}
        self.create(world, Policy=json.dumps(policy))
        result = subscribe("--queue", "team")
        assert "to the policy of team, beside its 1 statement" in result.stdout
        found = attributes(world.aws, "team")["Policy"]
        assert found["Id"] == "of-team"
        assert found["Statement"][0] == statement
        assert [each["Sid"] for each in found["Statement"]] == [
            "Team",
            statement_id(world.aws.topic_arn),
        ]

    def test_keeps_its_settings_and_messages(self, world: World) -> None:
        self.create(world, MessageRetentionPeriod="600")
        world.aws.sqs.send_message(QueueUrl=url_of(world.aws, "team"), MessageBody="before")
        result = subscribe("--queue", "team")
        assert "The queue team exists, and keeps its settings and messages." in result.stdout
        assert "has no dead-letter queue" in result.stderr
        assert attributes(world.aws, "team")["MessageRetentionPeriod"] == "600"
        assert queues(world.aws) == {"team", "team-undelivered"}
        publish(world.aws, "after", {})
        assert received(world.aws, "team") == ["after", "before"]

    def test_that_the_topic_may_send_to_keeps_its_policy(self, world: World) -> None:
        policy = {
            "Version": "2012-10-17",
            "Statement": [
                {
                    "Effect": "Allow",
                    "Principal": {"Service": "sns.amazonaws.com"},
                    "Action": "sqs:SendMessage",
                    "Resource": queue_arn("team"),
                }
            ],
        }
        self.create(world, Policy=json.dumps(policy))
        subscribe("--queue", "team")
        assert attributes(world.aws, "team")["Policy"] == policy

    def test_that_uses_the_key_of_aws_is_refused_with_the_commands_that_change_it(
        self, world: World
    ) -> None:
        self.create(world, KmsMasterKeyId="alias/aws/sqs")
        said = complaint(run("subscribe", "--queue", "team", "--yes"), 2)
        assert "which SNS cannot use" in said
        assert "aws sqs set-queue-attributes --region eu-west-1 --queue-url http" in said
        assert endpoints(world.aws) == []

    def test_that_uses_an_own_key_is_subscribed_with_a_warning(self, world: World) -> None:
        self.create(world, KmsMasterKeyId="alias/team")
        assert "whose policy must let SNS use it" in subscribe("--queue", "team").stderr

    def test_that_is_subscribed_without_raw_delivery_stays_so(self, world: World) -> None:
        self.create(world)
        world.aws.sns.subscribe(
            TopicArn=world.aws.topic_arn, Protocol="sqs", Endpoint=queue_arn("team")
        )
        result = subscribe("--queue", "team")
        assert "aws sns set-subscription-attributes" in result.stderr
        found = subscription(world.aws, queue_arn("team"))
        assert found["RawMessageDelivery"].lower() == "false"
        assert "deadLetterTargetArn" in found["RedrivePolicy"]

    def test_whose_subscription_has_a_dead_letter_queue_keeps_it(self, world: World) -> None:
        self.create(world)
        policy = {"deadLetterTargetArn": queue_arn("dead-letters")}
        world.aws.sns.subscribe(
            TopicArn=world.aws.topic_arn,
            Protocol="sqs",
            Endpoint=queue_arn("team"),
            Attributes={"RedrivePolicy": json.dumps(policy), "RawMessageDelivery": "true"},
        )
        result = subscribe("--queue", "team")
        assert "already goes elsewhere" in result.stdout
        assert queues(world.aws) == {"team"}
        assert subscription(world.aws, queue_arn("team"))["RedrivePolicy"] == policy

    def test_whose_subscription_filters_by_the_body_filters_by_attributes_afterwards(
        self, world: World
    ) -> None:
        self.create(world)
        world.aws.sns.subscribe(
            TopicArn=world.aws.topic_arn,
            Protocol="sqs",
            Endpoint=queue_arn("team"),
            Attributes={
                "FilterPolicyScope": "MessageBody",
                "FilterPolicy": '{"data": {"device_type": ["tablet"]}}',
                "RawMessageDelivery": "true",
            },
        )
        subscribe("--queue", "team", "--only", "device=mobile")
        publish(world.aws, "{}", {"device_type": "mobile"})
        assert received(world.aws, "team") == ["{}"]


class TestQuestion:
    def test_shows_what_will_be_done_and_does_nothing_after_a_no(self, world: World) -> None:
        output = run_in_terminal("subscribe", "--queue", "team", typed="n\n", columns=200)
        assert "- create the queue team, encrypted" in output.text
        assert "Go on?" in output.text
        assert output.exit_code == 1
        assert queues(world.aws) == set()

    def test_does_it_after_a_yes(self, world: World) -> None:
        output = run_in_terminal("subscribe", "--queue", "team", typed="y\n", columns=200)
        assert output.exit_code == 0
        assert queues(world.aws) == SUBSCRIBED

    def test_requires_the_yes_option_without_a_terminal(self, world: World) -> None:
        assert "add --yes" in complaint(run("subscribe", "--queue", "team"), 2)
        assert queues(world.aws) == set()


def test_a_long_name_leaves_room_for_the_names_of_its_dead_letter_queues(world: World) -> None:
    subscribe("--queue", "q" * 80)
    assert {len(name) for name in queues(world.aws)} == {80, 75}
    assert client("sqs").list_queues(QueueNamePrefix="q" * 80)["QueueUrls"]

"""The topic's subscriptions: which of them cannot receive."""

import json

import pytest

from tests.unit.cli.deployed.checks.doctor import findings, let_topic_send
from tests.unit.cli.world import World


class TestSubscription:
    def test_that_can_receive_is_counted(self, world: World) -> None:
        let_topic_send(world)
        found = findings(code=0)
        assert found["topic"] == "✓ topic: 1 subscription"
        assert found["subscriptions"].startswith("✓ subscriptions: 1 can receive")

    def test_to_a_queue_without_a_policy_fails(self, world: World) -> None:
        del world
        line = findings(code=1)["subscription"]
        assert line.startswith("✗")
        assert "does not let the topic send to it" in line

    def test_to_a_queue_that_does_not_exist_fails_with_what_deletes_it(self, world: World) -> None:
        world.aws.sqs.delete_queue(QueueUrl=world.aws.subscriber_url)
        line = findings(code=1)["subscription"]
        assert line.startswith("✗")
        assert "subscriber does not exist" in line
        assert "aws sns unsubscribe --subscription-arn arn:aws:sns:" in line

    def test_that_is_missing_is_a_warning_with_how_to_subscribe(self, world: World) -> None:
        sns = world.aws.sns
        for found in sns.list_subscriptions()["Subscriptions"]:
            sns.unsubscribe(SubscriptionArn=found["SubscriptionArn"])
        line = findings(code=0)["topic"]
        assert line.startswith("! topic: nothing is subscribed")
        assert "email-opens subscribe --queue NAME`" in line

    @pytest.mark.parametrize(("messages", "marks"), [(0, {"✓"}), (2, {"✗"})])
    def test_fails_if_its_dead_letter_queue_holds_messages(
        self, world: World, messages: int, marks: set[str]
    ) -> None:
        let_topic_send(world)
        line = undelivered(world, messages)
        assert set(line[:1]) == marks

    def test_fails_if_its_dead_letter_queue_does_not_exist(self, world: World) -> None:
        let_topic_send(world)
        redrive(world, "arn:aws:sqs:eu-west-1:123456789012:nowhere")
        assert "nowhere of" in findings(code=1)["subscription"]

    def test_to_another_region_is_not_checked(self, world: World) -> None:
        redrive(world, "arn:aws:sqs:us-east-1:123456789012:there")
        let_topic_send(world)
        assert "could not be checked (it is in us-east-1)" in findings(code=0)["subscription"]


def redrive(world: World, arn: str) -> None:
    """Set the dead-letter queue of the subscription."""
    (found,) = world.aws.sns.list_subscriptions()["Subscriptions"]
    world.aws.sns.set_subscription_attributes(
        SubscriptionArn=found["SubscriptionArn"],
        AttributeName="RedrivePolicy",
        AttributeValue=json.dumps({"deadLetterTargetArn": arn}),
    )


def undelivered(world: World, messages: int) -> str:
    """Put messages into the dead-letter queue of the subscription; return the finding."""
    url = world.aws.sqs.create_queue(QueueName="undelivered")["QueueUrl"]
    redrive(world, "arn:aws:sqs:eu-west-1:123456789012:undelivered")
    for _ in range(messages):
        world.aws.sqs.send_message(QueueUrl=url, MessageBody="{}")
    found = findings(code=1 if messages else 0)
    return found.get("subscription") or found["subscriptions"]

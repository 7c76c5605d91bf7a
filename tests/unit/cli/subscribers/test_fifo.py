"""`email-opens subscribe` on a FIFO topic, which delivers to queues only."""

import pytest

from tests.unit.cli.subscribers.subscribers import attributes, queue_arn, queues, subscribe
from tests.unit.cli.world import World, complaint, run


class TestAFifoTopic:
    @pytest.fixture
    def topic_arn(self, world: World, monkeypatch: pytest.MonkeyPatch) -> str:
        arn = world.aws.sns.create_topic(Name="opens.fifo", Attributes={"FifoTopic": "true"})
        monkeypatch.setenv("OPENS_TOPIC_ARN", arn["TopicArn"])
        return arn["TopicArn"]

    @pytest.mark.usefixtures("topic_arn")
    def test_delivers_to_a_fifo_queue(self, world: World) -> None:
        subscribe("--queue", "team.fifo")
        assert queues(world.aws) == {"team.fifo", "team-failed.fifo", "team-undelivered.fifo"}
        found = attributes(world.aws, "team.fifo")
        assert found["FifoThroughputLimit"] == "perMessageGroupId"
        assert found["RedrivePolicy"]["deadLetterTargetArn"] == queue_arn("team-failed.fifo")

    @pytest.mark.usefixtures("topic_arn")
    def test_delivers_to_a_standard_queue_with_a_fifo_dead_letter_queue(self, world: World) -> None:
        subscribe("--queue", "team")
        assert queues(world.aws) == {"team", "team-failed", "team-undelivered.fifo"}

    @pytest.mark.usefixtures("topic_arn", "world")
    @pytest.mark.parametrize(
        ("arguments", "remedy"),
        [
            (["--lambda", "alert"], "aws lambda create-event-source-mapping --region eu-west-1"),
            (["--email", "bo@example.com"], "email-opens subscribe --queue NAME"),
            (["--https", "https://example.com/opens"], "email-opens subscribe --queue NAME"),
            (["--firehose", "archive"], "email-opens subscribe --queue NAME"),
        ],
        ids=lambda value: value[0] if isinstance(value, list) else "",
    )
    @pytest.mark.parametrize("how", ["--yes", "--cloudformation"])
    def test_delivers_to_nothing_else(self, arguments: list[str], remedy: str, how: str) -> None:
        said = complaint(run("subscribe", *arguments, how), 2)
        assert "is FIFO and delivers to queues only" in said
        assert remedy in said

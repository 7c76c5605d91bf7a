"""Dead letters of which the topic or the queue takes only some, and letters that are large."""

import json
from collections.abc import Mapping
from typing import Any

import pytest

from email_opens.adapters.aws.publishing.messages import MOST_BYTES
from email_opens.events import message
from email_opens.model import NewOpen
from email_opens_cli.deployed import letters
from email_opens_cli.deployed.letters import Letters
from tests.conftest import Aws, subscribe
from tests.contract.replies import Answer, Answers, Parameters, error, nothing_more
from tests.contract.samples import ACTIVITY, ACTIVITY_ID, new_open, new_opens, varied
from tests.contract.test_publisher import refusing
from tests.unit.cli.every_client import every_client
from tests.unit.cli.world import World, complaint, run

ADDRESS = "ann@example.org"
REFUSED = new_open(1).event_id


@pytest.fixture(autouse=True)
def _nobody_waits(monkeypatch: pytest.MonkeyPatch) -> None:
    """An embedded queue that answers empty is empty."""
    monkeypatch.setattr(letters, "WAIT_SECONDS", 0)


def bury(aws: Aws, *opens: NewOpen, campaign_name: str = "March news") -> None:
    """Put opens into the dead-letter queue as the publisher does."""
    activity = varied(ACTIVITY, campaign_name=campaign_name)
    for new in opens:
        attributes = {"reason": "InvalidParameter: no", "campaign_activity_id": ACTIVITY_ID}
        aws.sqs.send_message(
            QueueUrl=aws.dlq_url,
            MessageBody=message(activity, new),
            MessageAttributes={
                name: {"DataType": "String", "StringValue": text}
                for name, text in attributes.items()
            },
        )


def left(aws: Aws) -> set[str]:
    """Return the event ids of the letters that the queue still has; they stay there."""
    with Letters(aws.sqs, aws.dlq_url) as held:
        return {
            letter.event["id"] for some in held.matching(None) for letter in some if letter.event
        }


@pytest.fixture
def dead(world: World) -> World:
    """Three dead opens."""
    bury(world.aws, *new_opens(3))
    return world


@pytest.fixture
def sns(monkeypatch: pytest.MonkeyPatch) -> Any:
    return every_client(monkeypatch, "sns")


@pytest.fixture
def sqs(monkeypatch: pytest.MonkeyPatch) -> Any:
    return every_client(monkeypatch, "sqs")


def silent_about_the_first(call: Parameters) -> Mapping[str, Any]:
    """Answer as if nothing had become of the first entry."""
    entries = call["PublishBatchRequestEntries"]
    return {"Successful": [{"Id": entry["Id"]} for entry in entries[1:]]}


class TestRedrive:
    def test_keeps_what_the_topic_refuses_and_deletes_the_rest(self, dead: World, sns: Any) -> None:
        Answers(sns, "PublishBatch", then=refusing(REFUSED))
        message = complaint(run("dead-letters", "redrive"), 1)
        assert "The topic refused others, which stay: InvalidParameter" in message
        assert left(dead.aws) == {REFUSED}

    def test_keeps_what_the_topic_does_not_answer_for(self, dead: World, sns: Any) -> None:
        Answers(sns, "PublishBatch", then=silent_about_the_first)
        run("dead-letters", "redrive")
        assert len(left(dead.aws)) == 1

    @pytest.mark.parametrize("code", ["Throttled", "InternalError", "AuthorizationError"])
    def test_keeps_everything_that_a_failing_topic_was_sent(
        self, dead: World, sns: Any, code: str
    ) -> None:
        Answers(sns, "PublishBatch", then=error(code))
        complaint(run("dead-letters", "redrive"), 1)
        assert len(left(dead.aws)) == 3

    def test_deletes_what_was_published_before_the_topic_failed(
        self, dead: World, sns: Any
    ) -> None:
        bury(dead.aws, *(new_open(number) for number in range(3, 15)))
        Answers(sns, "PublishBatch", nothing_more, then=error("InternalError"))
        complaint(run("dead-letters", "redrive"), 1)
        published = {event["id"] for event in dead.received()}
        assert published
        assert left(dead.aws) == {new.event_id for new in new_opens(15)} - published

    def test_says_how_many_the_topic_accepted(self, dead: World, sns: Any) -> None:
        Answers(sns, "PublishBatch", then=refusing(REFUSED))
        assert "Published 2 dead opens" in run("dead-letters", "redrive").stdout
        assert left(dead.aws) == {REFUSED}

    @pytest.mark.usefixtures("dead")
    def test_reports_the_letters_that_the_queue_keeps(self, sqs: Any) -> None:
        Answers(sqs, "DeleteMessageBatch", then=refuse_the_first)
        result = run("dead-letters", "redrive")
        assert "Published 3 dead opens again, and deleted 2 dead letters." in result.stdout
        assert "The queue kept 1 dead letter of those." in complaint(result, 1)


class TestRedriveToAFifoTopic:
    @pytest.fixture
    def queue_url(self, dead: World, monkeypatch: pytest.MonkeyPatch) -> str:
        aws = dead.aws
        topic_arn = aws.sns.create_topic(Name="o.fifo", Attributes={"FifoTopic": "true"})[
            "TopicArn"
        ]
        queue_url = aws.sqs.create_queue(QueueName="o.fifo", Attributes={"FifoQueue": "true"})[
            "QueueUrl"
        ]
        subscribe(aws.sns, aws.sqs, topic_arn, queue_url)
        monkeypatch.setenv("OPENS_TOPIC_ARN", topic_arn)
        return queue_url

    def test_sends_each_open_under_its_own_id_in_the_group_of_its_activity(
        self, dead: World, sns: Any, queue_url: str
    ) -> None:
        """Topics of this kind have no deduplication by content: see the template."""
        calls = Answers(sns, "PublishBatch").calls
        assert run("dead-letters", "redrive").exit_code == 0
        entries = [entry for call in calls for entry in call["PublishBatchRequestEntries"]]
        assert {
            (entry["MessageDeduplicationId"], entry["MessageGroupId"]) for entry in entries
        } == {(new.event_id, ACTIVITY_ID) for new in new_opens(3)}
        assert len(dead.received(queue_url)) == 3
        assert left(dead.aws) == set()


class TestLargeLetters:
    @pytest.mark.parametrize(
        ("count", "characters"), [(2, 130_000), (3, 100_000), (9, 30_000), (10, 20_000)]
    )
    def test_are_published_in_requests_that_sns_accepts(
        self, world: World, sns: Any, count: int, characters: int
    ) -> None:
        calls = Answers(sns, "PublishBatch").calls
        bury(world.aws, *new_opens(count), campaign_name="n" * characters)
        assert f"Published {count} dead opens" in run("dead-letters", "redrive").stdout
        for call in calls:
            entries = call["PublishBatchRequestEntries"]
            assert sum(len(entry["Message"].encode()) for entry in entries) < MOST_BYTES
            assert len(entries) <= 10
        assert len({event["id"] for event in world.received()}) == count
        assert left(world.aws) == set()

    def test_are_measured_in_bytes_and_not_in_characters(self, world: World, sns: Any) -> None:
        calls = Answers(sns, "PublishBatch").calls
        bury(world.aws, *new_opens(3), campaign_name="☃" * 40_000)
        run("dead-letters", "redrive")
        assert [len(call["PublishBatchRequestEntries"]) for call in calls] == [1, 1, 1]


def refuse_the_first(call: Parameters) -> Mapping[str, Any]:
    ids = [entry["Id"] for entry in call["Entries"]]
    return {
        "Successful": [{"Id": entry_id} for entry_id in ids[1:]],
        "Failed": [{"Id": ids[0], "Code": "ReceiptHandleIsInvalid", "SenderFault": True}],
    }


class TestDrop:
    @pytest.mark.parametrize(("answer", "kept"), [(refuse_the_first, 1)])
    @pytest.mark.usefixtures("dead")
    def test_says_what_the_queue_kept(self, sqs: Any, answer: Answer, kept: int) -> None:
        Answers(sqs, "DeleteMessageBatch", then=answer)
        result = run("dead-letters", "drop", "--yes")
        assert f"Deleted {3 - kept} dead letters." in result.stdout
        assert f"The queue kept {kept}" in complaint(result, 1)

    def test_deletes_more_letters_than_fit_into_a_request(self, dead: World) -> None:
        bury(dead.aws, *(new_open(number) for number in range(3, 25)))
        assert "Deleted 25 dead letters." in run("dead-letters", "drop", "--yes").stdout
        assert left(dead.aws) == set()


class TestAddresses:
    """The body of a letter holds addresses; no command shows them."""

    @pytest.fixture(autouse=True)
    def _letters(self, dead: World) -> None:
        body = json.dumps({"campaign_activity_id": ACTIVITY_ID, "row": f'{{"e": "{ADDRESS}"}}'})
        dead.aws.sqs.send_message(QueueUrl=dead.aws.dlq_url, MessageBody=body)
        dead.aws.sqs.send_message(QueueUrl=dead.aws.dlq_url, MessageBody=f"{ADDRESS} [")
        assert ADDRESS in message(ACTIVITY, new_open())

    @pytest.mark.parametrize(
        "command",
        [
            ("list",),
            ("list", "--json"),
            ("list", "--reason", "no"),
            ("redrive",),
            ("drop",),
            ("drop", "--yes"),
        ],
        ids=" ".join,
    )
    def test_are_shown_by_no_command(self, command: tuple[str, ...]) -> None:
        result = run("dead-letters", *command)
        assert "@" not in result.output
        assert "example.org" not in result.output

    def test_are_not_in_the_representation_of_a_letter(self, dead: World) -> None:
        with Letters(dead.aws.sqs, dead.aws.dlq_url) as held:
            found = [letter for some in held.matching(None) for letter in some]
        assert len(found) == 5
        assert "example.org" not in repr(found)

"""Dead letters: looked at, put back, thrown away."""

import json
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest

from email_opens.adapters.aws.publishing.publisher import SnsPublisher
from email_opens.adapters.aws.publishing.receivers import queue, topic
from email_opens.model import RejectedRow
from email_opens_cli.deployed import letters
from email_opens_cli.deployed.letters import Letters
from tests.contract.samples import ACTIVITY, ACTIVITY_ID, NOON, new_open
from tests.fakes import FakeClock
from tests.unit.cli.terminal.pseudo_terminal import run_in_terminal
from tests.unit.cli.world import World, complaint, run

ROW = RejectedRow('{"email_address": "row@example.org"}', "The row has no contact_id.", "row")


@pytest.fixture(autouse=True)
def _nobody_waits() -> Iterator[None]:
    """An embedded queue that answers empty is empty."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(letters, "WAIT_SECONDS", 0)
        yield


@pytest.fixture
def dead(world: World) -> World:
    """Two opens that the topic refused for their size, and a row that is no open."""
    aws, clock = world.aws, FakeClock(NOON + timedelta(minutes=5))
    publisher = SnsPublisher(topic(aws.sns, aws.topic_arn), queue(aws.sqs, aws.dlq_url), clock)
    huge = [new_open(number, email_address=f"{'a' * 300_000}@example.org") for number in (1, 2)]
    assert publisher.publish(ACTIVITY, huge, clock.now()).dead_lettered == 2
    publisher.set_aside(ACTIVITY, [ROW])
    return world


def waiting(world: World) -> int:
    """Count the letters that anybody could take now."""
    found = world.aws.sqs.get_queue_attributes(
        QueueUrl=world.aws.dlq_url, AttributeNames=["ApproximateNumberOfMessages"]
    )
    return int(found["Attributes"]["ApproximateNumberOfMessages"])


def listed(*arguments: str) -> list[dict[str, Any]]:
    result = run("dead-letters", "list", "--json", *arguments)
    assert result.exit_code == 0
    letters: list[dict[str, Any]] = json.loads(result.stdout)["dead_letters"]
    return letters


class TestList:
    @pytest.mark.usefixtures("dead")
    def test_tells_each_letters_reason(self) -> None:
        reasons = [one["reason"] for one in listed()]
        assert sum("at most" in reason for reason in reasons) == 2
        assert reasons.count(ROW.reason) == 1

    @pytest.mark.usefixtures("dead")
    def test_tells_which_open_it_is(self) -> None:
        ids = {one["id"] for one in listed() if one["kind"] == "open"}
        assert ids == {new_open(1).event_id, new_open(2).event_id}

    @pytest.mark.usefixtures("dead")
    def test_tells_whose_it_is(self) -> None:
        assert {one["campaign_activity_id"] for one in listed()} == {ACTIVITY_ID}

    @pytest.mark.usefixtures("dead")
    def test_is_filtered_by_words_of_the_reason(self) -> None:
        assert [one["kind"] for one in listed("--reason", "NO CONTACT")] == ["row"]

    @pytest.mark.usefixtures("dead")
    def test_ends_after_so_many(self) -> None:
        assert len(listed("--most", "1")) == 1

    def test_hides_nothing_afterwards(self, dead: World) -> None:
        listed()
        assert waiting(dead) == 3

    @pytest.mark.usefixtures("dead")
    def test_shows_no_address(self) -> None:
        assert "example.org" not in run("dead-letters", "list").output

    @pytest.mark.usefixtures("world")
    def test_of_an_empty_queue_says_so(self) -> None:
        assert "no such dead letters" in run("dead-letters", "list").stdout

    def test_survives_a_strangers_letter(self, world: World) -> None:
        world.aws.sqs.send_message(QueueUrl=world.aws.dlq_url, MessageBody="[")
        (one,) = listed()
        assert (one["kind"], one["reason"]) == ("row", "no reason given")

    @pytest.mark.usefixtures("dead")
    def test_fits_a_terminal_of_forty_columns(self) -> None:
        assert run_in_terminal("dead-letters", "list", columns=40).widest() <= 40


class TestRedrive:
    def test_publishes_opens_under_their_ids(self, dead: World) -> None:
        assert "Published 2 dead opens" in run("dead-letters", "redrive").stdout
        ids = {event["id"] for event in dead.received()}
        assert ids == {new_open(1).event_id, new_open(2).event_id}

    def test_leaves_rows_that_are_no_opens(self, dead: World) -> None:
        assert "since they hold no open: 1 dead letter." in run("dead-letters", "redrive").stdout
        assert waiting(dead) == 1

    def test_tells_subscribers_how_late_they_are(self, dead: World) -> None:
        run("dead-letters", "redrive")
        got = dead.aws.sqs.receive_message(
            QueueUrl=dead.aws.subscriber_url, MessageAttributeNames=["All"]
        )["Messages"][0]["MessageAttributes"]
        assert got["delay_seconds"]["DataType"] == "Number"
        assert int(got["delay_seconds"]["StringValue"]) > 3600

    def test_keeps_the_reason_to_itself(self, dead: World) -> None:
        run("dead-letters", "redrive")
        got = dead.aws.sqs.receive_message(
            QueueUrl=dead.aws.subscriber_url, MessageAttributeNames=["All"]
        )["Messages"][0]["MessageAttributes"]
        assert "reason" not in got

    def test_keeps_what_the_topic_does_not_take(
        self, dead: World, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("OPENS_TOPIC_ARN", f"{dead.aws.topic_arn}-nowhere")
        complaint(run("dead-letters", "redrive"), 1)
        assert waiting(dead) == 3

    def test_takes_only_what_is_named(self, dead: World) -> None:
        run("dead-letters", "redrive", "--reason", "no such words")
        assert waiting(dead) == 3

    def test_is_done_once(self, dead: World) -> None:
        run("dead-letters", "redrive")
        assert "Published 0" in run("dead-letters", "redrive").stdout
        assert len(dead.received()) == 2


class TestDrop:
    def test_deletes_what_is_named(self, dead: World) -> None:
        output = run("dead-letters", "drop", "--yes", "--reason", "no contact").stdout
        assert "Deleted 1 dead letter." in output
        assert waiting(dead) == 2

    def test_asks_on_a_terminal(self, dead: World) -> None:
        shown = run_in_terminal("dead-letters", "drop", typed="n\n")
        assert "Delete 3 dead letters for good?" in shown.text
        assert waiting(dead) == 3

    def test_deletes_what_was_confirmed(self, dead: World) -> None:
        assert run_in_terminal("dead-letters", "drop", typed="y\n").exit_code == 0
        assert waiting(dead) == 0

    def test_requires_an_option_without_a_terminal(self, dead: World) -> None:
        assert "add --yes" in complaint(run("dead-letters", "drop"), 2)
        assert waiting(dead) == 3


def test_letters_are_given_back_after_a_failure(dead: World) -> None:
    with (  # noqa: PT012
        pytest.raises(ZeroDivisionError),
        Letters(dead.aws.sqs, dead.aws.dlq_url) as held,
    ):
        next(held.matching(None))
        raise ZeroDivisionError
    assert waiting(dead) == 3


def test_letters_in_hand_are_out_of_others_sight(dead: World) -> None:
    with Letters(dead.aws.sqs, dead.aws.dlq_url) as held:
        list(held.matching(None))
        assert waiting(dead) == 0

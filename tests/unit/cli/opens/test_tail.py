"""Opens live: a temporary queue, filters, and what is left of it afterwards."""

import json
import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from threading import Event, Thread
from typing import Any

import pytest

from email_opens.adapters.aws.publishing.publisher import SnsPublisher
from email_opens.adapters.aws.publishing.receivers import queue, topic
from email_opens.instants import iso
from email_opens.model import NewOpen
from email_opens_cli.commands.opens.tail import filter_policy, line
from email_opens_cli.deployed.queues import ALIVE_AT, PREFIX, TOPIC, TailQueue, left_over
from email_opens_cli.terminal.ending import Ending
from tests.conftest import Aws, subscribe
from tests.contract.samples import ACTIVITY, ACTIVITY_ID, NOON, new_open
from tests.fakes import FakeClock
from tests.unit.cli.terminal.pseudo_terminal import interrupting, run_in_terminal
from tests.unit.cli.world import TWO, World, complaint, run

PHONE, DESK = new_open(1, device_type="mobile"), new_open(2, device_type="computer")


def shown(event: dict[str, Any]) -> str:
    return "".join(text for text, _ in line(event))


def queues(aws: Aws) -> list[str]:
    return list(aws.sqs.list_queues(QueueNamePrefix=PREFIX).get("QueueUrls", []))


def subscriptions(aws: Aws) -> int:
    return len(aws.sns.list_subscriptions_by_topic(TopicArn=aws.topic_arn)["Subscriptions"])


def publish(aws: Aws, *opens: NewOpen, minutes_late: int = 5) -> None:
    clock = FakeClock(NOON + timedelta(minutes=minutes_late))
    publisher = SnsPublisher(topic(aws.sns, aws.topic_arn), queue(aws.sqs, aws.dlq_url), clock)
    publisher.publish(ACTIVITY, opens, clock.now())


@contextmanager
def published_once_somebody_listens(aws: Aws, *opens: NewOpen) -> Iterator[None]:
    """Publish as soon as there is a subscription more."""
    before, pause = subscriptions(aws), Event()

    def wait_and_publish() -> None:
        for _ in range(500):
            if subscriptions(aws) > before:
                publish(aws, *opens)
                return
            pause.wait(0.01)

    thread = Thread(target=wait_and_publish, daemon=True)
    thread.start()
    try:
        yield
    finally:
        thread.join()


class TestPiped:
    def test_each_event_is_a_line_as_it_was_published(self, world: World) -> None:
        with published_once_somebody_listens(world.aws, PHONE):
            result = run("tail", "--count", "1")
        assert [json.loads(one) for one in result.stdout.splitlines()] == world.received()

    def test_nothing_is_left_afterwards(self, world: World) -> None:
        before = subscriptions(world.aws)
        with published_once_somebody_listens(world.aws, PHONE):
            assert run("tail", "--count", "1").exit_code == 0
        assert (queues(world.aws), subscriptions(world.aws)) == ([], before)

    def test_opens_on_other_devices_are_not_printed(self, world: World) -> None:
        with published_once_somebody_listens(world.aws, DESK, PHONE):
            output = run("tail", "--count", "1", "--device", "mobile").stdout
        assert json.loads(output)["id"] == PHONE.event_id

    @pytest.mark.usefixtures("world")
    @pytest.mark.parametrize("text", ["soon", "15", "0m", "-1h", "9999999999d", ""])
    def test_a_malformed_duration_is_refused(self, text: str) -> None:
        assert "is not a duration" in complaint(run("tail", "--newer-than", text), 2)

    def test_a_topic_that_is_not_there_leaves_no_queue(
        self, world: World, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("OPENS_TOPIC_ARN", f"{world.aws.topic_arn}-nowhere")
        complaint(run("tail"), 1)
        assert queues(world.aws) == []


class TestOnATerminal:
    @pytest.mark.usefixtures("world")
    def test_ctrl_c_ends_it_with_the_code_of_an_interruption(self) -> None:
        assert run_in_terminal("tail", on_output=interrupting("Listening")).exit_code == 130

    def test_ctrl_c_leaves_nothing(self, world: World) -> None:
        before = subscriptions(world.aws)
        run_in_terminal("tail", on_output=interrupting("Listening"))
        assert (queues(world.aws), subscriptions(world.aws)) == ([], before)

    def test_an_open_is_a_line_of_forty_columns(self, world: World) -> None:
        with published_once_somebody_listens(world.aws, PHONE):
            shown = run_in_terminal("tail", "--count", "1", columns=40)
        assert shown.lines[-1].startswith("2026-03-02T12:01:00Z mobile   March")
        assert shown.widest() <= 40

    def test_no_address_is_shown(self) -> None:
        event = {"data": {"email_address": "ann@example.org", "contact_id": "ann"}}
        assert "@" not in shown(event)


class TestFilterPolicy:
    def test_names_only_what_was_asked_for(self) -> None:
        assert filter_policy("a", [], [], None) == {"type": ["email.opened"], "account_id": ["a"]}

    @pytest.mark.parametrize(
        ("activities", "devices", "delay", "ids"),
        [
            ([ACTIVITY_ID], [], None, {PHONE.event_id, DESK.event_id}),
            ([TWO], [], None, set()),
            ([], ["computer", "tablet"], None, {DESK.event_id}),
            ([], [], timedelta(minutes=4), {DESK.event_id}),
        ],
    )
    def test_lets_the_topic_choose(
        self,
        aws: Aws,
        activities: list[str],
        devices: list[str],
        delay: timedelta | None,
        ids: set[str],
    ) -> None:
        queue = TailQueue(aws.sns, aws.sqs, aws.topic_arn, wait_seconds=0)
        with queue.listening(filter_policy("default", activities, devices, delay), NOON):
            publish(aws, PHONE, DESK)
            assert {json.loads(body)["id"] for body in queue.receive(NOON)} == ids


class TestQueue:
    def test_takes_messages_of_its_topic_only(self, aws: Aws) -> None:
        with TailQueue(aws.sns, aws.sqs, aws.topic_arn).listening({}, NOON):
            (url,) = queues(aws)
            found = aws.sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["Policy"])
        (statement,) = json.loads(found["Attributes"]["Policy"])["Statement"]
        assert statement["Condition"] == {"ArnEquals": {"aws:SourceArn": aws.topic_arn}}

    def test_is_removed_after_a_failure(self, aws: Aws) -> None:
        with (
            pytest.raises(ZeroDivisionError),
            TailQueue(aws.sns, aws.sqs, aws.topic_arn).listening({}, NOON),
        ):
            raise ZeroDivisionError
        assert queues(aws) == []

    def test_is_no_left_over_while_it_is_read(self, aws: Aws) -> None:
        queue, later = (
            TailQueue(aws.sns, aws.sqs, aws.topic_arn, wait_seconds=0),
            NOON + timedelta(hours=1),
        )
        with queue.listening({}, NOON):
            queue.receive(later)
            assert left_over(aws.sqs, aws.topic_arn, later) == []

    def test_is_a_left_over_when_it_was_not_read_for_long(self, aws: Aws) -> None:
        with TailQueue(aws.sns, aws.sqs, aws.topic_arn).listening({}, NOON):
            assert list(left_over(aws.sqs, aws.topic_arn, NOON + timedelta(hours=1))) == queues(aws)

    def test_of_a_stranger_is_no_left_over(self, aws: Aws) -> None:
        aws.sqs.create_queue(QueueName=f"{PREFIX}of-somebody")
        assert left_over(aws.sqs, aws.topic_arn, datetime.now(UTC)) == []

    def test_of_another_stack_does_not_count_as_left_over(self, aws: Aws) -> None:
        with TailQueue(aws.sns, aws.sqs, aws.topic_arn).listening({}, NOON):
            later, another = NOON + timedelta(hours=1), f"{aws.topic_arn}-of-another-stack"
            assert left_over(aws.sqs, another, later) == []

    def test_stays_while_its_subscription_cannot_be_deleted(
        self, aws: Aws, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def refuse(**_: str) -> None:
            raise ZeroDivisionError

        tail = TailQueue(aws.sns, aws.sqs, aws.topic_arn)
        with pytest.raises(ZeroDivisionError), tail.listening({}, NOON):
            monkeypatch.setattr(aws.sns, "unsubscribe", refuse)
        assert list(left_over(aws.sqs, aws.topic_arn, NOON + timedelta(hours=1))) == queues(aws)


def test_the_next_tail_removes_what_a_killed_one_left(world: World) -> None:
    aws = world.aws
    before = subscriptions(aws)
    tags = {ALIVE_AT: iso(NOON), TOPIC: aws.topic_arn}
    killed = aws.sqs.create_queue(QueueName=f"{PREFIX}killed", tags=tags)
    subscribe(aws.sns, aws.sqs, aws.topic_arn, killed["QueueUrl"])
    run_in_terminal("tail", on_output=interrupting("Listening"))
    assert (queues(aws), subscriptions(aws)) == ([], before)


def test_a_tail_leaves_what_a_killed_one_of_another_stack_left(world: World) -> None:
    tags = {ALIVE_AT: iso(NOON), TOPIC: f"{world.aws.topic_arn}-of-another-stack"}
    killed = world.aws.sqs.create_queue(QueueName=f"{PREFIX}killed", tags=tags)
    run_in_terminal("tail", on_output=interrupting("Listening"))
    assert queues(world.aws) == [killed["QueueUrl"]]


class TestEnding:
    @pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
    def test_a_first_signal_is_a_wish(self, number: signal.Signals) -> None:
        with Ending() as ending:
            os.kill(os.getpid(), number)
            assert ending.requested

    def test_a_second_one_ends_at_once(self) -> None:
        with Ending():
            signal.raise_signal(signal.SIGINT)
            with pytest.raises(KeyboardInterrupt):
                signal.raise_signal(signal.SIGINT)

    def test_afterwards_all_is_as_before(self) -> None:
        before = signal.getsignal(signal.SIGTERM)
        with Ending():
            pass
        assert signal.getsignal(signal.SIGTERM) is before


def test_an_open_without_a_device_is_shown() -> None:
    assert shown({"time": "12:00", "data": {"contact_id": "ann"}}).split() == [
        *("12:00", "-", "ann")
    ]

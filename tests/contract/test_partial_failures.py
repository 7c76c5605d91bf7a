"""What SNS and SQS refuse, they refuse always; and a FIFO topic is sent one batch at a time."""

import time
from collections.abc import Iterator, Mapping
from threading import Barrier, BrokenBarrierError
from typing import Any

import pytest

from email_opens.adapters.aws.publishing.messages import BATCH_MESSAGES
from email_opens.adapters.aws.publishing.publisher import IN_FLIGHT, SnsPublisher
from email_opens.adapters.aws.publishing.receivers import Entry, Receiver, reasons
from email_opens.errors import PublishFailed
from email_opens.model import NewOpen, RejectedRow
from tests.conftest import Aws
from tests.contract.replies import Answers, Parameters
from tests.contract.samples import ACTIVITY, NOON, new_open, new_opens
from tests.contract.test_publisher import drain, publisher_of, refusing
from tests.fakes import FakeClock

ROWS = [
    RejectedRow(f'{{"row":{number}}}', "The row is not an open.", str(number))
    for number in range(12)
]


def refuse_every_letter(call: Parameters) -> Mapping[str, Any]:
    """Answer as SQS does if it takes no entry of a batch, by the sender's fault."""
    return {
        "Failed": [
            {"Id": entry["Id"], "Code": "InvalidMessageContents", "SenderFault": True}
            for entry in call["Entries"]
        ]
    }


def refuse_the_first_letter(call: Parameters) -> Mapping[str, Any]:
    ids = [entry["Id"] for entry in call["Entries"]]
    return {
        "Successful": [{"Id": entry_id} for entry_id in ids[1:]],
        "Failed": [{"Id": ids[0], "Code": "InvalidMessageContents", "SenderFault": True}],
    }


def test_an_open_that_the_topic_refuses_for_good_is_sent_once(aws: Aws, clock: FakeClock) -> None:
    refused = new_open(1)
    calls = Answers(aws.sns, "PublishBatch", then=refusing(refused.event_id)).calls
    before = clock.now()
    delivery = publisher_of(aws, clock).publish(ACTIVITY, new_opens(3), NOON)
    assert (delivery.settled, delivery.dead_lettered) == (tuple(new_opens(3)), 1)
    assert (len(calls), clock.now()) == (1, before)
    assert len(drain(aws, aws.dlq_url)) == 1


class TestADeadLetterQueueThatRefuses:
    def test_every_letter_leaves_the_open_unsettled(self, aws: Aws, clock: FakeClock) -> None:
        Answers(aws.sns, "PublishBatch", then=refusing(new_open(1).event_id))
        Answers(aws.sqs, "SendMessageBatch", then=refuse_every_letter)
        delivery = publisher_of(aws, clock).publish(ACTIVITY, new_opens(3), NOON)
        assert delivery.settled == (new_open(0), new_open(2))
        assert delivery.dead_lettered == 0
        assert isinstance(delivery.failure, PublishFailed)
        assert str(delivery.failure) == ("The dead-letter queue refused 1 messages.")

    def test_every_letter_leaves_the_rows_unsettled(self, aws: Aws, clock: FakeClock) -> None:
        calls = Answers(aws.sqs, "SendMessageBatch", then=refuse_every_letter).calls
        delivery = publisher_of(aws, clock).set_aside(ACTIVITY, ROWS)
        assert delivery.settled == ()
        assert isinstance(delivery.failure, PublishFailed)
        assert len(calls) == 1  # What refuses a whole batch would refuse the next one.

    def test_one_letter_of_each_batch_settles_the_others(self, aws: Aws, clock: FakeClock) -> None:
        Answers(aws.sqs, "SendMessageBatch", then=refuse_the_first_letter)
        delivery = publisher_of(aws, clock).set_aside(ACTIVITY, ROWS)
        assert delivery.settled == (*ROWS[1:10], ROWS[11])
        assert isinstance(delivery.failure, PublishFailed)


@pytest.mark.parametrize("ordered", [True, False], ids=["FIFO", "standard"])
def test_an_unexpected_error_of_one_batch_leaves_the_others_settled(
    clock: FakeClock, ordered: bool
) -> None:
    def send(entries: list[Entry]) -> Mapping[str, Any]:
        if any(new_open(15).event_id in entry["MessageBody"] for entry in entries):
            raise RuntimeError("ann@example.org")
        return {"Successful": entries}

    receiver = Receiver(name="The topic", send=send, ordered=ordered)
    delivery = SnsPublisher(receiver, reasons([]), clock).publish(ACTIVITY, new_opens(30), NOON)
    assert delivery.settled[:10] == tuple(new_opens(10))
    assert not set(new_opens(20)[10:]) & set(delivery.settled)
    assert str(delivery.failure).endswith("within 5 attempts: RuntimeError.")


class MeetingPoint:
    """A receiver at which as many batches as `expected` wait for each other."""

    def __init__(self, expected: int, seconds: float = 0.2) -> None:
        self._barrier = Barrier(expected)
        self._seconds = seconds
        self.met = False

    def send(self, entries: list[Entry]) -> Mapping[str, Any]:
        try:
            if not self.met:
                self._barrier.wait(timeout=self._seconds)
            self.met = True
        except BrokenBarrierError:
            pass  # No other batch came meanwhile; nor does any later one wait.
        return {"Successful": entries}


@pytest.mark.parametrize(
    ("ordered", "expected", "met"),
    [(True, 2, False), (False, IN_FLIGHT, True), (False, IN_FLIGHT + 1, False)],
    ids=["FIFO", "standard", "standard, one more"],
)
def test_a_fifo_topic_is_sent_one_batch_at_a_time_and_any_other_a_few(
    clock: FakeClock, ordered: bool, expected: int, met: bool
) -> None:
    """Two batches under way could change places, and one of them could be retried."""
    # Threads may start late on a busy machine; those that never come are not waited for as long.
    point = MeetingPoint(expected, 30 if met else 0.2)
    receiver = Receiver(name="The topic", send=point.send, ordered=ordered)
    publisher = SnsPublisher(receiver, reasons([]), clock)
    opens = new_opens(10 * (IN_FLIGHT + 1))
    assert publisher.publish(ACTIVITY, opens, NOON).failure is None
    assert point.met is met


@pytest.mark.parametrize("ordered", [True, False], ids=["FIFO", "standard"])
def test_the_messages_of_a_batch_are_made_when_it_is_sent(clock: FakeClock, ordered: bool) -> None:
    made = 0
    waiting: list[int] = []

    class Opens(list[NewOpen]):
        def __iter__(self) -> Iterator[NewOpen]:
            nonlocal made
            for new in super().__iter__():
                made += 1
                yield new

    def send(entries: list[Entry]) -> Mapping[str, Any]:
        waiting.append(made - sum(sent))
        sent.append(len(entries))
        return {"Successful": entries}

    sent: list[int] = []
    receiver = Receiver(name="The topic", send=send, ordered=ordered)
    SnsPublisher(receiver, reasons([]), clock).publish(ACTIVITY, Opens(new_opens(500)), NOON)
    assert sum(sent) == 500
    # Each batch on its way, and the open that did not fit into the last one.
    assert max(waiting) <= BATCH_MESSAGES * IN_FLIGHT + IN_FLIGHT


def test_an_error_of_our_own_in_one_thread_ends_the_others() -> None:
    class Broken(FakeClock):
        def sleep(self, seconds: float) -> None:
            raise RuntimeError(f"no sleep of {seconds} s")

    sent: list[int] = []

    def send(entries: list[Entry]) -> Mapping[str, Any]:
        if any(new_open(10).event_id in entry["MessageBody"] for entry in entries):
            raise RuntimeError("The topic is down.")
        time.sleep(0.01)  # Time for another thread to begin, and to fail.
        sent.append(len(entries))
        return {"Successful": entries}

    publisher = SnsPublisher(Receiver(name="The topic", send=send), reasons([]), Broken(NOON))
    with pytest.raises(RuntimeError, match="no sleep"):
        publisher.publish(ACTIVITY, new_opens(1000), NOON)
    assert sum(sent) < 900


def test_dead_letters_are_sent_one_batch_at_a_time(clock: FakeClock) -> None:
    point = MeetingPoint(2)
    queue = Receiver(name="The queue", send=point.send, ordered=True)
    delivery = SnsPublisher(reasons([]), queue, clock).set_aside(ACTIVITY, ROWS)
    assert (delivery.settled, point.met) == (tuple(ROWS), False)

"""Opens with any text and of any size, as messages and in batches."""

import json
from collections.abc import Sequence
from copy import replace
from datetime import UTC, datetime
from typing import Any, cast

import pytest
from hypothesis import given
from hypothesis import strategies as st

from email_opens.adapters.aws.publishing.messages import BATCH_MESSAGES, MOST_BYTES, UNSENDABLE
from email_opens.adapters.aws.publishing.publisher import SnsPublisher
from email_opens.adapters.aws.publishing.receivers import queue, topic
from email_opens.events import event_id
from email_opens.instants import iso
from email_opens.model import Activity, NewOpen, Open, RejectedRow
from tests.contract.samples import ACTIVITY, ACTIVITY_ID, NOON
from tests.fakes import FakeClock
from tests.hostile.operations import growth
from tests.hostile.values import MEGABYTE

characters = st.characters(codec="utf-8")
texts = st.text(characters, min_size=1) | st.sampled_from(["\x00", "\x7f", "\ufffe", "</script>"])
sizes = st.sampled_from([1, 60_000, 130_000, 262_000])
long_texts = st.builds(str.__mul__, st.sampled_from(["a", "é", "\U0001f600", "\x01", '"']), sizes)
instants = st.datetimes(datetime(1970, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001 - Hypothesis adds the zone


def opened(
    contact_id: str = "ann",
    email_address: str = "ann@example.org",
    device_type: str | None = None,
    created_time: datetime = NOON,
) -> Open:
    return Open(ACTIVITY_ID, contact_id, created_time, device_type, email_address)


any_opens = st.lists(st.builds(opened, texts, texts, st.none() | texts), max_size=25) | st.lists(
    st.builds(opened, texts, long_texts, st.none() | long_texts), max_size=4
)


class Deliveries:
    """A topic and a dead-letter queue that accept everything and keep each request."""

    def __init__(self) -> None:
        self.topic: list[list[Any]] = []
        self.queue: list[list[Any]] = []

    def publish_batch(self, *, TopicArn: str, PublishBatchRequestEntries: list[Any]) -> Any:  # noqa: N803 - as AWS writes them
        del TopicArn
        self.topic.append(PublishBatchRequestEntries)
        return {"Successful": [{"Id": entry["Id"]} for entry in PublishBatchRequestEntries]}

    def send_message_batch(self, *, QueueUrl: str, Entries: list[Any]) -> Any:  # noqa: N803
        del QueueUrl
        self.queue.append(Entries)
        return {"Successful": [{"Id": entry["Id"]} for entry in Entries]}

    def publisher(self) -> SnsPublisher:
        # A FIFO topic, so that batches are sent one after the other.
        topic_arn = "arn:aws:sns:eu-west-1:123456789012:opens.fifo"
        clients = cast("Any", self)
        return SnsPublisher(topic(clients, topic_arn), queue(clients, "https://queue"), FakeClock())

    def published(self) -> list[Any]:
        return [json.loads(entry["Message"]) for batch in self.topic for entry in batch]

    def dead_lettered(self) -> list[Any]:
        return [json.loads(entry["MessageBody"]) for batch in self.queue for entry in batch]


class Refusals(Deliveries):
    """A topic that refuses everything for good."""

    def publish_batch(self, *, TopicArn: str, PublishBatchRequestEntries: list[Any]) -> Any:  # noqa: N803
        del TopicArn
        fault = {"Code": "Rejected", "Message": "not today", "SenderFault": True}
        return {"Failed": [{"Id": entry["Id"], **fault} for entry in PublishBatchRequestEntries]}


def published(
    opens: Sequence[Open],
    activity: Activity = ACTIVITY,
    receivers: type[Deliveries] = Deliveries,
) -> Deliveries:
    deliveries = receivers()
    news = [NewOpen(event_id(row, 1), 1, row) for row in opens]
    deliveries.publisher().publish(activity, news, NOON)
    return deliveries


def size_bytes(entry: Any) -> int:
    """Return the size of a message in bytes, as AWS counts it."""
    body: str = entry.get("Message") or entry["MessageBody"]
    attributes = entry["MessageAttributes"].items()
    return len(body.encode()) + sum(
        len(name) + len(value["DataType"]) + len(value["StringValue"].encode())
        for name, value in attributes
    )


@given(st.builds(opened, texts, texts, st.none() | texts, instants), st.none() | texts)
def test_a_message_contains_the_whole_open(row: Open, name: str | None) -> None:
    (event,) = published([row], replace(ACTIVITY, campaign_name=name)).published()
    data = event["data"]
    assert (data["contact_id"], data["email_address"]) == (row.contact_id, row.email_address)
    assert (data.get("device_type"), data.get("campaign_name")) == (row.device_type, name)
    assert data["created_time"] == iso(row.created_time)


@given(st.builds(opened, texts, texts, texts, instants))
def test_a_message_has_no_character_that_aws_refuses(row: Open) -> None:
    ((entry,),) = published([row]).topic
    attributes = [value["StringValue"] for value in entry["MessageAttributes"].values()]
    assert [text for text in (entry["Message"], *attributes) if UNSENDABLE.search(text)] == []
    assert all(attributes)


@given(any_opens)
def test_each_open_is_published_or_dead_lettered_once(opens: list[Open]) -> None:
    deliveries = published(opens)
    ids = sorted(event["id"] for event in deliveries.published() + deliveries.dead_lettered())
    assert ids == sorted(event_id(row, 1) for row in opens)


@given(any_opens)
def test_no_batch_is_larger_than_aws_accepts(opens: list[Open]) -> None:
    deliveries = published(opens)
    for batch in deliveries.topic + deliveries.queue:
        assert len(batch) <= BATCH_MESSAGES
        assert sum(map(size_bytes, batch)) <= MOST_BYTES


@given(any_opens)
def test_published_opens_keep_their_order(opens: list[Open]) -> None:
    sent = [event["id"] for event in published(opens).published()]
    remaining = iter(event_id(row, 1) for row in opens)
    assert all(identity in remaining for identity in sent)


@pytest.mark.parametrize("name", ["contact_id", "email_address", "device_type"])
def test_an_open_with_a_megabyte_of_text_becomes_a_dead_letter_that_fits(name: str) -> None:
    huge: dict[str, Any] = {name: "\U0001f600" * MEGABYTE}
    deliveries = published([replace(opened(), **huge)])
    assert deliveries.topic == []
    ((letter,),) = deliveries.queue
    assert size_bytes(letter) <= MOST_BYTES
    assert str(MOST_BYTES) in letter["MessageAttributes"]["reason"]["StringValue"]


def test_a_message_of_the_largest_size_is_published() -> None:
    ((entry,),) = published([opened(email_address="")]).topic
    address = "a" * (MOST_BYTES - size_bytes(entry))
    deliveries = published([opened(email_address=address)])
    ((entry,),) = deliveries.topic
    assert (size_bytes(entry), deliveries.queue) == (MOST_BYTES, [])


def test_messages_that_fill_a_batch_to_the_last_byte_are_sent_together() -> None:
    ((entry,),) = published([opened("ann", email_address="")]).topic
    address = "a" * (MOST_BYTES // 2 - size_bytes(entry))
    others = [opened("cat", address), opened("dan", address)]
    for more, batches in (("", 2), ("a", 3)):
        opens = [opened("ann", address), opened("bob", address + more), *others]
        assert len(published(opens).topic) == batches


def test_a_dead_letter_is_cut_only_if_it_is_larger_than_the_queue_accepts() -> None:
    ((letter,),) = published([opened(email_address="")], receivers=Refusals).queue
    address = "a" * (MOST_BYTES - size_bytes(letter))
    for text, whole in ((address, True), (address + "a", False)):
        deliveries = published([opened(email_address=text)], receivers=Refusals)
        (event,) = deliveries.dead_lettered()
        assert (event["data"]["email_address"] == text) is whole


def test_a_character_that_aws_refuses_in_a_reason_becomes_a_question_mark() -> None:
    deliveries = Deliveries()
    deliveries.publisher().set_aside(ACTIVITY, [RejectedRow("{}", "The row has \x00.", "{}")])
    ((letter,),) = deliveries.queue
    assert letter["MessageAttributes"]["reason"]["StringValue"] == "The row has ?."


@given(st.lists(st.builds(RejectedRow, st.text() | long_texts, texts, texts), max_size=5))
def test_rejected_rows_of_any_size_are_dead_lettered_in_batches_that_fit(
    rows: list[RejectedRow],
) -> None:
    deliveries = Deliveries()
    deliveries.publisher().set_aside(ACTIVITY, rows)
    assert len(deliveries.dead_lettered()) == len(rows)
    assert all(sum(map(size_bytes, batch)) <= MOST_BYTES for batch in deliveries.queue)


@pytest.mark.parametrize("size", [1, 30_000, 300_000])
def test_the_work_grows_with_the_opens(size: int) -> None:
    few, many = ([opened(str(n), "é" * size) for n in range(count)] for count in (20, 80))
    assert growth(published, few, many) <= 4


def test_the_work_does_not_grow_with_the_length_of_an_address() -> None:
    short, long = ([opened(email_address="é" * size)] for size in (1, 120_000))
    assert growth(published, short, long) == 1

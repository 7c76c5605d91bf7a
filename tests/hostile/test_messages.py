"""Opens of any text and size, as messages and in batches."""

import json
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any, cast

import pytest
from hypothesis import given
from hypothesis import strategies as st

from email_opens.adapters.aws.publisher import BATCH_MESSAGES, MOST_BYTES, UNSENDABLE, SnsPublisher
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


class Taken:
    """A topic and a dead-letter queue that take everything, and keep each request."""

    def __init__(self) -> None:
        self.topic: list[list[Any]] = []
        self.queue: list[list[Any]] = []

    def publish_batch(self, *, TopicArn: str, PublishBatchRequestEntries: list[Any]) -> Any:  # noqa: N803 - as AWS writes them
        del TopicArn
        self.topic.append(PublishBatchRequestEntries)
        return {"Successful": [{"Id": one["Id"]} for one in PublishBatchRequestEntries]}

    def send_message_batch(self, *, QueueUrl: str, Entries: list[Any]) -> Any:  # noqa: N803
        del QueueUrl
        self.queue.append(Entries)
        return {"Successful": [{"Id": one["Id"]} for one in Entries]}

    def publisher(self) -> SnsPublisher:
        # In order, so that batches follow one another.
        topic_arn = "arn:aws:sns:eu-west-1:123456789012:opens.fifo"
        clients = cast("Any", self)
        return SnsPublisher(clients, clients, topic_arn, "https://queue", FakeClock())

    def published(self) -> list[Any]:
        return [json.loads(entry["Message"]) for batch in self.topic for entry in batch]

    def dead(self) -> list[Any]:
        return [json.loads(entry["MessageBody"]) for batch in self.queue for entry in batch]


def published(opens: Sequence[Open], activity: Activity = ACTIVITY) -> Taken:
    taken = Taken()
    taken.publisher().publish(activity, [NewOpen(event_id(one, 1), 1, one) for one in opens], NOON)
    return taken


def weight(entry: Any) -> int:
    """Return the bytes of a message that AWS counts."""
    body: str = entry.get("Message") or entry["MessageBody"]
    attributes = entry["MessageAttributes"].items()
    return len(body.encode()) + sum(
        len(name) + len(value["DataType"]) + len(value["StringValue"].encode())
        for name, value in attributes
    )


@given(st.builds(opened, texts, texts, st.none() | texts, instants), st.none() | texts)
def test_a_message_says_what_the_open_was(one: Open, name: str | None) -> None:
    (event,) = published([one], replace(ACTIVITY, campaign_name=name)).published()
    data = event["data"]
    assert (data["contact_id"], data["email_address"]) == (one.contact_id, one.email_address)
    assert (data.get("device_type"), data.get("campaign_name")) == (one.device_type, name)
    assert data["created_time"] == iso(one.created_time)


@given(st.builds(opened, texts, texts, texts, instants))
def test_a_message_has_no_character_that_aws_refuses(one: Open) -> None:
    ((entry,),) = published([one]).topic
    attributes = [value["StringValue"] for value in entry["MessageAttributes"].values()]
    assert [text for text in (entry["Message"], *attributes) if UNSENDABLE.search(text)] == []
    assert all(attributes)


@given(any_opens)
def test_opens_of_any_size_go_out_or_are_set_aside_each_once(opens: list[Open]) -> None:
    taken = published(opens)
    ids = sorted(event["id"] for event in taken.published() + taken.dead())
    assert ids == sorted(event_id(one, 1) for one in opens)


@given(any_opens)
def test_no_batch_is_larger_than_aws_takes(opens: list[Open]) -> None:
    taken = published(opens)
    for batch in taken.topic + taken.queue:
        assert len(batch) <= BATCH_MESSAGES
        assert sum(map(weight, batch)) <= MOST_BYTES


@given(any_opens)
def test_what_goes_out_keeps_its_order(opens: list[Open]) -> None:
    went_out = [event["id"] for event in published(opens).published()]
    left = iter(event_id(one, 1) for one in opens)
    assert all(identity in left for identity in went_out)


@pytest.mark.parametrize("name", ["contact_id", "email_address", "device_type"])
def test_a_megabyte_of_text_becomes_a_dead_letter_that_fits(name: str) -> None:
    huge: dict[str, Any] = {name: "\U0001f600" * MEGABYTE}
    taken = published([replace(opened(), **huge)])
    assert taken.topic == []
    ((letter,),) = taken.queue
    assert weight(letter) <= MOST_BYTES
    assert str(MOST_BYTES) in letter["MessageAttributes"]["reason"]["StringValue"]


@given(st.lists(st.builds(RejectedRow, st.text() | long_texts, texts), max_size=5))
def test_rows_of_any_size_are_set_aside_in_batches_that_fit(rows: list[RejectedRow]) -> None:
    taken = Taken()
    taken.publisher().set_aside(ACTIVITY, rows)
    assert len(taken.dead()) == len(rows)
    assert all(sum(map(weight, batch)) <= MOST_BYTES for batch in taken.queue)


@pytest.mark.parametrize("size", [1, 30_000, 300_000])
def test_work_grows_with_the_opens(size: int) -> None:
    few, many = ([opened(str(n), "é" * size) for n in range(count)] for count in (20, 80))
    assert growth(published, few, many) <= 4


def test_work_does_not_grow_with_an_addresss_length() -> None:
    short, long = ([opened(email_address="é" * size)] for size in (1, 120_000))
    assert growth(published, short, long) == 1

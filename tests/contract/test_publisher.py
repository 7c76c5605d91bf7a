"""The Publisher port, over the fake and over SNS with a queue that subscribes."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import pytest
from botocore.exceptions import EndpointConnectionError
from botocore.parsers import ResponseParserError

from email_opens.adapters.aws.publishing.messages import BATCH_MESSAGES, MOST_BYTES, wire_attributes
from email_opens.adapters.aws.publishing.publisher import TRIES, SnsPublisher
from email_opens.adapters.aws.publishing.receivers import Entry, Receiver, queue, reasons, topic
from email_opens.errors import PublishFailed
from email_opens.events import message
from email_opens.model import NewOpen, RejectedRow
from email_opens.ports import Delivery, Publisher
from tests.conftest import Aws, subscribe
from tests.contract.replies import Answer, Answers, Parameters, error, nothing_more, raising
from tests.contract.samples import ACTIVITY, ACTIVITY_ID, NOON, new_open, new_opens
from tests.event_schema import checked
from tests.fakes import FakeClock, MemoryPublisher


class Kept(Protocol):
    """A publisher, who receives of it, and a way to break what is behind it."""

    publisher: Publisher

    def received(self) -> list[str]: ...
    def dead_letters(self) -> list[tuple[str, str]]: ...
    def refuse(self, number: int) -> None:
        """Let the topic refuse the open of this number for good."""

    def break_topic(self) -> None: ...
    def break_queue(self) -> None: ...


class InMemory:
    def __init__(self) -> None:
        self._memory = MemoryPublisher()
        self.publisher: Publisher = self._memory

    def received(self) -> list[str]:
        return self._memory.published

    def dead_letters(self) -> list[tuple[str, str]]:
        return self._memory.dead_letters

    def refuse(self, number: int) -> None:
        self._memory.refused.add(new_open(number).event_id)

    def break_topic(self) -> None:
        self._memory.topic_is_down = True

    def break_queue(self) -> None:
        self._memory.queue_is_down = True


class OnAws:
    def __init__(self, aws: Aws, clock: FakeClock) -> None:
        self._aws = aws
        self.publisher: Publisher = publisher_of(aws, clock)

    def received(self) -> list[str]:
        return [checked(letter["Body"]) for letter in drain(self._aws, self._aws.subscriber_url)]

    def dead_letters(self) -> list[tuple[str, str]]:
        return [
            (letter["Body"], letter["MessageAttributes"]["reason"]["StringValue"])
            for letter in drain(self._aws, self._aws.dlq_url)
        ]

    def refuse(self, number: int) -> None:
        Answers(self._aws.sns, "PublishBatch", refusing(new_open(number).event_id))

    def break_topic(self) -> None:
        Answers(self._aws.sns, "PublishBatch", *[error("InternalError")] * TRIES)

    def break_queue(self) -> None:
        Answers(self._aws.sqs, "SendMessageBatch", *[error("InternalError")] * TRIES)


def publisher_of(aws: Aws, clock: FakeClock, topic_arn: str | None = None) -> SnsPublisher:
    return SnsPublisher(
        topic(aws.sns, topic_arn or aws.topic_arn), queue(aws.sqs, aws.dlq_url), clock
    )


def drain(aws: Aws, queue_url: str) -> list[Any]:
    found: list[Any] = []
    while letters := aws.sqs.receive_message(
        QueueUrl=queue_url, MaxNumberOfMessages=10, MessageAttributeNames=["All"]
    ).get("Messages"):
        for letter in letters:
            aws.sqs.delete_message(QueueUrl=queue_url, ReceiptHandle=letter["ReceiptHandle"])
        found += letters
    return found


def refusing(event_id: str, code: str = "InvalidParameter", *, sender: bool = True) -> Answer:
    """Answer that one entry failed and the others arrived."""

    def answer(asked: Parameters) -> dict[str, Any]:
        entries = asked["PublishBatchRequestEntries"]
        failed = [one["Id"] for one in entries if json.loads(one["Message"])["id"] == event_id]
        return {
            "Successful": [{"Id": one["Id"]} for one in entries if one["Id"] not in failed],
            "Failed": [
                {"Id": one, "Code": code, "Message": "refused", "SenderFault": sender}
                for one in failed
            ],
        }

    return answer


@pytest.fixture(params=["memory", "aws"])
def kept(request: pytest.FixtureRequest, clock: FakeClock) -> Kept:
    if request.param == "memory":
        return InMemory()
    return OnAws(request.getfixturevalue("aws"), clock)


class TestEveryPublisher:
    @pytest.mark.parametrize("count", [0, 1, 10, 11, 45])
    def test_delivers_each_open_once(self, kept: Kept, count: int) -> None:
        opens = new_opens(count)
        assert kept.publisher.publish(ACTIVITY, opens, NOON) == Delivery(settled=tuple(opens))
        assert sorted(kept.received()) == sorted(message(ACTIVITY, new) for new in opens)
        assert kept.dead_letters() == []

    def test_sets_aside_what_the_topic_refuses_for_good(self, kept: Kept) -> None:
        kept.refuse(1)
        delivery = kept.publisher.publish(ACTIVITY, new_opens(3), NOON)
        assert delivery == Delivery(settled=tuple(new_opens(3)), dead_lettered=1)
        ((body, reason),) = kept.dead_letters()
        assert body == message(ACTIVITY, new_open(1))
        assert reason.startswith("InvalidParameter")

    def test_fails_when_the_topic_takes_nothing(self, kept: Kept) -> None:
        kept.break_topic()
        delivery = kept.publisher.publish(ACTIVITY, new_opens(3), NOON)
        assert isinstance(delivery.failure, PublishFailed)
        assert "@" not in str(delivery.failure)
        assert delivery.settled == ()
        assert kept.received() == []
        assert kept.dead_letters() == []

    def test_fails_when_what_was_refused_cannot_be_set_aside(self, kept: Kept) -> None:
        kept.refuse(1)
        kept.break_queue()
        delivery = kept.publisher.publish(ACTIVITY, new_opens(3), NOON)
        assert isinstance(delivery.failure, PublishFailed)
        assert delivery.settled == (new_open(0), new_open(2))

    def test_sets_rows_aside_with_their_reasons(self, kept: Kept) -> None:
        rows = [
            RejectedRow(f'{{"row": {number}}}', f"Reason {number}.", str(number))
            for number in range(12)
        ]
        assert kept.publisher.set_aside(ACTIVITY, rows) == Delivery(settled=tuple(rows))
        letters = kept.dead_letters()
        assert {(json.loads(body)["row"], reason) for body, reason in letters} == {
            (row.row, row.reason) for row in rows
        }
        for name, value in (("account_id", "default"), ("campaign_activity_id", ACTIVITY_ID)):
            assert {json.loads(body)[name] for body, _ in letters} == {value}
        assert kept.received() == []

    def test_fails_when_rows_cannot_be_set_aside(self, kept: Kept) -> None:
        kept.break_queue()
        delivery = kept.publisher.set_aside(ACTIVITY, [RejectedRow("{}", "Empty.", "{}")])
        assert isinstance(delivery.failure, PublishFailed)
        assert delivery.settled == ()


@dataclass(frozen=True, slots=True)
class Sns:
    """What only SNS can do, and do wrong."""

    aws: Aws
    clock: FakeClock

    def publish(self, opens: Sequence[Any]) -> Delivery[NewOpen]:
        return publisher_of(self.aws, self.clock).publish(ACTIVITY, opens, NOON)

    def received(self) -> list[Any]:
        return drain(self.aws, self.aws.subscriber_url)

    def dead_letters(self) -> list[Any]:
        return drain(self.aws, self.aws.dlq_url)

    def answers(self, *answers: Answer) -> Answers:
        return Answers(self.aws.sns, "PublishBatch", *answers)


@pytest.fixture
def sns(aws: Aws, clock: FakeClock) -> Sns:
    return Sns(aws, clock)


def entries(call: Parameters) -> list[Any]:
    return list(call["PublishBatchRequestEntries"])


class TestSns:
    def test_packs_batches_by_number(self, sns: Sns) -> None:
        calls = sns.answers().calls
        sns.publish(new_opens(25))
        assert sorted(len(entries(call)) for call in calls) == [5, BATCH_MESSAGES, BATCH_MESSAGES]

    def test_packs_batches_by_bytes(self, sns: Sns) -> None:
        calls = sns.answers().calls
        sns.publish([new_open(number, email_address="é" * 50_000) for number in range(5)])
        assert sorted(len(entries(call)) for call in calls) == [1, 2, 2]

    def test_hands_on_what_filter_policies_look_at(self, sns: Sns) -> None:
        sns.publish([new_open(device_type="mobile"), new_open(1, device_type=None)])
        named = [letter["MessageAttributes"] for letter in sns.received()]
        mobile, unknown = sorted(named, key=len, reverse=True)
        assert {name: value["StringValue"] for name, value in mobile.items()} == {
            "type": "email.opened",
            "account_id": "default",
            "campaign_activity_id": ACTIVITY_ID,
            "campaign_id": "5b1e0a52-0000-4000-8000-0000000000bb",
            "campaign_name": "March news",
            "device_type": "mobile",
            "delay_seconds": "0",
        }
        assert mobile["delay_seconds"]["DataType"] == "Number"
        assert mobile.keys() - unknown.keys() == {"device_type"}

    def test_sends_an_open_as_in_every_release(self, sns: Sns) -> None:
        calls = sns.answers().calls
        sns.publish([new_open(device_type="mobile")])
        ((entry,),) = map(entries, calls)
        assert entry == {
            "Id": "0",
            "Message": (
                '{"specversion":"1.0","id":"fd6b151067681749bb6ccf187bd6eb7c",'
                '"type":"email.opened",'
                f'"source":"/constant-contact/default/activities/{ACTIVITY_ID}",'
                '"subject":"contact-0","time":"2026-03-02T12:00:00Z",'
                '"datacontenttype":"application/json",'
                '"dataschema":"urn:email-opens:schema:email-opened.v1",'
                f'"data":{{"contact_id":"contact-0","campaign_activity_id":"{ACTIVITY_ID}",'
                '"campaign_id":"5b1e0a52-0000-4000-8000-0000000000bb",'
                '"campaign_name":"March news","email_address":"ann@example.org",'
                '"device_type":"mobile","created_time":"2026-03-02T12:00:00Z","occurrence":1}}'
            ),
            "MessageAttributes": {
                "type": {"DataType": "String", "StringValue": "email.opened"},
                "account_id": {"DataType": "String", "StringValue": "default"},
                "campaign_activity_id": {"DataType": "String", "StringValue": ACTIVITY_ID},
                "delay_seconds": {"DataType": "Number", "StringValue": "0"},
                "campaign_id": {
                    "DataType": "String",
                    "StringValue": "5b1e0a52-0000-4000-8000-0000000000bb",
                },
                "campaign_name": {"DataType": "String", "StringValue": "March news"},
                "device_type": {"DataType": "String", "StringValue": "mobile"},
            },
        }

    def test_sends_again_only_what_failed(self, sns: Sns) -> None:
        calls = sns.answers(refusing(new_open(1).event_id, "InternalError", sender=False)).calls
        assert sns.publish(new_opens(3)) == Delivery(settled=tuple(new_opens(3)))
        assert [[one["Id"] for one in entries(call)] for call in calls] == [["0", "1", "2"], ["1"]]

    @pytest.mark.parametrize(
        "code", ["Throttled", "AuthorizationError", "KMSAccessDenied", "AccessDenied"]
    )
    def test_sends_again_what_is_no_fault_of_the_message(self, sns: Sns, code: str) -> None:
        sns.answers(refusing(new_open(0).event_id, code))
        assert sns.publish(new_opens(1)).failure is None
        assert len(sns.received()) == 1
        assert sns.dead_letters() == []

    @pytest.mark.parametrize(
        "failure",
        [
            error("Throttled"),
            raising(EndpointConnectionError(endpoint_url="https://sns")),
            raising(ResponseParserError("unexpected end")),
        ],
        ids=["refused", "unreachable", "cut"],
    )
    def test_sends_a_whole_batch_again(self, sns: Sns, failure: Answer) -> None:
        sns.answers(failure)
        assert sns.publish(new_opens(3)).failure is None
        assert len(sns.received()) == 3

    def test_sends_again_what_the_reply_does_not_mention(self, sns: Sns) -> None:
        calls = sns.answers(lambda _: {"Successful": [{"Id": "0"}]}).calls
        assert sns.publish(new_opens(2)) == Delivery(settled=tuple(new_opens(2)))
        assert [len(entries(call)) for call in calls] == [2, 1]

    @pytest.mark.parametrize(
        ("answer", "reason"),
        [
            (error("Throttled"), "Throttled"),
            (raising(ResponseParserError("unexpected end")), "ResponseParserError"),
            (lambda _: {"Successful": [{"Id": "0"}, {"Id": "2"}]}, "no reply"),
            (refusing(new_open(1).event_id, "InternalError", sender=False), "InternalError"),
        ],
        ids=["refused", "cut", "no word", "failed"],
    )
    def test_reports_how_many_messages_are_left_and_why(
        self, sns: Sns, answer: Answer, reason: str
    ) -> None:
        Answers(sns.aws.sns, "PublishBatch", then=answer)
        delivery = sns.publish(new_opens(3))
        left = 3 - len(delivery.settled)
        assert str(delivery.failure) == (
            f"The topic did not accept {left} messages within 5 attempts: {reason}."
        )

    def test_waits_longer_between_tries(self, sns: Sns) -> None:
        began = sns.clock.now()
        sns.answers(*[error("Throttled")] * (TRIES - 1))
        sns.publish(new_opens(1))
        waited = (sns.clock.now() - began).total_seconds()
        assert 0.75 <= waited <= 1.5

    def test_keeps_the_attributes_of_a_dead_letter(self, sns: Sns) -> None:
        sns.answers(refusing(new_open(0).event_id))
        sns.publish(new_opens(1))
        (letter,) = sns.dead_letters()
        named = letter["MessageAttributes"]
        assert named["reason"]["StringValue"] == "InvalidParameter: refused"
        assert named["campaign_activity_id"]["StringValue"] == ACTIVITY_ID

    def test_sets_aside_what_is_too_large_cut_to_a_size_that_can_be_kept(self, sns: Sns) -> None:
        calls = sns.answers().calls
        delivery = sns.publish([new_open(email_address="a" * 300_000), new_open(1)])
        assert (len(delivery.settled), delivery.dead_lettered) == (2, 1)
        assert [len(entries(call)) for call in calls] == [1]
        (letter,) = sns.dead_letters()
        assert f"of {MOST_BYTES} at most" in letter["MessageAttributes"]["reason"]["StringValue"]
        assert json.loads(letter["Body"])["id"] == new_open(email_address="a" * 300_000).event_id

    @pytest.mark.parametrize("text", ["é☃😀", "\x00\x1f", "\ufffe\uffff", "</script>\\\"'"])
    def test_delivers_any_character(self, sns: Sns, text: str) -> None:
        assert sns.publish([new_open(email_address=text, device_type=text)]).failure is None
        (letter,) = sns.received()
        assert json.loads(letter["Body"])["data"]["email_address"] == text

    def test_leaves_out_an_attribute_that_sns_never_accepts(self, sns: Sns) -> None:
        sns.publish([new_open(device_type="\x00")])
        (letter,) = sns.received()
        assert "device_type" not in letter["MessageAttributes"]


class TestFifo:
    def test_keeps_an_activitys_order_through_a_failure(self, aws: Aws, clock: FakeClock) -> None:
        topic_arn = aws.sns.create_topic(Name="o.fifo", Attributes={"FifoTopic": "true"})[
            "TopicArn"
        ]
        queue_url = aws.sqs.create_queue(QueueName="o.fifo", Attributes={"FifoQueue": "true"})[
            "QueueUrl"
        ]
        subscribe(aws.sns, aws.sqs, topic_arn, queue_url)
        calls = Answers(aws.sns, "PublishBatch", nothing_more, error("InternalError")).calls
        opens = new_opens(25)
        publisher_of(aws, clock, topic_arn).publish(ACTIVITY, opens, NOON)
        sent = [entry for call in (calls[0], *calls[2:]) for entry in entries(call)]
        assert [one["MessageDeduplicationId"] for one in sent] == [new.event_id for new in opens]
        assert {one["MessageGroupId"] for one in sent} == {ACTIVITY_ID}
        assert len(calls) == 4

    def test_keeps_an_activitys_order_in_a_queue(self, aws: Aws, clock: FakeClock) -> None:
        url = aws.sqs.create_queue(QueueName="o.fifo", Attributes={"FifoQueue": "true"})["QueueUrl"]
        calls = Answers(aws.sqs, "SendMessageBatch").calls
        opens = new_opens(25)
        publisher = SnsPublisher(queue(aws.sqs, url), reasons([]), clock)
        assert publisher.publish(ACTIVITY, opens, NOON) == Delivery(settled=tuple(opens))
        sent = [entry for call in calls for entry in call["Entries"]]
        assert [one["MessageDeduplicationId"] for one in sent] == [new.event_id for new in opens]
        assert {one["MessageGroupId"] for one in sent} == {ACTIVITY_ID}


def test_the_reasons_of_refusals_can_be_collected_instead_of_the_messages(clock: FakeClock) -> None:
    def send(entries: list[Entry]) -> dict[str, Any]:
        fault = {"Code": "Rejected", "Message": "not today", "SenderFault": True}
        return {"Failed": [{"Id": entry["Id"], **fault} for entry in entries]}

    collected: list[str] = []
    publisher = SnsPublisher(Receiver(name="The queue", send=send), reasons(collected), clock)
    delivery = publisher.publish(ACTIVITY, new_opens(25), NOON)
    assert collected == ["Rejected: not today"] * 25
    assert delivery == Delivery(settled=tuple(new_opens(25)), dead_lettered=25)


def test_numbers_are_written_within_the_bounds_of_filter_policies() -> None:
    assert wire_attributes({"type": "email.opened", "delay_seconds": 10**10}) == {
        "type": {"DataType": "String", "StringValue": "email.opened"},
        "delay_seconds": {"DataType": "Number", "StringValue": "1000000000"},
    }

"""Where messages are sent: a topic, a queue, or a list."""

from collections.abc import Callable, Mapping
from functools import partial
from typing import TYPE_CHECKING, Any, cast

from msgspec import Struct

from email_opens.adapters.aws.publishing.messages import Message
from email_opens.model import Activity

if TYPE_CHECKING:
    from mypy_boto3_sns import SNSClient
    from mypy_boto3_sqs import SQSClient

type Entry = dict[str, Any]
type Send = Callable[[list[Entry]], Mapping[str, Any]]
"""A batch request of SNS or SQS: both reply with `Successful` and `Failed`."""


class Receiver(Struct, frozen=True, kw_only=True):
    """A topic, a queue, or a list: where messages are sent."""

    name: str
    """As the beginning of a sentence."""
    send: Send
    body: str = "MessageBody"
    """The name of an entry's body."""
    ordered: bool = False
    """It keeps the order of an activity's messages (FIFO)."""

    def entry(self, activity: Activity, message: Message, number: int) -> Entry:
        entry: Entry = {
            "Id": str(number),
            self.body: message.body,
            "MessageAttributes": message.attributes,
        }
        if self.ordered:
            entry["MessageGroupId"] = activity.campaign_activity_id
            entry["MessageDeduplicationId"] = message.key
        return entry


def topic(sns: "SNSClient", arn: str, name: str = "The topic") -> Receiver:
    """Return the topic of an ARN as a receiver."""
    # cast: the stubs know the entries' keys, and the two requests have no type in common.
    send = cast("Any", partial(sns.publish_batch, TopicArn=arn))
    return Receiver(
        name=name,
        send=lambda entries: send(PublishBatchRequestEntries=entries),
        body="Message",
        ordered=arn.endswith(".fifo"),
    )


def queue(sqs: "SQSClient", url: str, name: str = "The dead-letter queue") -> Receiver:
    """Return the queue of a URL as a receiver."""
    send = cast("Any", partial(sqs.send_message_batch, QueueUrl=url))
    return Receiver(
        name=name, send=lambda entries: send(Entries=entries), ordered=url.endswith(".fifo")
    )


def reasons(collected: list[str]) -> Receiver:
    """Return a receiver of dead letters that keeps only their reasons, in a list."""

    def send(entries: list[Entry]) -> Mapping[str, Any]:
        collected.extend(entry["MessageAttributes"]["reason"]["StringValue"] for entry in entries)
        return {"Successful": entries}

    return Receiver(name="The list of reasons", send=send)

"""Where a replay sends opens: one queue or one topic, with all that the publisher knows of sending.

The publisher sends to topics and puts what is refused into a queue. Here a queue stands in for
the topic, and what is refused is only told: nothing but the destination gets a message.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, cast

from botocore.exceptions import ClientError

from email_opens.adapters.aws.publisher import SnsPublisher
from email_opens.errors import InvalidInput, PublishFailed
from email_opens.model import Activity, NewOpen
from email_opens.ports import Clock
from email_opens_cli.deployed.product import aws

_UNKNOWN = ("NotFound", "QueueDoesNotExist", "NonExistentQueue", "InvalidAddress")
"""How AWS says that there is no such topic or queue, somewhere in a code."""


class Destination:
    """One queue or topic."""

    def __init__(self, address: str, sender: Any, clock: Clock) -> None:
        self.refused: list[str] = []
        """Why it took some opens not, a reason each."""
        nowhere = cast("Any", _Told(self.refused))
        self._publisher = SnsPublisher(sender, nowhere, address, "", clock)

    def send(self, activity: Activity, opens: Sequence[NewOpen], now: datetime) -> int:
        """Send opens; return how many were taken.

        Raises:
            PublishFailed: some were neither taken nor refused for good.
        """
        try:
            return len(opens) - self._publisher.publish(activity, opens, now)
        except PublishFailed as error:
            raise PublishFailed(str(error).replace("The topic", "The destination")) from None


def destination(address: str, opens_topic_arn: str, clock: Clock) -> Destination:
    """Return the destination at a queue's URL or a topic's ARN.

    Raises:
        InvalidInput: it is neither, does not exist, or is the topic that everybody listens to.
    """
    if address == opens_topic_arn:
        raise InvalidInput(
            "That is the topic of all subscribers, who would get all of it again: name a queue or "
            "topic of one subscriber."
        )
    try:
        if address.startswith("arn:") and address.split(":")[2:3] == ["sns"]:
            region = address.split(":")[3]
            sns = aws(region).client("sns")
            sns.get_topic_attributes(TopicArn=address)
            return Destination(address, sns, clock)
        if address.startswith(("https://", "http://")):
            sqs = aws().client("sqs")
            sqs.get_queue_attributes(QueueUrl=address, AttributeNames=["QueueArn"])
            return Destination(address, _Queue(sqs), clock)
    except ClientError as error:
        code = error.response["Error"]["Code"]
        if any(word in code for word in _UNKNOWN):
            raise InvalidInput(f"There is no such queue or topic: {address[:200]}.") from None
        raise
    raise InvalidInput(
        f"“{address[:200]}” is no destination: expected a queue's URL, https://sqs.…, or a topic's "
        "ARN, arn:…:sns:…"
    )


class _Queue:
    """A queue that is asked as if it were a topic."""

    def __init__(self, sqs: Any) -> None:
        self._sqs = sqs

    def publish_batch(self, **asked: Any) -> Any:
        entries = [
            {"MessageBody" if name == "Message" else name: value for name, value in entry.items()}
            for entry in asked["PublishBatchRequestEntries"]
        ]
        return self._sqs.send_message_batch(QueueUrl=asked["TopicArn"], Entries=entries)


class _Told:
    """A dead-letter queue that keeps reasons only."""

    def __init__(self, refused: list[str]) -> None:
        self._refused = refused

    def send_message_batch(self, **asked: Any) -> Any:
        entries = asked["Entries"]
        self._refused += [one["MessageAttributes"]["reason"]["StringValue"] for one in entries]
        return {"Successful": [{"Id": one["Id"]} for one in entries]}

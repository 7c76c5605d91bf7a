"""The destination of a replay or of samples: one queue or one topic, and nothing else."""

import re
from collections.abc import Sequence
from datetime import datetime

from botocore.exceptions import ClientError

from email_opens.adapters.aws.publishing.publisher import SnsPublisher
from email_opens.adapters.aws.publishing.receivers import Receiver, queue, reasons, topic
from email_opens.errors import InvalidInput
from email_opens.model import Activity, NewOpen
from email_opens.ports import Clock, Delivery
from email_opens_cli.arguments.options import parse_destination
from email_opens_cli.deployed.product import aws

_NAME = "The destination"
_UNKNOWN = ("NotFound", "QueueDoesNotExist", "NonExistentQueue", "InvalidAddress")
"""Parts of the codes with which AWS reports that a topic or queue does not exist."""
_QUEUE_HOST = re.compile(r"https://sqs\.([a-z]{2}-[a-z-]+-[0-9])\.amazonaws\.com(?:\.cn)?/")
"""How the URL of a queue begins, with its region."""


class Destination:
    """One queue or topic."""

    def __init__(self, receiver: Receiver, clock: Clock) -> None:
        self.refused: list[str] = []
        """The reason for each open that was refused for good."""
        self.ordered = receiver.ordered
        """It is FIFO: it drops an event whose id it has received within five minutes."""
        self._publisher = SnsPublisher(receiver, reasons(self.refused), clock)

    def send(
        self, activity: Activity, opens: Sequence[NewOpen], now: datetime
    ) -> Delivery[NewOpen]:
        """Send opens; those that were refused for good are settled too."""
        return self._publisher.publish(activity, opens, now)


def destination(address: str, opens_topic_arn: str | None, clock: Clock) -> Destination:
    """Return the destination at a queue's URL or a topic's ARN, in its own region.

    Raises:
        InvalidInput: it is neither, does not exist, or is the topic of all subscribers.
    """
    if address == opens_topic_arn:
        raise InvalidInput(
            "This is the topic of all subscribers, who would all receive the opens again: name a "
            "queue or topic of one subscriber."
        )
    topic_region = parse_destination(address)
    try:
        if topic_region is not None:
            sns = aws(topic_region).client("sns")
            sns.get_topic_attributes(TopicArn=address)
            return Destination(topic(sns, address, _NAME), clock)
        host = _QUEUE_HOST.match(address)
        sqs = aws(host and host[1]).client("sqs")
        sqs.get_queue_attributes(QueueUrl=address, AttributeNames=["QueueArn"])
        return Destination(queue(sqs, address, _NAME), clock)
    except ClientError as error:
        code = error.response["Error"]["Code"]
        if any(word in code for word in _UNKNOWN):
            raise InvalidInput(f"There is no queue or topic {address[:200]}.") from None
        raise

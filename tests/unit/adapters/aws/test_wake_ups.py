"""Wake-ups as messages of SQS."""

from typing import Any

import boto3
import pytest
from botocore.exceptions import EndpointConnectionError

from email_opens.adapters.aws.session import client_config
from email_opens.adapters.aws.wake_ups import SqsWakeUps, wake_ups_config
from email_opens.config.settings import wake_up
from email_opens.errors import NotAsked
from tests.conftest import Aws
from tests.contract.replies import Answers, error


def test_are_delayed_messages_that_the_handler_reads(aws: Aws) -> None:
    sent = Answers(aws.sqs, "SendMessage", lambda _: None)
    SqsWakeUps(aws.sqs, aws.wake_ups_url).ask("default", token="8a6b", seconds=7)
    (message,) = sent.calls
    assert (message["QueueUrl"], message["DelaySeconds"]) == (aws.wake_ups_url, 7)
    assert message["MessageBody"] == '{"account_id": "default", "wake_up": "8a6b"}'
    assert wake_up({"body": message["MessageBody"]}) == ("default", "8a6b")


@pytest.mark.parametrize(
    "code", ["AWS.SimpleQueueService.NonExistentQueue", "AccessDenied", "RequestThrottled"]
)
def test_that_are_refused_are_reported_with_a_remedy(aws: Aws, code: str) -> None:
    Answers(aws.sqs, "SendMessage", then=error(code))
    with pytest.raises(
        NotAsked, match=rf"\({code}\).*the-queue-of-wake-ups-was-deleted"
    ) as refused:
        SqsWakeUps(aws.sqs, aws.wake_ups_url).ask("default", token="8a6b", seconds=7)
    assert aws.wake_ups_url not in str(refused.value)


def test_that_reach_no_queue_are_reported(aws: Aws) -> None:
    def unreachable(_: object) -> None:
        raise EndpointConnectionError(endpoint_url="https://sqs.example")

    Answers(aws.sqs, "SendMessage", unreachable)
    with pytest.raises(NotAsked, match="EndpointConnectionError"):
        SqsWakeUps(aws.sqs, aws.wake_ups_url).ask("default", token="8a6b", seconds=7)


def test_are_asked_for_within_seconds() -> None:
    """A turn has ended by then, and the function is paid for by its duration."""
    config: Any = boto3.client("sqs", config=wake_ups_config()).meta.config
    usual: Any = client_config()
    attempts = config.retries["total_max_attempts"]
    assert attempts == 2
    assert attempts * (config.connect_timeout + config.read_timeout) <= 4
    assert config.tcp_keepalive == usual.tcp_keepalive

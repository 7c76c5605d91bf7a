"""Wake-ups as delayed messages of SQS, which start the function."""

import json
from typing import TYPE_CHECKING

from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from email_opens.adapters.aws.session import client_config
from email_opens.errors import NotAsked

if TYPE_CHECKING:
    from mypy_boto3_sqs import SQSClient

ACCOUNT_ID, WAKE_UP = "account_id", "wake_up"
"""The names of a message's parts: the account, and the token."""


def wake_ups_config() -> Config:
    """Return the client's configuration: a few seconds at most, because the turn's work is done.

    The second attempt is for a connection that was closed while the function was not running.
    """
    return client_config(attempts=2).merge(Config(connect_timeout=1, read_timeout=1))


class SqsWakeUps:
    """Implements `email_opens.ports.WakeUps`."""

    def __init__(self, client: "SQSClient", url: str) -> None:
        self._client = client
        self._url = url

    def ask(self, account_id: str, *, token: str, seconds: int) -> None:
        body = json.dumps({ACCOUNT_ID: account_id, WAKE_UP: token})
        try:
            self._client.send_message(QueueUrl=self._url, MessageBody=body, DelaySeconds=seconds)
        except (BotoCoreError, ClientError) as error:
            reason = type(error).__name__
            if isinstance(error, ClientError):
                reason = error.response["Error"]["Code"]
            raise NotAsked(
                f"A wake-up could not be sent ({reason}), so the schedule starts the next turn, "
                "and opens are published up to a minute later. If this keeps happening, the queue "
                "WakeUps or the function's permission to send to it is missing: see "
                "docs/recovery.md#the-queue-of-wake-ups-was-deleted."
            ) from error

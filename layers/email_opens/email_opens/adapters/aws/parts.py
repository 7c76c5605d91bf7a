"""The adapters for AWS over the clients of one session; `bootstrap` imports this module late."""

from collections.abc import Mapping

from botocore.config import Config

from email_opens.adapters.aws.credentials import SsmCredentials
from email_opens.adapters.aws.ledger import DynamoDBLedger
from email_opens.adapters.aws.publisher import SnsPublisher
from email_opens.adapters.aws.receivers import queue, topic
from email_opens.adapters.aws.seen_campaigns import DynamoDBSeenCampaigns
from email_opens.adapters.aws.session import aws_session
from email_opens.adapters.aws.tracking import DynamoDBTracking
from email_opens.config import AccountSettings, StackSettings
from email_opens.model import LEDGER_KEPT
from email_opens.ports import Clock


class AwsParts:
    """Makes the adapters of one environment."""

    def __init__(self, environment: Mapping[str, str]) -> None:
        self._session = aws_session(environment)
        self._patient = Config(
            connect_timeout=3,
            read_timeout=5,
            retries={"mode": "standard", "total_max_attempts": 4},
            tcp_keepalive=True,
        )
        self._dynamodb = self._session.client("dynamodb", config=self._patient)

    def credentials(self, settings: AccountSettings) -> SsmCredentials:
        ssm = self._session.client("ssm", config=self._patient)
        return SsmCredentials(ssm, settings.credentials_prefix)

    def tracking(self, settings: AccountSettings) -> DynamoDBTracking:
        return DynamoDBTracking(self._dynamodb, settings.tracking_table)

    def seen_campaigns(self, settings: AccountSettings) -> DynamoDBSeenCampaigns:
        return DynamoDBSeenCampaigns(self._dynamodb, settings.tracking_table)

    def ledger(self, settings: StackSettings, clock: Clock) -> DynamoDBLedger:
        return DynamoDBLedger(self._dynamodb, settings.ledger_table, LEDGER_KEPT, clock)

    def publisher(self, settings: StackSettings, clock: Clock) -> SnsPublisher:
        sns = self._session.client("sns", config=self._patient)
        sqs = self._session.client("sqs", config=self._patient)
        return SnsPublisher(
            topic(sns, settings.opens_topic_arn),
            queue(sqs, settings.dead_letter_queue_url),
            clock,
        )

"""The one place that knows what the product is made of."""

from collections.abc import Mapping
from dataclasses import dataclass

import boto3
import requests
from botocore.config import Config

from email_opens.adapters.clock import SystemClock
from email_opens.adapters.constant_contact import ConstantContactReport
from email_opens.adapters.dynamodb import DynamoDBTracking
from email_opens.adapters.ledger import DynamoDBLedger
from email_opens.adapters.oauth import TokenSource
from email_opens.adapters.sns import SnsPublisher
from email_opens.adapters.ssm import SsmCredentials
from email_opens.config import Settings, read_settings
from email_opens.model import LEDGER_KEPT
from email_opens.ports import Clock, Credentials, Report, Tracking
from email_opens.rounds import Rounds


@dataclass(frozen=True, slots=True, kw_only=True)
class EmailOpens:
    """The product, wired."""

    settings: Settings
    rounds: Rounds
    tracking: Tracking
    credentials: Credentials
    clock: Clock


def bootstrap(environment: Mapping[str, str], *, clock: Clock | None = None) -> EmailOpens:
    """Wire the product for an environment.

    Raises:
        InvalidSettings: see `read_settings`.
    """
    settings = read_settings(environment)
    clock = clock or SystemClock()
    patient = Config(
        connect_timeout=3,
        read_timeout=5,
        retries={"mode": "standard", "total_max_attempts": 4},
        tcp_keepalive=True,
    )
    dynamodb = boto3.client("dynamodb", config=patient)
    credentials = SsmCredentials(boto3.client("ssm", config=patient), settings.credentials_prefix)
    tracking = DynamoDBTracking(dynamodb, settings.tracking_table)
    session = requests.Session()
    # Neither a proxy of the environment nor a .netrc may stand in for the Authorization header.
    session.trust_env = False

    def report(account_id: str, requests_left: int) -> Report:
        tokens = TokenSource(
            account_id, credentials, session, settings.constant_contact_auth_url, clock
        )
        return ConstantContactReport(
            session,
            settings.constant_contact_api_url,
            tokens,
            clock,
            requests_per_second=settings.requests_per_second,
            requests_left=requests_left,
        )

    rounds = Rounds(
        tracking=tracking,
        ledger=DynamoDBLedger(dynamodb, settings.ledger_table, LEDGER_KEPT, clock),
        publisher=SnsPublisher(
            boto3.client("sns", config=patient),
            boto3.client("sqs", config=patient),
            settings.opens_topic_arn,
            settings.dead_letter_queue_url,
            clock,
        ),
        clock=clock,
        report=report,
        lookback=settings.lookback,
        requests_per_day=settings.requests_per_day,
        requests_per_second=settings.requests_per_second,
    )
    return EmailOpens(
        settings=settings,
        rounds=rounds,
        tracking=tracking,
        credentials=credentials,
        clock=clock,
    )

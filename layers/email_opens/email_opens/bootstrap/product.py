"""The composition root on AWS: it creates the adapters and passes them to the core."""

from collections.abc import Callable, Mapping
from copy import replace

from msgspec import Struct

from email_opens.adapters.aws.credentials import SsmCredentials
from email_opens.adapters.aws.decisions import DynamoDBDecisions
from email_opens.adapters.aws.ledger import DynamoDBLedger
from email_opens.adapters.aws.publishing.publisher import SnsPublisher
from email_opens.adapters.aws.publishing.receivers import queue, topic
from email_opens.adapters.aws.salt import SsmSalt
from email_opens.adapters.aws.seen_campaigns import DynamoDBSeenCampaigns
from email_opens.adapters.aws.session import AwsSession, aws_session, client_config
from email_opens.adapters.aws.tracking import DynamoDBTracking
from email_opens.adapters.aws.wake_ups import SqsWakeUps, wake_ups_config
from email_opens.adapters.clock import SystemClock
from email_opens.adapters.vendor.report import ConstantContactReport
from email_opens.allowance.budget import Budget
from email_opens.allowance.lease import Leases
from email_opens.bootstrap.wiring import (
    Connect,
    campaigns_of,
    connection,
    discovery_of,
    leases_of,
    reports_of,
    turns_of,
)
from email_opens.config.stack import StackSettings, read_account_settings, read_settings
from email_opens.discovery.ports import Campaigns, SeenCampaigns
from email_opens.model import LEDGER_KEPT
from email_opens.ports import Clock, Credentials, Ledger, Publisher, Tracking, WakeUps
from email_opens.turns.discovery import Discovery
from email_opens.turns.turns import Turns


class EmailOpens(Struct, frozen=True, kw_only=True):
    """The product, wired."""

    settings: StackSettings
    turns: Turns
    leases: Leases
    """The leases of commands, which may also spend what turns leave to other users of the key."""
    connect: Connect
    report: Callable[[str, Budget], ConstantContactReport]
    """Makes the report of an account within a budget."""
    tracking: Tracking
    ledger: Ledger
    publisher: Publisher
    wake_ups: WakeUps
    """Only the function asks for them."""
    credentials: Credentials
    clock: Clock


def bootstrap(
    environment: Mapping[str, str],
    *,
    clock: Clock | None = None,
    aws: AwsSession | None = None,
) -> EmailOpens:
    """Wire the product for an environment, with a session of AWS if there is one already.

    Raises:
        InvalidSettings: as `read_settings` raises.
    """
    settings = read_settings(environment)
    clock = clock or SystemClock()
    aws, config = aws or aws_session(environment), client_config()
    dynamodb = aws.client("dynamodb", config=config)
    ssm = aws.client("ssm", config=config)
    credentials = SsmCredentials(ssm, settings.credentials_prefix, settings.stack_name)
    tracking = DynamoDBTracking(dynamodb, settings.tracking_table)
    ledger = DynamoDBLedger(dynamodb, settings.ledger_table, LEDGER_KEPT, clock)
    publisher = SnsPublisher(
        topic(aws.client("sns", config=config), settings.opens_topic_arn),
        queue(aws.client("sqs", config=config), settings.dead_letter_queue_url),
        clock,
    )
    connect = connection(settings, credentials, clock)
    report = reports_of(settings, connect, SsmSalt(ssm, settings.credentials_prefix))
    leases = leases_of(settings, tracking, clock)
    decisions = DynamoDBDecisions(dynamodb, settings.ledger_table, LEDGER_KEPT, clock)
    seen = DynamoDBSeenCampaigns(dynamodb, settings.tracking_table)
    discovery = discovery_of(settings, leases, seen, campaigns_of(connect))
    return EmailOpens(
        settings=settings,
        turns=turns_of(
            settings,
            leases,
            ledger,
            publisher,
            report,
            decisions=decisions if settings.first_opens else None,
            discovery=discovery if settings.discovery else None,
            credentials=credentials,
        ),
        leases=replace(leases, requests_per_day=settings.requests_per_day, keeps_to_share=False),
        connect=connect,
        report=report,
        tracking=tracking,
        ledger=ledger,
        publisher=publisher,
        wake_ups=SqsWakeUps(
            aws.client("sqs", config=wake_ups_config()), settings.wake_ups_queue_url
        ),
        credentials=credentials,
        clock=clock,
    )


class WiredDiscovery(Struct, frozen=True, kw_only=True):
    """The search for new sends, wired for the commands that need nothing else."""

    discovery: Discovery
    leases: Leases
    campaigns: Callable[[str, Budget], Campaigns]
    """Makes the campaigns of an account within a budget."""
    tracking: Tracking
    seen: SeenCampaigns
    clock: Clock


def bootstrap_discovery(
    environment: Mapping[str, str],
    *,
    clock: Clock | None = None,
    aws: AwsSession | None = None,
) -> WiredDiscovery:
    """Wire discovery for an environment, with a session of AWS if there is one already.

    Raises:
        InvalidSettings: as `read_account_settings` raises.
    """
    settings, clock = read_account_settings(environment), clock or SystemClock()
    aws, config = aws or aws_session(environment), client_config()
    dynamodb = aws.client("dynamodb", config=config)
    ssm = aws.client("ssm", config=config)
    credentials = SsmCredentials(ssm, settings.credentials_prefix, settings.stack_name)
    tracking = DynamoDBTracking(dynamodb, settings.tracking_table)
    seen = DynamoDBSeenCampaigns(dynamodb, settings.tracking_table)
    campaigns = campaigns_of(connection(settings, credentials, clock))
    leases = leases_of(settings, tracking, clock)
    discovery = discovery_of(settings, leases, seen, campaigns)
    return WiredDiscovery(
        discovery=discovery,
        leases=leases,
        campaigns=campaigns,
        tracking=tracking,
        seen=seen,
        clock=clock,
    )

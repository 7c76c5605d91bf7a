"""The composition root: it creates the adapters and passes them to the core."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from botocore.config import Config

from email_opens.adapters.aws.credentials import SsmCredentials
from email_opens.adapters.aws.ledger import DynamoDBLedger
from email_opens.adapters.aws.publisher import SnsPublisher
from email_opens.adapters.aws.receivers import queue, topic
from email_opens.adapters.aws.seen_campaigns import DynamoDBSeenCampaigns
from email_opens.adapters.aws.session import AwsSession, aws_session
from email_opens.adapters.aws.tracking import DynamoDBTracking
from email_opens.adapters.clock import SystemClock
from email_opens.adapters.vendor.api import VendorApi
from email_opens.adapters.vendor.campaigns import ConstantContactCampaigns
from email_opens.adapters.vendor.report import ConstantContactReport
from email_opens.adapters.vendor.session import Session
from email_opens.adapters.vendor.token_storage import Renewed
from email_opens.adapters.vendor.tokens import RECONNECT, TokenSource
from email_opens.adapters.waits import UNCUT, Waits
from email_opens.config import (
    Settings,
    StackSettings,
    read_discovery_settings,
    read_settings,
)
from email_opens.discovery.ports import Campaigns, SeenCampaigns
from email_opens.discovery.search import Discovery
from email_opens.discovery.selection import Names
from email_opens.model import LEDGER_KEPT
from email_opens.ports import Clock, Credentials, Ledger, Publisher, Report, Tracking
from email_opens.turns.budget import Budget
from email_opens.turns.lease import Leases
from email_opens.turns.turns import Turns

if TYPE_CHECKING:
    from email_opens.adapters.local.credentials import SqliteCredentials
    from email_opens.adapters.local.state_file import StateFile


RECONNECT_WATCH = "email-opens watch --account {account_id} --credentials FILE …"


class Connect(Protocol):
    """Makes the connection of an account to the vendor within a budget."""

    def __call__(
        self, account_id: str, budget: Budget, credentials: Credentials | None = None
    ) -> VendorApi:
        """Connect with the credentials that are stored, or with others."""


@dataclass(frozen=True, slots=True, kw_only=True)
class EmailOpens:
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
    aws, patient = aws or aws_session(environment), _patient()
    dynamodb = aws.client("dynamodb", config=patient)
    credentials = SsmCredentials(aws.client("ssm", config=patient), settings.credentials_prefix)
    tracking = DynamoDBTracking(dynamodb, settings.tracking_table)
    ledger = DynamoDBLedger(dynamodb, settings.ledger_table, LEDGER_KEPT, clock)
    publisher = SnsPublisher(
        topic(aws.client("sns", config=patient), settings.opens_topic_arn),
        queue(aws.client("sqs", config=patient), settings.dead_letter_queue_url),
        clock,
    )
    connect = _connect(settings, credentials, clock)
    report = _reports(connect)
    leases = _leases(settings, tracking, clock)
    return EmailOpens(
        settings=settings,
        turns=_turns(settings, leases, ledger, publisher, report),
        leases=replace(leases, requests_per_day=settings.requests_per_day),
        connect=connect,
        report=report,
        tracking=tracking,
        ledger=ledger,
        publisher=publisher,
        credentials=credentials,
        clock=clock,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Watch:
    """The product without AWS, wired."""

    turns: Turns
    leases: Leases
    connect: Connect
    tracking: Tracking
    credentials: "SqliteCredentials"
    clock: Clock


def bootstrap_watch(
    settings: Settings,
    state: "StateFile",
    output: int,
    rejected: Path,
    *,
    clock: Clock | None = None,
    waits: Waits = UNCUT,
) -> Watch:
    """Wire the product over one file; opens go to `output`, the descriptor of an open file.

    A signal cuts `waits`.
    """
    # Imported late: a cold start of a function must not pay for SQLite.
    from email_opens.adapters.local.credentials import SqliteCredentials  # noqa: PLC0415
    from email_opens.adapters.local.ledger import SqliteLedger  # noqa: PLC0415
    from email_opens.adapters.local.lines import LinesPublisher  # noqa: PLC0415
    from email_opens.adapters.local.tracking import SqliteTracking  # noqa: PLC0415

    clock = clock or SystemClock()
    tracking, credentials = SqliteTracking(state), SqliteCredentials(state)
    leases = _leases(settings, tracking, clock)
    connect = _connect(settings, credentials, clock, RECONNECT_WATCH, waits)
    turns = _turns(
        settings,
        leases,
        SqliteLedger(state),
        LinesPublisher(output, rejected, waits),
        _reports(connect),
    )
    return Watch(
        turns=turns,
        leases=leases,
        connect=connect,
        tracking=tracking,
        credentials=credentials,
        clock=clock,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class DiscoverCampaigns:
    """Discovery, wired."""

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
) -> DiscoverCampaigns:
    """Wire discovery for an environment, with a session of AWS if there is one already.

    Raises:
        InvalidSettings: as `read_discovery_settings` raises.
    """
    settings, clock = read_discovery_settings(environment), clock or SystemClock()
    aws, patient = aws or aws_session(environment), _patient()
    dynamodb = aws.client("dynamodb", config=patient)
    credentials = SsmCredentials(aws.client("ssm", config=patient), settings.credentials_prefix)
    tracking = DynamoDBTracking(dynamodb, settings.tracking_table)
    seen = DynamoDBSeenCampaigns(dynamodb, settings.tracking_table)
    connect = _connect(settings, credentials, clock)

    def campaigns(account_id: str, budget: Budget) -> Campaigns:
        return ConstantContactCampaigns(connect(account_id, budget))

    leases = _leases(settings, tracking, clock)
    discovery = Discovery(
        leases=leases,
        tracking=tracking,
        seen=seen,
        clock=clock,
        campaigns=campaigns,
        lookback=settings.discovery_lookback,
        names=Names(settings.include_names, settings.exclude_names),
    )
    return DiscoverCampaigns(
        discovery=discovery,
        leases=leases,
        campaigns=campaigns,
        tracking=tracking,
        seen=seen,
        clock=clock,
    )


def _leases(settings: Settings, tracking: Tracking, clock: Clock) -> Leases:
    return Leases(tracking=tracking, clock=clock, requests_per_day=settings.requests_to_spend)


def _connect(
    settings: Settings,
    stored: Credentials,
    clock: Clock,
    reconnect: str = RECONNECT,
    waits: Waits = UNCUT,
) -> Connect:
    session, auth_url = Session(), settings.constant_contact_auth_url
    renewed: dict[str, Renewed] = {}

    def connect(
        account_id: str, budget: Budget, credentials: Credentials | None = None
    ) -> VendorApi:
        tokens = TokenSource(
            account_id,
            credentials or stored,
            session,
            auth_url,
            clock,
            reconnect=reconnect,
            waits=waits,
            until=budget.lease_until,
            renewed=renewed if credentials is None else {},
        )
        return VendorApi(
            session,
            settings.constant_contact_api_url,
            tokens,
            clock,
            requests_per_second=settings.requests_per_second,
            budget=budget,
            waits=waits,
        )

    return connect


def _reports(connect: Connect) -> Callable[[str, Budget], ConstantContactReport]:
    return lambda account_id, budget: ConstantContactReport(connect(account_id, budget))


def _turns(
    settings: Settings,
    leases: Leases,
    ledger: Ledger,
    publisher: Publisher,
    report: Callable[[str, Budget], Report],
) -> Turns:
    return Turns(
        leases=leases,
        tracking=leases.tracking,
        ledger=ledger,
        publisher=publisher,
        clock=leases.clock,
        report=report,
        lookback=settings.lookback,
        finished_after=settings.finished_after,
        campaigns_per_probe=settings.campaigns_per_probe,
    )


def _patient() -> Config:
    return Config(
        connect_timeout=3,
        read_timeout=5,
        retries={"mode": "standard", "total_max_attempts": 4},
        tcp_keepalive=True,
    )

"""The one place that knows what the product is made of."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import requests
from botocore.config import Config

from email_opens.adapters.aws.credentials import SsmCredentials
from email_opens.adapters.aws.ledger import DynamoDBLedger
from email_opens.adapters.aws.publisher import SnsPublisher
from email_opens.adapters.aws.seen_campaigns import DynamoDBSeenCampaigns
from email_opens.adapters.aws.session import aws_session
from email_opens.adapters.aws.tracking import DynamoDBTracking
from email_opens.adapters.clock import SystemClock
from email_opens.adapters.vendor.api import VendorApi
from email_opens.adapters.vendor.campaigns import ConstantContactCampaigns
from email_opens.adapters.vendor.oauth import RECONNECT, TokenSource
from email_opens.adapters.vendor.report import ConstantContactReport
from email_opens.config import Settings, read_discovery_settings, read_settings
from email_opens.discovery.ports import Campaigns, SeenCampaigns
from email_opens.discovery.search import Discovery
from email_opens.discovery.selection import Names
from email_opens.model import LEDGER_KEPT
from email_opens.ports import Clock, Credentials, Ledger, Publisher, Report, Tracking
from email_opens.turns.budget import Budget
from email_opens.turns.turns import Turns
from email_opens.turns.visits import Visits

if TYPE_CHECKING:
    from email_opens.adapters.local.state_file import StateFile
    from email_opens.adapters.local.stores import SqliteCredentials


@dataclass(frozen=True, slots=True, kw_only=True)
class EmailOpens:
    """The product, wired."""

    settings: Settings
    turns: Turns
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
    aws, patient = aws_session(environment), _patient()
    dynamodb = aws.client("dynamodb", config=patient)
    credentials = SsmCredentials(aws.client("ssm", config=patient), settings.credentials_prefix)
    tracking = DynamoDBTracking(dynamodb, settings.tracking_table)
    turns = _turns(
        settings,
        tracking=tracking,
        ledger=DynamoDBLedger(dynamodb, settings.ledger_table, LEDGER_KEPT, clock),
        publisher=SnsPublisher(
            aws.client("sns", config=patient),
            aws.client("sqs", config=patient),
            settings.opens_topic_arn,
            settings.dead_letter_queue_url,
            clock,
        ),
        credentials=credentials,
        clock=clock,
    )
    return EmailOpens(
        settings=settings,
        turns=turns,
        tracking=tracking,
        credentials=credentials,
        clock=clock,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Watch:
    """The product without AWS, wired."""

    turns: Turns
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
) -> Watch:
    """Wire the product over one file; opens go to `output`, an open file's descriptor."""
    # Late: no cold start of a function should pay for SQLite.
    from email_opens.adapters.local import stores  # noqa: PLC0415
    from email_opens.adapters.local.lines import LinesPublisher  # noqa: PLC0415

    clock = clock or SystemClock()
    tracking, credentials = stores.SqliteTracking(state), stores.SqliteCredentials(state)
    turns = _turns(
        settings,
        tracking=tracking,
        ledger=stores.SqliteLedger(state),
        publisher=LinesPublisher(output, rejected),
        credentials=credentials,
        clock=clock,
        reconnect="email-opens watch --account {account_id} --credentials FILE …",
    )
    return Watch(turns=turns, tracking=tracking, credentials=credentials, clock=clock)


def _turns(
    settings: Settings,
    *,
    tracking: Tracking,
    ledger: Ledger,
    publisher: Publisher,
    credentials: Credentials,
    clock: Clock,
    reconnect: str = RECONNECT,
) -> Turns:
    session = _session()

    def report(account_id: str, budget: Budget) -> Report:
        tokens = TokenSource(
            account_id,
            credentials,
            session,
            settings.constant_contact_auth_url,
            clock,
            reconnect=reconnect,
        )
        api = VendorApi(
            session,
            settings.constant_contact_api_url,
            tokens,
            clock,
            requests_per_second=settings.requests_per_second,
            budget=budget,
        )
        return ConstantContactReport(api)

    return Turns(
        tracking=tracking,
        ledger=ledger,
        publisher=publisher,
        clock=clock,
        report=report,
        lookback=settings.lookback,
        requests_per_day=settings.requests_to_spend,
        finished_after=settings.finished_after,
        campaigns_per_probe=settings.campaigns_per_probe,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class DiscoverCampaigns:
    """Discovery, wired."""

    discovery: Discovery
    visits: Visits
    tracking: Tracking
    seen: SeenCampaigns
    clock: Clock


def bootstrap_discovery(
    environment: Mapping[str, str], *, clock: Clock | None = None
) -> DiscoverCampaigns:
    """Wire discovery for an environment.

    Raises:
        InvalidSettings: see `read_discovery_settings`.
    """
    told = read_discovery_settings(environment)
    settings, clock = told.settings, clock or SystemClock()
    aws, patient = aws_session(environment), _patient()
    dynamodb = aws.client("dynamodb", config=patient)
    credentials = SsmCredentials(aws.client("ssm", config=patient), settings.credentials_prefix)
    tracking = DynamoDBTracking(dynamodb, settings.tracking_table)
    seen = DynamoDBSeenCampaigns(dynamodb, settings.tracking_table)
    session = _session()

    def campaigns(account_id: str, requests_left: int) -> Campaigns:
        api = VendorApi(
            session,
            settings.constant_contact_api_url,
            TokenSource(
                account_id, credentials, session, settings.constant_contact_auth_url, clock
            ),
            clock,
            requests_per_second=settings.requests_per_second,
            budget=Budget(requests_left),
        )
        return ConstantContactCampaigns(api)

    visits = Visits(
        tracking=tracking,
        clock=clock,
        campaigns=campaigns,
        requests_per_day=settings.requests_to_spend,
        requests_per_second=settings.requests_per_second,
    )
    discovery = Discovery(
        visits=visits,
        tracking=tracking,
        seen=seen,
        clock=clock,
        lookback=told.lookback,
        names=Names(told.include_names, told.exclude_names),
    )
    return DiscoverCampaigns(
        discovery=discovery, visits=visits, tracking=tracking, seen=seen, clock=clock
    )


def _patient() -> Config:
    return Config(
        connect_timeout=3,
        read_timeout=5,
        retries={"mode": "standard", "total_max_attempts": 4},
        tcp_keepalive=True,
    )


def _session() -> requests.Session:
    session = requests.Session()
    # Neither a proxy of the environment nor a .netrc may stand in for the Authorization header.
    session.trust_env = False
    return session

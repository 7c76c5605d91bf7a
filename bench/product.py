"""The product, wired to services within the process."""

from collections.abc import Callable
from datetime import datetime, timedelta

from bench.aws import DLQ_URL, TOPIC_ARN, Clients
from bench.vendor import ACTIVITY_ID
from email_opens.adapters.aws.decisions import DynamoDBDecisions
from email_opens.adapters.aws.ledger import DynamoDBLedger
from email_opens.adapters.aws.publishing.publisher import SnsPublisher
from email_opens.adapters.aws.publishing.receivers import queue, topic
from email_opens.adapters.aws.tracking import DynamoDBTracking
from email_opens.allowance.budget import Budget
from email_opens.allowance.lease import Leases
from email_opens.model import LEDGER_KEPT, Activity
from email_opens.ports import Decisions, Ledger, Publisher, Report, Tracking
from email_opens.turns.report import TurnReport
from email_opens.turns.turns import Turns
from tests.fakes import FakeClock

INVOCATION = timedelta(seconds=60)
COMMIT = timedelta(seconds=10)
"""Reserved at the end, so that a poll has 50 s; the deployed function reserves less."""

type Reports = Callable[[str, Budget], Report]


def wire(
    tracking: Tracking,
    ledger: Ledger,
    publisher: Publisher,
    clock: FakeClock,
    report: Reports,
    decisions: Decisions | None = None,
) -> Turns:
    return Turns(
        leases=Leases(tracking=tracking, clock=clock, requests_per_day=10_000),
        tracking=tracking,
        ledger=ledger,
        publisher=publisher,
        decisions=decisions,
        clock=clock,
        report=report,
        lookback=timedelta(hours=2),
    )


def over_aws(clients: Clients, clock: FakeClock, report: Reports) -> Turns:
    """Wire the real adapters, as `email_opens.bootstrap` does."""
    return wire(
        DynamoDBTracking(clients.dynamodb, "tracking"),
        DynamoDBLedger(clients.dynamodb, "ledger", LEDGER_KEPT, clock),
        SnsPublisher(topic(clients.sns, TOPIC_ARN), queue(clients.sqs, DLQ_URL), clock),
        clock,
        report,
        DynamoDBDecisions(clients.dynamodb, "ledger", LEDGER_KEPT, clock),
    )


def activity(tracked_at: datetime) -> Activity:
    return Activity(
        account_id="default",
        campaign_activity_id=ACTIVITY_ID,
        campaign_id="5b1e0a52-0000-4000-8000-0000000000bb",
        campaign_name="Spring news for everybody who subscribed to it",
        tracked_at=tracked_at,
    )


def invoke(product: Turns, clock: FakeClock, holder: str = "bench") -> TurnReport:
    """Take a turn as the deployed function would; any failure fails the benchmark."""
    until = clock.now() + INVOCATION
    turn = product.take_turn("default", holder=holder, before=until - COMMIT, until=until)
    if turn.failures:
        raise turn.failures[0].error
    return turn

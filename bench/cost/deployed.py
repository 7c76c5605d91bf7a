"""The functions as deployed, for one account in a simulated world, on an AWS that counts.

The real handlers, bootstrap, turns and adapters run; the vendor's replies, AWS and the clock are
simulated.
"""

from collections.abc import Sequence
from copy import replace
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from types import ModuleType
from typing import Any

from bench.cost.aws_clients import CountingSession
from bench.cost.durations import CPU_ACTIVITY, CPU_PAGE, CPU_TURN, Function
from bench.cost.logs import gigabytes, logged, metrics
from bench.cost.prices import LAMBDA_DURATION, LAMBDA_REQUESTS, LOGS, SCHEDULER
from bench.cost.usage import Meter
from bench.freshness.account import (
    REQUEST_SECONDS,
    Account,
    AccountReport,
    activity_id,
    campaign_id,
    instant,
)
from bench.freshness.world import Send
from email_opens.adapters.vendor.access.token_storage import Remembered
from email_opens.adapters.vendor.access.tokens import TokenSource
from email_opens.adapters.vendor.session import Session
from email_opens.allowance.budget import Budget
from email_opens.bootstrap.product import bootstrap
from email_opens.model import Activity, CounterReadings, NewOpen, Page, RejectedRow
from email_opens.ports import Delivery, Publisher
from tests.integration.deployment import Context, load
from tests.memory_campaigns import MemoryCampaigns

ACCOUNT = "default"
ENVIRONMENT = {
    "TRACKING_TABLE": "tracking",
    "LEDGER_TABLE": "ledger",
    "OPENS_TOPIC_ARN": "arn:aws:sns:us-east-1:123456789012:email-opens-opens",
    "DEAD_LETTER_QUEUE_URL": "https://sqs.us-east-1.amazonaws.com/123456789012/dead-letters",
    "CREDENTIALS_PREFIX": "/email-opens/",
    "STACK_NAME": "email-opens",
    "WAKE_UPS_QUEUE_URL": "https://sqs.us-east-1.amazonaws.com/123456789012/wake-ups",
}
MINUTE = timedelta(minutes=1)


@dataclass(slots=True)
class CountedReport:
    """The Report port of a turn: a request takes an access token, and CPU time."""

    inner: AccountReport
    tokens: TokenSource
    page_seconds: float

    @property
    def requests(self) -> int:
        return self.inner.requests

    @property
    def throttled(self) -> int:
        return self.inner.throttled

    def read(
        self, campaign_activity_id: str, *, link: str | None, rows: int, before: datetime
    ) -> Page:
        self._connect(before)
        return self.inner.read(campaign_activity_id, link=link, rows=rows, before=before)

    def count(self, campaign_ids: Sequence[str], *, before: datetime) -> CounterReadings:
        self._connect(before)
        return self.inner.count(campaign_ids, before=before)

    def _connect(self, before: datetime) -> None:
        self.tokens.access_token(before)
        self.inner.account.clock.sleep(self.page_seconds)


@dataclass(frozen=True, slots=True)
class MeasuredPublisher:
    """The Publisher port: the real one, and the delay of what it has published."""

    inner: Publisher
    account: Account

    def publish(
        self, activity: Activity, opens: Sequence[NewOpen], now: datetime
    ) -> Delivery[NewOpen]:
        delivery = self.inner.publish(activity, opens, now)
        self.account.publish(activity, delivery.settled, self.account.clock.now())
        return delivery

    def set_aside(self, activity: Activity, rows: Sequence[RejectedRow]) -> Delivery[RejectedRow]:
        return self.inner.set_aside(activity, rows)


@dataclass(slots=True)
class Deployed:
    """The functions of a stack, and one account of it."""

    account: Account
    function: Function
    monitoring: str
    metric_hours: set[tuple[str, datetime]] = field(default_factory=set)
    """The metrics that were sent, each with the hour; CloudWatch charges for these."""
    meter: Meter = field(init=False)
    session: CountingSession = field(init=False)
    tracked: list[Send] = field(default_factory=list)
    turns: int = 0
    woken: int = 0
    _poll: ModuleType = field(init=False)
    _tracking: Any = field(init=False)
    _sent: dict[str, datetime] = field(default_factory=dict)

    def __post_init__(self) -> None:
        clock = self.account.clock
        self.meter = Meter(clock)
        self.session = CountingSession(self.meter, self.function)
        environment = ENVIRONMENT | {"MONITORING": self.monitoring}
        session, remembered = Session(), dict[str, Remembered]()
        product = bootstrap(environment, clock=clock, aws=self.session)  # type: ignore[arg-type]
        self._tracking = product.tracking

        def report(account_id: str, budget: Budget) -> CountedReport:
            tokens = TokenSource(
                account_id,
                product.credentials,
                session,
                "https://vendor.invalid",
                clock,
                remembered=remembered,
            )
            page_seconds = self.function.seconds(CPU_PAGE)
            return CountedReport(AccountReport(self.account, budget), tokens, page_seconds)

        def campaigns(account_id: str, budget: Budget) -> MemoryCampaigns:
            del account_id
            found = MemoryCampaigns(clock, budget=budget)
            found.seconds, found.sent = REQUEST_SECONDS, self._sent
            return found

        publisher = MeasuredPublisher(product.turns.publisher, self.account)
        assert product.turns.discovery
        discovery = replace(product.turns.discovery, campaigns=campaigns)
        turns = replace(product.turns, report=report, publisher=publisher, discovery=discovery)
        counted_product = replace(product, turns=turns)
        self._poll = load()
        vars(self._poll)["email_opens"] = lambda: counted_product

    def track(self, send: Send) -> None:
        self.account.track(send)
        self.tracked.append(send)
        self._sent[campaign_id(send)] = instant(send.sent)
        self._tracking.add(
            Activity(
                account_id=ACCOUNT,
                campaign_activity_id=activity_id(send),
                campaign_id=campaign_id(send),
                campaign_name="Spring news for everybody who subscribed to it",
                sent_at=instant(send.sent),
                tracked_at=self.account.clock.now(),
            )
        )

    def untrack(self, send: Send) -> None:
        self.account.untrack(send)
        self.tracked.remove(send)
        self._tracking.remove(ACCOUNT, activity_id(send))

    def minute(self, began: datetime) -> None:
        """Take the turn of a minute's schedule, and those that wake-ups start before the next."""
        clock = self.account.clock
        clock.instant = max(clock.instant, began)
        if clock.instant >= began + MINUTE:
            return
        self.meter.use({SCHEDULER: 1})
        self._turn({"account_id": ACCOUNT})
        while due := [
            message for message in self.session.sqs.messages if message[0] < began + MINUTE
        ]:
            at, body = message = min(due)
            self.session.sqs.messages.remove(message)
            clock.instant = max(clock.instant, at)
            self.woken += 1
            self._turn(woken_by(body))

    def _turn(self, event: dict[str, Any]) -> None:
        cpu = CPU_TURN + CPU_ACTIVITY * len(self.tracked)
        began = self.account.clock.now()
        self.account.clock.sleep(self.function.seconds(cpu))
        self.turns += 1
        self._invoke(self._poll, event, self.function, 60, began)

    def _invoke(
        self,
        app: ModuleType,
        event: dict[str, Any],
        function: Function,
        timeout: int,
        began: datetime | None = None,
    ) -> None:
        clock = self.account.clock
        began = began or clock.now()
        context = Context(
            request_id=f"{self.turns:08}-0000-4000-8000-000000000000", seconds=timeout
        )
        with logged(app) as lines:
            reply = app.handler(event, context)
        self.meter.use({LOGS: gigabytes(lines)})
        hour = began.replace(minute=0, second=0, microsecond=0)
        self.metric_hours |= {(name, hour) for name in metrics(lines)}
        if any(turn["failed"] for turn in reply.get("turns", [reply])):
            raise SystemExit(f"A turn failed: {reply}")
        seconds = (clock.now() - began).total_seconds()
        self.meter.use({LAMBDA_REQUESTS: 1, LAMBDA_DURATION: seconds * function.gb})


def woken_by(body: str) -> dict[str, Any]:
    """Return the event with which SQS invokes the function for a message."""
    record = {
        "messageId": "059f36b4-87a3-44ab-83d2-661975a7a7d1",
        "receiptHandle": "h",
        "body": body,
        "attributes": {"ApproximateReceiveCount": "1"},
        "messageAttributes": {},
        "eventSource": "aws:sqs",
    }
    return {"Records": [record]}

"""What a million opens with an alert cost, from counted calls: `python -m bench.alert_cost`.

The real turns publish a send as it is opened, over its first day, and the real alert posts what its
filter lets through; AWS is replaced by clients that count requests and capacity units. What a turn
pays without opens is not counted. It takes about ten minutes.
"""

from bisect import bisect_right
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import batched, groupby
from math import ceil
from operator import itemgetter
from random import Random
from typing import Any

from bench.aws import Clients, InstantAws
from bench.figures import Figure, show
from bench.idle import item_bytes
from bench.product import activity, over_aws
from bench.vendor import SENT, Vendor, contact_id, reports
from email_opens.adapters.aws.decisions import DynamoDBDecisions
from email_opens.alerts.alerts import Alerts, Incoming
from email_opens.alerts.deduplication import Deduplication
from email_opens.alerts.ports import Reply
from tests.chains import turns_of_a_minute
from tests.fakes import FakeClock

OPENS = 1_000_000
CONTACTS = 600_000
"""Six opens in ten are a contact's first."""
DAYS = 1
"""Of the send's life; what comes later is scaled up with the rest."""
MILLION = 1_000_000

PRICES = {
    "SNS requests": 0.50,
    "SQS requests": 0.40,
    "DynamoDB write units": 0.625,
    "DynamoDB read units": 0.125,
    "Lambda invocations": 0.20,
}
"""USD a million, us-east-1, November 2026, as in docs/cost-and-scale.md."""
LAMBDA_GB_SECOND = 0.0000133334
"""USD, arm64."""
ALERT_GB = 0.25
POST_SECONDS = 0.25
"""Assumed: a post, and the rest of an invocation."""

WRITE_BYTES, READ_BYTES = 1024, 4096
FRESH_SECONDS = 900
RECEIVED_AT_ONCE = 10
BATCH = 100
RECEIVERS = 2
"""Assumed: as many of Lambda's receivers share the messages that arrive at once."""
ALERTS = "alerts"
LEDGER = "ledger"


type Published = tuple[datetime, list[dict[str, Any]]]
"""A batch as the topic receives it, and when."""


class GrowingVendor(Vendor):
    """A report to which each open is added at its instant, by the clock."""

    def __init__(self, clock: FakeClock) -> None:
        random = Random(1)
        self._instants = sorted(SENT + _after_send(random.random()) for _ in range(OPENS))
        self._contacts = [random.randrange(CONTACTS) for _ in range(OPENS)]
        self._clock = clock
        super().__init__(0, lambda number: self._instants[number])

    def _row(self, number: int) -> dict[str, str]:
        return super()._row(number) | {"contact_id": contact_id(self._contacts[number])}

    @property
    def rows(self) -> int:
        return bisect_right(self._instants, self._clock.now())

    @rows.setter
    def rows(self, rows: int) -> None:
        del rows


def _after_send(share: float) -> timedelta:
    """Return when a share of the opens has come, at the rate (1 + t/3h)^-1.6."""
    return timedelta(hours=min(3 * ((1 - share) ** (-1 / 0.6) - 1), 60 * 24))


@dataclass(slots=True)
class Usage:
    """What was used, by the name of its price."""

    used: Counter[str] = field(default_factory=Counter)
    gb_seconds: float = 0.0

    def cost(self, opens: int, *names: str) -> float:
        """Return the cost of a million opens in USD, of these or of all services."""
        counted = {name: self.used[name] for name in names or PRICES}
        cost = sum(PRICES[name] * number / opens for name, number in counted.items())
        return cost if names else cost + self.gb_seconds * LAMBDA_GB_SECOND * MILLION / opens


class CountingAws(InstantAws):
    """Counts requests and capacity units of what depends on opens."""

    def __init__(self, usage: Usage, clock: FakeClock) -> None:
        super().__init__()
        self._usage = usage
        self._clock = clock
        self.published: list[Published] = []

    def publish_batch(self, **parameters: Any) -> dict[str, Any]:
        entries = parameters["PublishBatchRequestEntries"]
        size = sum(len(entry["Message"]) + 400 for entry in entries)
        self._usage.used["SNS requests"] += ceil(size / 65_536)
        self.published.append((self._clock.now(), entries))
        return super().publish_batch(**parameters)

    def put_item(self, **parameters: Any) -> dict[str, Any]:
        if parameters["TableName"] in (LEDGER, ALERTS):
            self._written(parameters["Item"])
        return super().put_item(**parameters)

    def batch_write_item(self, **parameters: Any) -> dict[str, Any]:
        for write in parameters["RequestItems"][LEDGER]:
            self._written(write["PutRequest"]["Item"])
        return super().batch_write_item(**parameters)

    def query(self, **parameters: Any) -> dict[str, Any]:
        reply = super().query(**parameters)
        if parameters["TableName"] in (LEDGER, ALERTS):
            size = sum(
                item_bytes({**item, "campaign_activity_id": {"S": "u" * 36}})
                for item in reply["Items"]
            )
            self._usage.used["DynamoDB read units"] += max(1, ceil(size / READ_BYTES))
        return reply

    def _written(self, item: Mapping[str, Any]) -> None:
        self._usage.used["DynamoDB write units"] += ceil(item_bytes(dict(item)) / WRITE_BYTES)


@dataclass(slots=True)
class Chat:
    """A webhook that accepts every post; it is its own address."""

    mend: str = "nothing is broken"

    def read(self) -> str:
        return "https://hooks.slack.com/services/T/B/X"

    def forget(self) -> None:
        raise NotImplementedError

    def post(self, url: str, document: bytes, *, before: datetime) -> Reply:
        del url, document, before
        return Reply(status=200, body=b"ok")


def publications(usage: Usage) -> Iterator[Published]:
    """Yield the batches that turns publish, as turns of a minute follow one another."""
    clock = FakeClock(SENT)
    aws = CountingAws(usage, clock)
    product = over_aws(Clients(aws, aws, aws), clock, reports(GrowingVendor(clock), clock))
    product.tracking.add(activity(SENT))
    while clock.now() < SENT + timedelta(days=DAYS):
        until = clock.now() + timedelta(seconds=60)
        for turn in turns_of_a_minute(product, clock, commit=timedelta(seconds=6)):
            if turn.failures:
                raise turn.failures[0].error
            yield from aws.published
            aws.published.clear()
        clock.sleep(max(0.0, (until - clock.now()).total_seconds()))


class Alert:
    """One of the function's containers, with what passes the queue's filter."""

    def __init__(self, usage: Usage) -> None:
        self._usage = usage
        self._clock = FakeClock(SENT)
        decisions = DynamoDBDecisions(
            CountingAws(usage, self._clock),  # type: ignore[arg-type]
            ALERTS,
            timedelta(days=30),
            self._clock,
        )
        self._alerts = Alerts(
            address=Chat(),
            web=Chat(),
            deduplication=Deduplication(decisions, self._clock),
            clock=self._clock,
        )
        self.opens = self.posts = 0

    def receive(self, at: datetime, bodies: list[str]) -> None:
        """Take the messages that arrive at an instant."""
        self._clock.instant = max(self._clock.now(), at)
        for batch in batched(bodies, BATCH, strict=False):
            # Sent by SNS, then received and deleted ten at a time.
            self._usage.used["SQS requests"] += len(batch) + 2 * ceil(len(batch) / RECEIVED_AT_ONCE)
            self._invoke(list(batch))

    def _invoke(self, bodies: list[str]) -> None:
        started = self._clock.now()
        delivered = self._alerts.deliver(
            [Incoming(key=str(key), body=body) for key, body in enumerate(bodies)],
            before=started + timedelta(seconds=50),
        )
        if delivered.opens != len(bodies):
            raise SystemExit(f"The alert shows {delivered.opens} of {len(bodies)} opens.")
        self.opens += delivered.opens
        self.posts += delivered.posts
        self._clock.sleep(POST_SECONDS)
        seconds = (self._clock.now() - started).total_seconds()
        self._usage.used["Lambda invocations"] += 1
        self._usage.gb_seconds += ALERT_GB * seconds


def _passes(attributes: Mapping[str, Mapping[str, str]]) -> bool:
    """Return whether a message passes the alert's filter by default."""
    delay = int(attributes["delay_seconds"]["StringValue"])
    return delay < FRESH_SECONDS and attributes["first_open"]["StringValue"] == "true"


def main() -> None:
    publishing, alerting = Usage(), Usage()
    alerts = [Alert(alerting) for _ in range(RECEIVERS)]
    opens = batches_made = 0
    for at, batches in groupby(publications(publishing), key=itemgetter(0)):
        bodies: list[str] = []
        for _, entries in batches:
            opens += len(entries)
            batches_made += 1
            bodies += [one["Message"] for one in entries if _passes(one["MessageAttributes"])]
        for number, alert in enumerate(alerts):
            alert.receive(at, bodies[number::RECEIVERS])
    total = Usage(publishing.used + alerting.used, publishing.gb_seconds + alerting.gb_seconds)
    messages = total.cost(opens, "SNS requests", "SQS requests")
    whole = total.cost(opens)
    figures = [
        Figure(
            name,
            f"{total.used[name] * MILLION / opens:,.0f} a million opens, "
            f"{total.cost(opens, name):.2f} USD",
        )
        for name in PRICES
    ]
    seconds = alerting.gb_seconds * LAMBDA_GB_SECOND * MILLION / opens
    show(
        "A million opens with an alert",
        [
            Figure("opens published", f"{opens:,} in {batches_made:,} batches"),
            Figure(
                "opens shown",
                f"{sum(alert.opens for alert in alerts):,} in "
                f"{sum(alert.posts for alert in alerts):,} posts",
            ),
            *figures,
            Figure("Lambda, duration of the alert", f"{seconds:.2f} USD"),
            Figure("SNS and SQS alone", f"{messages:.2f} USD"),
            Figure(
                "all together",
                f"{whole:.2f} USD, {whole / messages:.2f} times",
                "≤ 1.5 times SNS and SQS alone",
                whole <= 1.5 * messages,
            ),
        ],
        f"A send of {OPENS:,} opens by {CONTACTS:,} contacts, in its first day. What turns pay "
        "without opens is not counted: see docs/cost-and-scale.md.",
        f"Assumed: {POST_SECONDS} s for an invocation besides its waits for the chat's pace, and "
        f"{RECEIVERS} receivers that share what arrives at once.",
    )


if __name__ == "__main__":
    main()

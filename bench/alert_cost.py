"""What a million opens with an alert cost, from counted calls: `python -m bench.alert_cost`.

The real turns publish a send as it is opened, over its first day, and the real alert posts what its
filter lets through; AWS is replaced by clients that count requests and capacity units. What a turn
pays without opens is not counted. It takes about ten minutes.
"""

from bisect import bisect_right
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import batched, groupby
from math import ceil
from operator import itemgetter
from random import Random
from typing import Any

from bench.aws import Clients
from bench.cost.aws_clients import CountingSns, CountingSqs
from bench.cost.dynamodb import CountingDynamoDB
from bench.cost.prices import (
    LAMBDA_DURATION,
    LAMBDA_REQUESTS,
    MILLION,
    READS,
    SNS,
    SQS,
    WRITES,
)
from bench.cost.usage import Meter, added, cost, scaled
from bench.figures import Figure, show
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
LINES = (SNS, SQS, WRITES, READS, LAMBDA_REQUESTS)
ALERT_GB = 0.25
POST_SECONDS = 0.25
"""Assumed: a post, and the rest of an invocation."""

FRESH_SECONDS = 900
RECEIVED_AT_ONCE = 10
BATCH = 100
RECEIVERS = 2
"""Assumed: as many of Lambda's receivers share the messages that arrive at once."""
UNCOUNTED = frozenset({"tracking"})
"""The table that turns use without opens too."""


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
class Topic:
    """A client of SNS that keeps what is published."""

    sns: CountingSns
    published: list[Published] = field(default_factory=list)

    def publish_batch(self, **call: Any) -> dict[str, Any]:
        self.published.append((self.sns.meter.clock.now(), call["PublishBatchRequestEntries"]))
        return self.sns.publish_batch(**call)


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


def publications(meter: Meter) -> Iterator[Published]:
    """Yield the batches that turns publish, as turns of a minute follow one another."""
    clock, topic = meter.clock, Topic(CountingSns(meter))
    clients = Clients(CountingDynamoDB(meter, uncounted=UNCOUNTED), topic, CountingSqs(meter))
    product = over_aws(clients, clock, reports(GrowingVendor(clock), clock))
    product.tracking.add(activity(SENT))
    while clock.now() < SENT + timedelta(days=DAYS):
        until = clock.now() + timedelta(seconds=60)
        for turn in turns_of_a_minute(product, clock, commit=timedelta(seconds=6)):
            if turn.failures:
                raise turn.failures[0].error
            yield from topic.published
            topic.published.clear()
        clock.sleep(max(0.0, (until - clock.now()).total_seconds()))


class Alert:
    """One of the function's containers, with what passes the queue's filter."""

    def __init__(self, meter: Meter) -> None:
        self.meter = meter
        self._clock = meter.clock
        decisions = DynamoDBDecisions(
            CountingDynamoDB(meter),  # type: ignore[arg-type]
            "alerts",
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
            received = 2 * ceil(len(batch) / RECEIVED_AT_ONCE)
            self.meter.use({SQS: len(batch) + received})
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
        self.meter.use({LAMBDA_REQUESTS: 1, LAMBDA_DURATION: ALERT_GB * seconds})


def _passes(attributes: Mapping[str, Mapping[str, str]]) -> bool:
    """Return whether a message passes the alert's filter by default."""
    delay = int(attributes["delay_seconds"]["StringValue"])
    return delay < FRESH_SECONDS and attributes["first_open"]["StringValue"] == "true"


def main() -> None:
    publishing = Meter(FakeClock(SENT))
    alerts = [Alert(Meter(FakeClock(SENT))) for _ in range(RECEIVERS)]
    opens = batches_made = 0
    for at, batches in groupby(publications(publishing), key=itemgetter(0)):
        bodies: list[str] = []
        for _, entries in batches:
            opens += len(entries)
            batches_made += 1
            bodies += [one["Message"] for one in entries if _passes(one["MessageAttributes"])]
        for number, alert in enumerate(alerts):
            alert.receive(at, bodies[number::RECEIVERS])
    used = added(publishing.units, *(alert.meter.units for alert in alerts))
    a_million = scaled(used, MILLION / opens)
    messages, whole = cost({line: a_million[line] for line in (SNS, SQS)}), cost(a_million)
    figures = [
        Figure(
            line,
            f"{a_million[line]:,.0f} a million opens, {cost({line: a_million[line]}):.2f} USD",
        )
        for line in LINES
    ]
    seconds = cost({LAMBDA_DURATION: a_million[LAMBDA_DURATION]})
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

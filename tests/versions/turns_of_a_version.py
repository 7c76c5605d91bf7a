"""A program that takes turns with whichever version of the product is on its path.

It reads a JSON object from the file that is its argument, and writes one to its output. It uses
nothing of the tests, and of the product only what each version has.
"""

import json
import os
import sys
from base64 import b64decode, b64encode
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from email_opens.allowance.lease import Leases
from email_opens.discovery.campaigns import SearchMemory, SeenCampaign
from email_opens.errors import AccountStopped
from email_opens.model import (
    LEDGER_KEPT,
    Activity,
    CounterReadings,
    Estimate,
    NewOpen,
    Open,
    Page,
    Profile,
    State,
)
from email_opens.ports import Delivery
from email_opens.turns.turns import Turns

ACCOUNT = "default"
PAGE_ROWS = 3
"""Small pages, so that a report of a few rows takes several stretches and leaves gaps."""
STEP = timedelta(minutes=20)
"""The time between turns: longer than any interval between polls of a fresh send."""
KEYS = {"tracking": ("account_id", "item"), "ledger": ("campaign_activity_id", "entry")}


class Clock:
    def __init__(self, now: datetime) -> None:
        self.instant = now

    def now(self) -> datetime:
        return self.instant

    def sleep(self, seconds: float) -> None:
        self.instant += timedelta(seconds=seconds)


class Vendor:
    """The vendor's reports and counters; each request counts against the budget."""

    throttled = 0

    def __init__(self, reports: dict[str, list[Open]], clock: Clock, budget: Any) -> None:
        self._reports, self._clock, self._budget = reports, clock, budget
        self.requests = 0

    def read(self, activity_id: str, *, link: str | None, rows: int, before: datetime) -> Page:
        del rows, before
        self._request()
        first = int(link or 0)
        below = first + PAGE_ROWS
        shown = self._reports[activity_id]
        next_link = str(below) if below < len(shown) else None
        return Page(link, tuple(shown[first:below]), next_link=next_link)

    def count(self, campaign_ids: Sequence[str], *, before: datetime) -> CounterReadings:
        del before
        self._request()
        opens = {name: len(self._reports[name.removeprefix("of ")]) for name in campaign_ids}
        return CounterReadings(opens, self._clock.now())

    def _request(self) -> None:
        self._budget.ready()
        self._budget.take()
        self.requests += 1


class Topic:
    def __init__(self) -> None:
        self.published: list[str] = []

    def publish(
        self, activity: Activity, opens: Sequence[NewOpen], now: datetime
    ) -> Delivery[NewOpen]:
        del activity, now
        self.published += [new.event_id for new in opens]
        return Delivery(settled=tuple(opens))

    def set_aside(self, activity: Activity, rows: Sequence[Any]) -> Delivery[Any]:
        raise AssertionError((activity, rows))


@contextmanager
def dynamodb(world: dict[str, Any], clock: Clock) -> Iterator[Any]:
    """Give the ports over DynamoDB, with the items of the world, which are put back into it."""
    import boto3  # noqa: PLC0415 - SQLite needs none of it
    from moto import mock_aws  # noqa: PLC0415

    from email_opens.adapters.aws.decisions import DynamoDBDecisions  # noqa: PLC0415
    from email_opens.adapters.aws.ledger import DynamoDBLedger  # noqa: PLC0415
    from email_opens.adapters.aws.seen_campaigns import DynamoDBSeenCampaigns  # noqa: PLC0415
    from email_opens.adapters.aws.tracking import DynamoDBTracking  # noqa: PLC0415

    with mock_aws():
        client: Any = boto3.client("dynamodb", region_name="eu-west-1")
        for table, names in KEYS.items():
            client.create_table(
                TableName=table,
                BillingMode="PAY_PER_REQUEST",
                KeySchema=[
                    {"AttributeName": name, "KeyType": kind}
                    for name, kind in zip(names, ("HASH", "RANGE"), strict=True)
                ],
                AttributeDefinitions=[{"AttributeName": n, "AttributeType": "S"} for n in names],
            )
            items = decoded(world["items"].get(table, []))
            for first in range(0, len(items), 25):
                writes = [{"PutRequest": {"Item": item}} for item in items[first : first + 25]]
                client.batch_write_item(RequestItems={table: writes})
        yield (
            DynamoDBTracking(client, "tracking"),
            DynamoDBLedger(client, "ledger", LEDGER_KEPT, clock),
            DynamoDBDecisions(client, "ledger", LEDGER_KEPT, clock),
            DynamoDBSeenCampaigns(client, "tracking"),
        )
        for table in KEYS:
            pages = client.get_paginator("scan").paginate(TableName=table)
            world["items"][table] = encoded([item for page in pages for item in page["Items"]])


@contextmanager
def sqlite(world: dict[str, Any], clock: Clock) -> Iterator[Any]:
    """Give the ports over a state file."""
    from email_opens.adapters.local.decisions import SqliteDecisions  # noqa: PLC0415
    from email_opens.adapters.local.ledger import SqliteLedger  # noqa: PLC0415
    from email_opens.adapters.local.seen_campaigns import SqliteSeenCampaigns  # noqa: PLC0415
    from email_opens.adapters.local.state_file import StateFile  # noqa: PLC0415
    from email_opens.adapters.local.tracking import SqliteTracking  # noqa: PLC0415

    del clock
    with StateFile(Path(world["path"])) as state:
        yield (
            SqliteTracking(state),
            SqliteLedger(state),
            SqliteDecisions(state),
            SqliteSeenCampaigns(state),
        )


STORES: dict[str, Callable[[dict[str, Any], Clock], Any]] = {"dynamodb": dynamodb, "sqlite": sqlite}


def encoded(value: Any) -> Any:
    """Return an item as JSON can hold it."""
    if isinstance(value, bytes):
        return {"base64": b64encode(value).decode()}
    if isinstance(value, dict):
        return {name: encoded(inner) for name, inner in value.items()}
    return [encoded(inner) for inner in value] if isinstance(value, list) else value


def decoded(value: Any) -> Any:
    """Return what `encoded` was given."""
    if isinstance(value, dict):
        if value.keys() == {"base64"}:
            return b64decode(value["base64"])
        return {name: decoded(inner) for name, inner in value.items()}
    return [decoded(inner) for inner in value] if isinstance(value, list) else value


def activity_of(activity_id: str, kind: str, now: datetime) -> Activity:
    """Return an activity to track; its kind is a state, perhaps with “long ago” after it."""
    state, _, long_ago = kind.partition(" ")
    sent_at = now - (timedelta(days=90) if long_ago else timedelta(hours=1))
    rates = Profile(estimate=Estimate(3.5, 12345.6), pages=1.25)
    return Activity(
        account_id=ACCOUNT,
        campaign_activity_id=activity_id,
        campaign_id=f"of {activity_id}",
        campaign_name="March news",
        subject="What is new in March",
        state=State(state),
        sent_at=sent_at,
        tracked_at=sent_at if long_ago else now,
        weight=2.5,
        profile=rates,
    )


def take_turns(world: dict[str, Any]) -> dict[str, Any]:
    """Take the turns of a world, and return what they did."""
    clock, topic = Clock(datetime.fromisoformat(world["now"])), Topic()
    reports = {
        activity_id: [
            Open(activity_id, contact, datetime.fromisoformat(at), "mobile", None)
            for contact, at in rows
        ]
        for activity_id, rows in world["reports"].items()
    }
    failed: set[str] = set()
    stopped = None
    with STORES[world["store"]](world, clock) as (tracking, ledger, decisions, seen):
        for activity_id, kind in world.get("track", {}).items():
            tracking.add(activity_of(activity_id, kind, clock.now()))
        memory = seen.load(ACCOUNT)
        seen.store(ACCOUNT, memory if memory.campaigns else first_memory(clock.now()))
        turns = Turns(
            leases=Leases(tracking=tracking, clock=clock, requests_per_day=10**8),
            tracking=tracking,
            ledger=ledger,
            publisher=topic,
            clock=clock,
            report=lambda _, budget: Vendor(reports, clock, budget),
            lookback=timedelta(hours=2),
            decisions=decisions,
        )
        for turn in range(world["turns"]):
            try:
                report = turns.take_turn(ACCOUNT, holder=f"{turn} of {world['now']}")
            except AccountStopped as error:
                stopped = str(error)
                break
            failed |= {f"{failure.error}" for failure in report.failures}
            stopped = str(report.stopped) if report.stopped else None
            clock.instant += STEP
        states = {
            activity.campaign_activity_id: activity.state.value
            for activity in tracking.activities(ACCOUNT)
        }
    return {
        "now": clock.now().isoformat(),
        "items": world["items"],
        "published": topic.published,
        "failed": sorted(failed),
        "stopped": stopped,
        "states": states,
    }


def first_memory(now: datetime) -> SearchMemory:
    return SearchMemory({"news": SeenCampaign(now), "sale": SeenCampaign(now, left_out="[Test]")})


if __name__ == "__main__":
    os.environ.setdefault("AWS_ACCESS_KEY_ID", "testing")
    os.environ.setdefault("AWS_SECRET_ACCESS_KEY", "testing")
    print(json.dumps(take_turns(json.loads(Path(sys.argv[1]).read_text()))))  # noqa: T201

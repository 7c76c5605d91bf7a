"""DynamoDB's writes of a round that finds nothing: `python -m bench.idle`.

The embedded DynamoDB checks every condition, so that a write which fails and is tried again counts.
"""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import Any
from unittest.mock import patch

import boto3
from moto import mock_aws

from bench.aws import AwsAtOnce, Clients
from bench.figures import Figure, show
from bench.product import activity, invoke, over_aws
from bench.vendor import Vendor, reports, steadily
from tests.fakes import FakeClock

ROWS = 1_200
WRITES = frozenset({"put_item", "update_item", "delete_item", "batch_write_item"})
UNIT_BYTES = 1024
LONG_NAME = "n" * 80
KEYS = {"tracking": ("account_id", "item"), "ledger": ("campaign_activity_id", "entry")}


@dataclass(frozen=True, slots=True)
class Written:
    """A DynamoDB client that notes each write, and the bytes of the item right after it."""

    client: Any
    writes: list[tuple[str, int]] = field(default_factory=list)

    def __getattr__(self, name: str) -> Any:
        method = getattr(self.client, name)
        if name not in WRITES:
            return method

        def noted(**asked: Any) -> Any:
            try:
                return method(**asked)
            finally:  # A refused write costs its units too.
                self.writes.extend((name, size) for size in self._sizes(asked))

        return noted

    def _sizes(self, asked: dict[str, Any]) -> list[int]:
        if "RequestItems" in asked:
            puts = [put for table in asked["RequestItems"].values() for put in table]
            return [item_bytes(put["PutRequest"]["Item"]) for put in puts]
        names = KEYS[asked["TableName"]]
        key = asked.get("Key") or {name: asked["Item"][name] for name in names}
        return [item_bytes(self.client.get_item(TableName=asked["TableName"], Key=key)["Item"])]


def item_bytes(item: dict[str, Any]) -> int:
    """Size an item as DynamoDB does: names and values; a number's digits two to a byte."""
    return sum(len(name.encode()) + _value_bytes(value) for name, value in item.items())


def _value_bytes(value: dict[str, Any]) -> int:
    kind, content = next(iter(value.items()))
    match kind:
        case "N":
            return len(content) // 2 + 2
        case "M":
            return 3 + len(content) + item_bytes(content)
        case "L":
            return 3 + len(content) + sum(map(_value_bytes, content))
        case _:
            return len(content if isinstance(content, bytes) else str(content).encode())


@contextmanager
def embedded() -> Iterator[Any]:
    names = {
        "AWS_ACCESS_KEY_ID": "bench",
        "AWS_SECRET_ACCESS_KEY": "bench",
        "AWS_DEFAULT_REGION": "eu-west-1",
    }
    with patch.dict(os.environ, names), mock_aws():
        client = boto3.client("dynamodb")
        for table, (partition, sort) in KEYS.items():
            client.create_table(
                TableName=table,
                BillingMode="PAY_PER_REQUEST",
                AttributeDefinitions=[
                    {"AttributeName": partition, "AttributeType": "S"},
                    {"AttributeName": sort, "AttributeType": "S"},
                ],
                KeySchema=[
                    {"AttributeName": partition, "KeyType": "HASH"},
                    {"AttributeName": sort, "KeyType": "RANGE"},
                ],
            )
        yield client


def writes_of_an_idle_round(client: Any) -> list[tuple[str, int]]:
    """Return the calls, and the bytes of the item that each has left."""
    created = steadily(10)
    vendor = Vendor(ROWS, created)
    clock = FakeClock(created(ROWS) + timedelta(minutes=1))
    sns = AwsAtOnce()
    written = Written(client)
    product = over_aws(Clients(written, sns, sns), clock, reports(vendor, clock))
    product.tracking.add(replace(activity(clock.now()), campaign_name=LONG_NAME))
    if invoke(product, clock).counts.published != ROWS:
        raise SystemExit("the first read has not published all rows")
    clock.sleep(60)
    written.writes.clear()
    turn = invoke(product, clock)
    if turn.counts.published or turn.requests != 1:
        raise SystemExit("the round was not idle")
    return written.writes


def main() -> None:
    with embedded() as client:
        writes = writes_of_an_idle_round(client)
    units = [-(-size // UNIT_BYTES) for _, size in writes]
    show(
        "DynamoDB's writes of a round that finds nothing, one activity",
        [
            Figure(
                "writes",
                f"{len(writes)}: " + ", ".join(f"{name} {size} bytes" for name, size in writes),
                "≤ 3",
                len(writes) <= 3,
            ),
            Figure("units of the largest", f"{max(units)}", "1", max(units) == 1),
        ],
        f"An activity without gaps, its campaign's name {len(LONG_NAME)} characters long; "
        "moto's DynamoDB.",
    )


if __name__ == "__main__":
    main()

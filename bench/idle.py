"""DynamoDB writes of a turn that finds nothing: `python -m bench.idle`.

moto's DynamoDB checks every condition, so that a write that fails and is retried counts too.
"""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from copy import replace
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any
from unittest.mock import patch

import boto3
from moto import mock_aws

from bench.aws import Clients, InstantAws
from bench.figures import Figure, show
from bench.product import activity, invoke, over_aws
from bench.vendor import Vendor, reports, steadily
from tests.fakes import FakeClock

ROWS = 1_200
WRITES = frozenset({"put_item", "update_item", "delete_item", "batch_write_item"})
UNIT_BYTES = 1024
LONG_NAME = "n" * 80
_ENTRIES = ("campaign_activity_id", "entry")
KEYS = {"tracking": ("account_id", "item"), "ledger": _ENTRIES, "alerts": _ENTRIES}
"""The keys of each table."""


@dataclass(frozen=True, slots=True)
class RecordingClient:
    """A DynamoDB client that records each write with the size of the item after it, in bytes."""

    client: Any
    writes: list[tuple[str, int]] = field(default_factory=list)

    def __getattr__(self, name: str) -> Any:
        method = getattr(self.client, name)
        if name not in WRITES:
            return method

        def recorded(**parameters: Any) -> Any:
            try:
                return method(**parameters)
            finally:  # A refused write also costs its units.
                self.writes.extend((name, size) for size in self._sizes(parameters))

        return recorded

    def _sizes(self, parameters: dict[str, Any]) -> list[int]:
        if "RequestItems" in parameters:
            puts = [put for table in parameters["RequestItems"].values() for put in table]
            return [item_bytes(put["PutRequest"]["Item"]) for put in puts]
        names = KEYS[parameters["TableName"]]
        key = parameters.get("Key") or {name: parameters["Item"][name] for name in names}
        return [
            item_bytes(self.client.get_item(TableName=parameters["TableName"], Key=key)["Item"])
        ]


def item_bytes(item: dict[str, Any]) -> int:
    """Return an item's size as DynamoDB counts it: names and values, two digits to a byte."""
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


def writes_of_an_idle_turn(client: Any) -> list[tuple[str, int]]:
    """Return the writes, each with the size of the item after it in bytes."""
    created = steadily(10)
    vendor = Vendor(ROWS, created)
    clock = FakeClock(created(ROWS) + timedelta(minutes=1))
    sns = InstantAws()
    recording = RecordingClient(client)
    product = over_aws(Clients(recording, sns, sns), clock, reports(vendor, clock))
    product.tracking.add(replace(activity(clock.now()), campaign_name=LONG_NAME))
    if invoke(product, clock).counts.published != ROWS:
        raise SystemExit("The first read did not publish all rows.")
    clock.sleep(60)
    recording.writes.clear()
    turn = invoke(product, clock)
    if turn.counts.published or turn.requests != 1:
        raise SystemExit("The turn was not idle.")
    return recording.writes


def main() -> None:
    with embedded() as client:
        writes = writes_of_an_idle_turn(client)
    units = [-(-size // UNIT_BYTES) for _, size in writes]
    show(
        "DynamoDB writes of a turn that finds nothing, one activity",
        [
            Figure(
                "writes",
                f"{len(writes)}: " + ", ".join(f"{name} {size} bytes" for name, size in writes),
                "≤ 3",
                len(writes) <= 3,
            ),
            Figure("write units of the largest", f"{max(units)}", "1", max(units) == 1),
        ],
        f"An activity without gaps, with a campaign name of {len(LONG_NAME)} characters; "
        "moto's DynamoDB.",
    )


if __name__ == "__main__":
    main()

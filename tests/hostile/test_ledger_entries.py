"""Malformed entries in the ledger."""

from collections.abc import Mapping
from collections.abc import Set as AbstractSet
from typing import Any

import pytest

from email_opens.adapters.aws.ledger import DynamoDBLedger
from email_opens.errors import ActivityFailed
from email_opens.model import LEDGER_KEPT
from tests.conftest import Aws
from tests.contract.samples import ACTIVITY_ID
from tests.fakes import FakeClock

HOUR = "2026-03-02T14"
MARK = b"eight by"
FOREVER: dict[str, Any] = {"N": "4102444800"}


@pytest.fixture
def ledger(aws: Aws, clock: FakeClock) -> DynamoDBLedger:
    return DynamoDBLedger(aws.dynamodb, aws.ledger_table, LEDGER_KEPT, clock)


def put(aws: Aws, entry: str = f"{HOUR}#1", **attributes: Any) -> None:
    key: dict[str, Any] = {"campaign_activity_id": {"S": ACTIVITY_ID}, "entry": {"S": entry}}
    aws.dynamodb.put_item(TableName=aws.ledger_table, Item=key | attributes)


def stored(ledger: DynamoDBLedger) -> Mapping[str, AbstractSet[bytes]]:
    return ledger.fingerprints(ACTIVITY_ID, HOUR, HOUR)


@pytest.mark.parametrize(
    "expires_at",
    [
        {},
        {"expires_at": {"S": "2026"}},
        {"expires_at": {"NULL": True}},
        {"expires_at": {"N": "4102444800.5"}},
        {"expires_at": {"N": "1E+30"}},
    ],
    ids=["missing", "text", "null", "fraction", "huge"],
)
def test_an_entry_without_a_usable_expiry_counts(
    aws: Aws, ledger: DynamoDBLedger, expires_at: dict[str, Any]
) -> None:
    put(aws, fingerprints={"B": MARK}, **expires_at)
    assert stored(ledger) == {HOUR: {MARK}}


@pytest.mark.parametrize("number", ["0", "-1", "1.5", "-1E+30"])
def test_an_entry_that_expired_long_ago_does_not_count(
    aws: Aws, ledger: DynamoDBLedger, number: str
) -> None:
    put(aws, fingerprints={"B": MARK}, expires_at={"N": number})
    assert stored(ledger) == {}


@pytest.mark.parametrize(
    "fingerprints",
    [
        {},
        {"fingerprints": {"S": "eight by"}},
        {"fingerprints": {"B": MARK[:7]}},
        {"fingerprints": {"B": MARK + b"x"}},
        {"fingerprints": {"BS": [MARK]}},
    ],
    ids=["missing", "text", "short", "odd", "set"],
)
def test_an_unreadable_entry_fails_its_activity_and_is_named(
    aws: Aws, ledger: DynamoDBLedger, fingerprints: dict[str, Any]
) -> None:
    put(aws, expires_at=FOREVER, **fingerprints)
    with pytest.raises(ActivityFailed) as raised:
        stored(ledger)
    assert str(raised.value) == (
        f"The ledger's entry {HOUR}#1 of activity {ACTIVITY_ID} cannot be read. Delete it: its "
        "opens are then published again, under the same ids."
    )


def test_an_unreadable_entry_that_has_expired_fails_nothing(
    aws: Aws, ledger: DynamoDBLedger
) -> None:
    put(aws, fingerprints={"B": b"odd"}, expires_at={"N": "1"})
    assert stored(ledger) == {}


def test_an_empty_entry_fails_nothing(aws: Aws, ledger: DynamoDBLedger) -> None:
    put(aws, fingerprints={"B": b""}, expires_at=FOREVER)
    assert stored(ledger) == {HOUR: set()}


@pytest.mark.parametrize("entry", [HOUR, f"{HOUR}#", f"{HOUR}#1#2"])
def test_an_entry_with_any_suffix_belongs_to_its_hour(
    aws: Aws, ledger: DynamoDBLedger, entry: str
) -> None:
    put(aws, entry, fingerprints={"B": MARK}, expires_at=FOREVER)
    assert stored(ledger) == {HOUR: {MARK}}

"""Stored accounts: records of earlier versions are read and written unchanged."""

import json
import re
from copy import replace
from datetime import UTC, date, datetime, timedelta

import pytest

from email_opens.account import (
    Account,
    Chain,
    CounterTrust,
    ExpectedSend,
    Hours,
    KeyShare,
    Searches,
    WakeUp,
)
from email_opens.adapters.records.accounts import KNOWN, account_from, account_record
from email_opens.adapters.records.attributes import Attribute, Record
from email_opens.errors import AccountStopped

NOON = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)
HOUR = timedelta(hours=1)

FULL_ACCOUNT: Record = {
    "counted_at": {"S": "2026-03-02T12:00:00Z"},
    "told_until": {"S": "2026-03-02T11:00:00Z"},
    "archived": {"S": "2026-03-02T11:30:00Z/5b1e0a52-0000-4000-8000-0000000000aa"},
    "lag_seconds": {"N": "61.5"},
    "missed": {"N": "0.25"},
    "account_id": {"S": "default"},
    "lease_holder": {"S": "a"},
    "lease_until": {"S": "2026-03-02T13:00:00Z"},
    "requests_day": {"S": "2026-03-02"},
    "requests_spent": {"N": "70"},
    "outages": {"N": "3"},
    "hours": {"S": "AEAA" * 24 + "AIAA" * 24},
    "share_day": {"S": "2026-03-01"},
    "share_requests": {"N": "1900"},
    "closed_until": {"S": "2026-03-03T00:00:00Z"},
    "rests_until": {"S": "2026-03-02T12:30:00Z"},
    "vendor_account_id": {"S": "p07e1l4ap5v"},
    "last_error": {"S": "The day's quota is spent."},
    "turn_completed_at": {"S": "2026-03-02T11:59:00Z"},
    "search_completed_at": {"S": "2026-03-02T11:45:00Z"},
    "search_tried_at": {"S": "2026-03-02T11:50:00Z"},
    "schedules_due_at": {"S": "2026-03-02T12:10:00Z"},
    "expected_sends": {
        "S": '[["news", "2026-03-02T13:00:00Z", null], ["sale", "2026-03-02T14:00:00Z", "an id"]]'
    },
    "search_failures": {"N": "2"},
}
MINIMAL_ACCOUNT: Record = {
    "lag_seconds": {"N": "0"},
    "missed": {"N": "0"},
    "account_id": {"S": "default"},
    "requests_spent": {"N": "0"},
}


def test_every_attribute_of_an_account_is_read() -> None:
    assert account_from("default", FULL_ACCOUNT) == Account(
        account_id="default",
        lease_holder="a",
        lease_until=NOON + HOUR,
        requests_day="2026-03-02",
        requests_spent=70,
        closed_until=NOON + 12 * HOUR,
        rests_until=NOON + HOUR / 2,
        outages=3,
        vendor_account_id="p07e1l4ap5v",
        hours=Hours((4.0,) * 24, (8.0,) * 24),
        key_share=KeyShare(1900, date(2026, 3, 1)),
        turn_completed_at=NOON - HOUR / 60,
        searches=Searches(
            completed_at=NOON - HOUR / 4,
            tried_at=NOON - HOUR / 6,
            failures=2,
            schedules_due_at=NOON + HOUR / 6,
            expected=(
                ExpectedSend("news", NOON + HOUR),
                ExpectedSend("sale", NOON + 2 * HOUR, "an id"),
            ),
        ),
        last_error="The day's quota is spent.",
        counter_trust=CounterTrust(
            read_at=NOON,
            current_until=NOON - HOUR,
            lag_seconds=61.5,
            missed=0.25,
            archived_at=NOON - HOUR / 2,
            archived_to="5b1e0a52-0000-4000-8000-0000000000aa",
        ),
    )


@pytest.mark.parametrize("record", [MINIMAL_ACCOUNT, {}], ids=["minimal", "empty"])
def test_missing_attributes_of_an_account_take_their_defaults(record: Record) -> None:
    assert account_from("default", record) == Account(account_id="default")


@pytest.mark.parametrize("record", [FULL_ACCOUNT, MINIMAL_ACCOUNT], ids=["full", "minimal"])
def test_an_account_is_written_back_byte_for_byte(record: Record) -> None:
    written: Record = {"schema": {"N": "1"}, **record}
    assert json.dumps(account_record(account_from("default", record))) == json.dumps(written)


def test_every_attribute_that_is_written_is_known() -> None:
    account = account_from("default", FULL_ACCOUNT)
    woken = replace(account, wake_up=WakeUp(token="8a6b", due_at=NOON, chain=Chain(NOON, 3)))
    assert account_record(woken).keys() | {"item"} == KNOWN


def test_attributes_of_a_newer_version_are_kept() -> None:
    account = account_from("default", {**FULL_ACCOUNT, "colour": {"S": "red"}})
    assert account.unknown == {"colour": {"S": "red"}}
    assert account_record(account)["colour"] == {"S": "red"}


def test_a_newer_schema_stops_the_account_by_name() -> None:
    reason = (
        "The item of account “default” has schema 2, and this version of email-opens understands "
        "schema 1. Deploy or start the newer version again; the changelog names the first release "
        "that understands schema 2. Until then nothing changes the item."
    )
    with pytest.raises(AccountStopped, match=rf"^{re.escape(reason)}$"):
        account_from("default", {"schema": {"N": "2"}, "requests_spent": {"S": "in a new form"}})


@pytest.mark.parametrize(
    "value",
    [
        {"S": "no JSON"},
        {"S": "[1]"},
        {"S": "7"},
        {"S": '[["news", "soon", null]]'},
        {"S": '[["news", "2026-03-02T13:00:00", null]]'},
        {"S": '[["news", "9999-12-31T23:59:59Z", null]]'},
        {"N": "1"},
    ],
)
def test_malformed_scheduled_sends_are_read_again(value: Attribute) -> None:
    account = account_from("default", {**FULL_ACCOUNT, "expected_sends": value})
    assert account.searches.expected == ()


@pytest.mark.parametrize(
    "changed",
    [
        {"share_requests": {"N": "0"}},
        {"share_requests": {"N": "-1"}},
        {"share_requests": {"N": "1e9"}},
        {"share_requests": {"N": "1000000001"}},
        {"share_requests": {"S": "1900"}},
        {"share_day": {"S": "yesterday"}},
        {"share_day": {"N": "1"}},
        {"share_day": {"NULL": True}},
    ],
)
def test_a_malformed_share_of_the_key_is_none(changed: Record) -> None:
    assert account_from("default", FULL_ACCOUNT | changed).key_share is None


@pytest.mark.parametrize("missing", ["share_day", "share_requests"])
def test_half_a_share_of_the_key_is_none(missing: str) -> None:
    record = {name: value for name, value in FULL_ACCOUNT.items() if name != missing}
    assert account_from("default", record).key_share is None


@pytest.mark.parametrize("requests", [1, 10**9])
def test_any_possible_number_of_requests_is_a_share_of_the_key(requests: int) -> None:
    record: Record = FULL_ACCOUNT | {"share_requests": {"N": str(requests)}}
    assert account_from("default", record).key_share == KeyShare(requests, date(2026, 3, 1))

"""Stored accounts and activities: records of earlier versions are read and written unchanged."""

import json
from datetime import UTC, datetime, timedelta

import pytest

from email_opens.account import Account, CounterTrust
from email_opens.adapters.aws.items import activity_item
from email_opens.adapters.records import (
    Record,
    account_from,
    account_record,
    activity_from,
    activity_record,
)
from email_opens.model import Activity, Counts, Estimate, Gap, Profile, Progress, State

NOON = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)
HOUR = timedelta(hours=1)
ACTIVITY_ID = "5b1e0a52-0000-4000-8000-0000000000aa"
CAMPAIGN_ID = "5b1e0a52-0000-4000-8000-0000000000bb"

FULL_ACTIVITY: Record = {
    "account_id": {"S": "default"},
    "item": {"S": f"activity#{ACTIVITY_ID}"},
    "state": {"S": "paused"},
    "campaign_id": {"S": CAMPAIGN_ID},
    "campaign_name": {"S": "March news"},
    "last_error": {"S": "The vendor answered 503."},
    "missing_since": {"S": "2026-03-02T07:00:00Z"},
    "sent_at": {"S": "2026-03-02T09:00:00Z"},
    "tracked_at": {"S": "2026-03-02T10:00:00Z"},
    "tracked_from": {"S": "2026-03-02T08:00:00Z"},
    "watermark": {"S": "2026-03-02T12:00:00.000001Z"},
    "polled_at": {"S": "2026-03-02T13:00:00Z"},
    "head_at": {"S": "2026-03-02T12:30:00Z"},
    "swept_at": {"S": "2026-03-02T14:00:00Z"},
    "audited_at": {"S": "2026-03-02T15:00:00Z"},
    "audit_at": {"S": "2026-03-02T16:00:00Z"},
    "published": {"N": "3"},
    "reported": {"N": "0"},
    "rejected": {"N": "1"},
    "version": {"N": "42"},
    "weight": {"N": "2.5"},
    "pages": {"N": "1.25"},
    "opens": {"N": "12.5"},
    "exposure": {"N": "98765.4"},
    "counter": {"N": "0"},
    "uncounted": {"BOOL": True},
    "gaps": {
        "L": [
            {"M": {"rows_above": {"N": "0"}}},
            {
                "M": {
                    "floor": {"S": "2026-03-02T11:00:00Z"},
                    "ceiling": {"S": "2026-03-02T12:00:00Z"},
                    "link": {"S": "/v3/x?next=y"},
                    "reached": {"S": "2026-03-02T11:30:00Z"},
                    "retry_at": {"S": "2026-03-02T13:00:00Z"},
                    "rows_above": {"N": "500"},
                    "failures": {"N": "2"},
                }
            },
        ]
    },
}
MINIMAL_ACTIVITY: Record = {
    "account_id": {"S": "default"},
    "item": {"S": f"activity#{ACTIVITY_ID}"},
    "state": {"S": "active"},
    "tracked_at": {"S": "2026-03-02T10:00:00Z"},
    "published": {"N": "0"},
    "rejected": {"N": "0"},
    "version": {"N": "0"},
}
FULL_ACCOUNT: Record = {
    "counted_at": {"S": "2026-03-02T12:00:00Z"},
    "told_until": {"S": "2026-03-02T11:00:00Z"},
    "lag_seconds": {"N": "61.5"},
    "missed": {"N": "0.25"},
    "account_id": {"S": "default"},
    "lease_holder": {"S": "a"},
    "lease_until": {"S": "2026-03-02T13:00:00Z"},
    "requests_day": {"S": "2026-03-02"},
    "requests_spent": {"N": "70"},
    "outages": {"N": "3"},
    "closed_until": {"S": "2026-03-03T00:00:00Z"},
    "rests_until": {"S": "2026-03-02T12:30:00Z"},
    "vendor_account_id": {"S": "p07e1l4ap5v"},
    "last_error": {"S": "The day's quota is spent."},
}
MINIMAL_ACCOUNT: Record = {
    "lag_seconds": {"N": "0"},
    "missed": {"N": "0"},
    "account_id": {"S": "default"},
    "requests_spent": {"N": "0"},
}


def test_every_attribute_of_an_activity_is_read() -> None:
    assert activity_from(FULL_ACTIVITY) == Activity(
        account_id="default",
        campaign_activity_id=ACTIVITY_ID,
        campaign_id=CAMPAIGN_ID,
        campaign_name="March news",
        state=State.PAUSED,
        sent_at=NOON - 3 * HOUR,
        tracked_at=NOON - 2 * HOUR,
        tracked_from=NOON - 4 * HOUR,
        weight=2.5,
        progress=Progress(
            watermark=NOON + timedelta(microseconds=1),
            gaps=(
                Gap(floor=None, ceiling=None, link=None),
                Gap(
                    NOON - HOUR,
                    NOON,
                    "/v3/x?next=y",
                    rows_above=500,
                    reached=NOON - HOUR / 2,
                    failures=2,
                    retry_at=NOON + HOUR,
                ),
            ),
            polled_at=NOON + HOUR,
            head_at=NOON + HOUR / 2,
            swept_at=NOON + 2 * HOUR,
            audited_at=NOON + 3 * HOUR,
            audit_at=NOON + 4 * HOUR,
        ),
        counts=Counts(published=3, reported=0, rejected=1),
        profile=Profile(
            estimate=Estimate(opens=12.5, exposure_seconds=98765.4),
            pages=1.25,
            counter=0,
            uncounted=True,
        ),
        last_error="The vendor answered 503.",
        missing_since=NOON - 5 * HOUR,
        version=42,
    )


def test_missing_attributes_of_an_activity_take_their_defaults() -> None:
    assert activity_from(MINIMAL_ACTIVITY) == Activity(
        account_id="default", campaign_activity_id=ACTIVITY_ID, tracked_at=NOON - 2 * HOUR
    )


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
        last_error="The day's quota is spent.",
        counter_trust=CounterTrust(
            read_at=NOON, current_until=NOON - HOUR, lag_seconds=61.5, missed=0.25
        ),
    )


@pytest.mark.parametrize("record", [MINIMAL_ACCOUNT, {}], ids=["minimal", "empty"])
def test_missing_attributes_of_an_account_take_their_defaults(record: Record) -> None:
    assert account_from("default", record) == Account(account_id="default")


@pytest.mark.parametrize("record", [FULL_ACTIVITY, MINIMAL_ACTIVITY], ids=["full", "minimal"])
def test_an_activity_is_written_back_byte_for_byte(record: Record) -> None:
    assert json.dumps(activity_record(activity_from(record))) == json.dumps(record)


@pytest.mark.parametrize("record", [FULL_ACCOUNT, MINIMAL_ACCOUNT], ids=["full", "minimal"])
def test_an_account_is_written_back_byte_for_byte(record: Record) -> None:
    assert json.dumps(account_record(account_from("default", record))) == json.dumps(record)


def test_dynamodb_adds_only_a_write_token_to_a_record() -> None:
    activity = activity_from(FULL_ACTIVITY)
    item, again = activity_item(activity), activity_item(activity)
    assert item.pop("write") != again.pop("write")
    assert item == again == FULL_ACTIVITY

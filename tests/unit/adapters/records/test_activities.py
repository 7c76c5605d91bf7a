"""Stored activities: records of earlier versions are read and written unchanged."""

import json
from copy import replace
from datetime import UTC, datetime, timedelta

import pytest

from email_opens.adapters.aws.items import activity_item
from email_opens.adapters.records.activities import (
    KNOWN,
    KNOWN_OF_GAP,
    activity_from,
    activity_record,
)
from email_opens.adapters.records.attributes import Attribute, Record
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
    "continued_at": {"S": "2026-03-02T12:31:00Z"},
    "swept_at": {"S": "2026-03-02T14:00:00Z"},
    "audited_at": {"S": "2026-03-02T15:00:00Z"},
    "audit_at": {"S": "2026-03-02T16:00:00Z"},
    "surged_at": {"S": "2026-03-02T11:45:00Z"},
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
            continued_at=NOON + timedelta(minutes=31),
            swept_at=NOON + 2 * HOUR,
            audited_at=NOON + 3 * HOUR,
            audit_at=NOON + 4 * HOUR,
        ),
        counts=Counts(published=3, reported=0, rejected=1),
        profile=Profile(
            estimate=Estimate(opens=12.5, exposure_seconds=98765.4),
            surged_at=NOON - HOUR / 4,
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


@pytest.mark.parametrize("record", [FULL_ACTIVITY, MINIMAL_ACTIVITY], ids=["full", "minimal"])
def test_an_activity_is_written_back_byte_for_byte(record: Record) -> None:
    written: Record = {"schema": {"N": "1"}, **record}
    assert json.dumps(activity_record(activity_from(record))) == json.dumps(written)
    assert json.dumps(activity_record(activity_from(written))) == json.dumps(written)


def test_dynamodb_adds_only_a_write_token_to_a_record() -> None:
    activity = activity_from(FULL_ACTIVITY)
    item, again = activity_item(activity), activity_item(activity)
    assert item.pop("write") != again.pop("write")
    assert item == again == activity_record(activity)


def test_every_attribute_that_is_written_is_known() -> None:
    activity = activity_from(FULL_ACTIVITY)
    assert activity_item(replace(activity, subject="News")).keys() == KNOWN
    assert FULL_ACTIVITY["gaps"]["L"][1]["M"].keys() == KNOWN_OF_GAP


def test_attributes_of_a_newer_version_are_kept() -> None:
    newer: Record = {**FULL_ACTIVITY, "gaps": {"L": [{"M": {"depth": {"N": "3"}}}]}}
    newer |= {"colour": {"S": "red"}, "parts": {"M": {"a": {"L": [{"BOOL": True}]}}}}
    activity = activity_from(newer)
    assert activity.unknown == {name: newer[name] for name in ("colour", "parts")}
    written = activity_record(replace(activity, version=43))
    assert [written["colour"], written["parts"]] == [newer["colour"], newer["parts"]]
    assert written["gaps"]["L"][0]["M"]["depth"] == {"N": "3"}


AGAIN = "Deploy or start the newer version again"
REASONS = {
    "schema": (
        f"The item of activity {ACTIVITY_ID} has schema 3, and this version of email-opens "
        f"understands schema 1. {AGAIN}; the changelog names the first release that understands "
        "schema 3. Until then nothing changes the item."
    ),
    "state": (
        f"The item of activity {ACTIVITY_ID} has a state that this version of email-opens does not "
        f"understand, so a newer version has stored it. {AGAIN}. Until then nothing changes the "
        "item."
    ),
}


@pytest.mark.parametrize(
    ("newer", "reason"),
    [
        ({"schema": {"N": "3"}, "tracked_at": {"S": "in a new form"}}, REASONS["schema"]),
        ({"state": {"S": "archived"}}, REASONS["state"]),
    ],
    ids=["schema", "state"],
)
def test_what_only_a_newer_version_understands_is_refused_by_name(
    newer: Record, reason: str
) -> None:
    activity = activity_from({**FULL_ACTIVITY, **newer})
    assert (activity.state, activity.last_error) == (State.NEWER, reason)
    assert activity.campaign_name == "March news"


@pytest.mark.parametrize("schema", [{"N": "0"}, {"N": "-1"}, {"N": "1.5"}, {"S": "2"}])
def test_a_schema_that_is_no_number_from_1_is_malformed(schema: Attribute) -> None:
    assert activity_from({**FULL_ACTIVITY, "schema": schema}).state is State.BROKEN

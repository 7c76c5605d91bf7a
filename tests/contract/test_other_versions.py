"""What newer versions have stored, over DynamoDB and SQLite: it is kept, or refused by name."""

import json
import sqlite3
from collections.abc import Iterator, Mapping
from copy import replace
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol, cast

import pytest

from email_opens.account import Tokens
from email_opens.adapters.aws.credentials import SsmCredentials
from email_opens.adapters.aws.decisions import DynamoDBDecisions
from email_opens.adapters.aws.items import activity_item
from email_opens.adapters.aws.ledger import DynamoDBLedger
from email_opens.adapters.aws.seen_campaigns import DynamoDBSeenCampaigns
from email_opens.adapters.aws.tracking import DynamoDBTracking
from email_opens.adapters.local.credentials import SqliteCredentials
from email_opens.adapters.local.seen_campaigns import SqliteSeenCampaigns
from email_opens.adapters.local.state_file import StateFile
from email_opens.adapters.local.tracking import SqliteTracking
from email_opens.adapters.records.activities import activity_record
from email_opens.discovery.campaigns import SearchMemory, SeenCampaign
from email_opens.discovery.ports import SeenCampaigns
from email_opens.errors import AccountStopped, ActivityFailed, LostRace, NewerItem
from email_opens.instants import iso
from email_opens.model import LEDGER_KEPT, Activity, Gap, State
from email_opens.ports import Tracking
from tests.conftest import Aws
from tests.contract.samples import ACTIVITY, ACTIVITY_ID, NOON, varied
from tests.contract.test_tracking import COUNTER_TRUST, SEARCHES, WAKE_UP, lease, release, reserve
from tests.fakes import FakeClock

type Raw = dict[str, Any]

NEWER: Raw = {"colour": {"S": "red"}, "parts": {"M": {"a": {"L": [{"BOOL": True}]}}}}
"""Attributes that only a newer version understands."""
ACTIVITY_ITEM = f"activity#{ACTIVITY_ID}"
GAP = Gap(NOON, NOON, "/v3/x?next=y")


class Store(Protocol):
    """A store, and the raw items in it."""

    @property
    def tracking(self) -> Tracking: ...
    @property
    def seen(self) -> SeenCampaigns: ...

    def read(self, item: str) -> Raw: ...
    def write(self, item: str, changes: Mapping[str, Any]) -> None: ...
    def track_as_before(self, activity: Activity) -> None:
        """Add an activity as a version did that reads no archived items."""


@dataclass
class DynamoDBStore:
    aws: Aws

    def __post_init__(self) -> None:
        self.tracking = DynamoDBTracking(self.aws.dynamodb, self.aws.tracking_table)
        self.seen = DynamoDBSeenCampaigns(self.aws.dynamodb, self.aws.tracking_table)

    def read(self, item: str) -> Raw:
        key: Any = {"account_id": {"S": "default"}, "item": {"S": item}}
        reply = self.aws.dynamodb.get_item(TableName=self.aws.tracking_table, Key=key)
        return cast("Raw", reply.get("Item", {}))

    def write(self, item: str, changes: Mapping[str, Any]) -> None:
        changed: Any = {**self.read(item), **changes}
        self.aws.dynamodb.put_item(TableName=self.aws.tracking_table, Item=changed)

    def track_as_before(self, activity: Activity) -> None:
        item: Any = activity_item(activity)
        self.aws.dynamodb.put_item(TableName=self.aws.tracking_table, Item=item)


@dataclass
class SqliteStore:
    state: StateFile

    def __post_init__(self) -> None:
        self.tracking = SqliteTracking(self.state)
        self.seen = SqliteSeenCampaigns(self.state)

    def read(self, item: str) -> Raw:
        with self.state.transaction() as connection:
            (stored,) = connection.execute(f"SELECT item FROM {_table(item)}").fetchone()
        return cast("Raw", json.loads(stored))

    def write(self, item: str, changes: Mapping[str, Any]) -> None:
        changed = json.dumps({**self.read(item), **changes})
        with self.state.transaction() as connection:
            connection.execute(f"UPDATE {_table(item)} SET item = ?", (changed,))

    def track_as_before(self, activity: Activity) -> None:
        item = json.dumps(activity_record(activity))
        row = ("default", activity.campaign_activity_id, 0, iso(activity.tracked_at), item)
        with self.state.transaction() as connection:
            connection.execute("INSERT INTO activities VALUES (?, ?, ?, ?, ?)", row)


def _table(item: str) -> str:
    return "accounts" if item == "account" else "activities"


@pytest.fixture
def state(tmp_path: Path) -> Iterator[StateFile]:
    with StateFile(tmp_path / "state.sqlite") as state:
        yield state


@pytest.fixture(params=["dynamodb", "sqlite"])
def store(request: pytest.FixtureRequest) -> Store:
    if request.param == "dynamodb":
        return DynamoDBStore(request.getfixturevalue("aws"))
    return SqliteStore(request.getfixturevalue("state"))


def only(tracking: Tracking) -> Activity:
    (activity,) = tracking.activities("default")
    return activity


def kept(stored: Raw) -> Raw:
    return {name: stored[name] for name in NEWER if name in stored}


class TestEveryItem:
    def test_has_a_schema(self, store: Store) -> None:
        store.tracking.add(ACTIVITY)
        lease(store.tracking)
        assert store.read(ACTIVITY_ITEM)["schema"] == {"N": "1"}
        assert store.read("account")["schema"] == {"N": "1"}

    def test_without_a_schema_gets_one_when_it_is_written(self, store: Store) -> None:
        store.tracking.add(ACTIVITY)
        store.write(ACTIVITY_ITEM, {"schema": {"N": "1"}})
        store.tracking.save(only(store.tracking))
        assert store.read(ACTIVITY_ITEM)["schema"] == {"N": "1"}


class TestWhatANewerVersionAdded:
    def test_to_an_activity_is_kept_by_a_save(self, store: Store) -> None:
        store.tracking.add(ACTIVITY)
        store.write(ACTIVITY_ITEM, NEWER)
        activity = varied(only(store.tracking), published=3, state=State.PAUSED)
        saved = store.tracking.save(activity)
        store.tracking.save(replace(saved, state=State.ACTIVE))
        assert kept(store.read(ACTIVITY_ITEM)) == NEWER
        assert only(store.tracking).counts.published == 3

    def test_to_a_gap_is_kept_by_a_save(self, store: Store) -> None:
        store.tracking.add(varied(ACTIVITY, gaps=(GAP, GAP)))
        (first, second) = store.read(ACTIVITY_ITEM)["gaps"]["L"]
        store.write(ACTIVITY_ITEM, {"gaps": {"L": [first, {"M": second["M"] | NEWER}]}})
        store.tracking.save(varied(only(store.tracking), published=3))
        (first, second) = store.read(ACTIVITY_ITEM)["gaps"]["L"]
        assert (kept(first["M"]), kept(second["M"])) == ({}, NEWER)

    def test_to_an_account_is_kept_by_every_write(self, store: Store) -> None:
        tracking = store.tracking
        lease(tracking)
        store.write("account", NEWER)
        reserve(tracking, counted=50, requests=5)
        tracking.name_vendor_account("default", holder="a", vendor_account_id="a07e1kupzc4d")
        release(tracking, counter_trust=COUNTER_TRUST, searches=SEARCHES, wake_up=WAKE_UP)
        lease(tracking, "b")
        assert kept(store.read("account")) == NEWER


class TestAnArchivedActivity:
    def test_keeps_what_a_newer_version_added(self, store: Store) -> None:
        store.tracking.add(ACTIVITY)
        store.write(ACTIVITY_ITEM, NEWER)
        archived = store.tracking.archive(only(store.tracking))
        assert store.tracking.save(archived).unknown == NEWER
        assert kept(store.read(ACTIVITY_ITEM)) == NEWER

    def test_that_an_older_version_has_tracked_again_gives_way(self, store: Store) -> None:
        store.tracking.add(varied(ACTIVITY, published=3))
        archived = store.tracking.archive(only(store.tracking))
        store.track_as_before(ACTIVITY)
        assert only(store.tracking) == ACTIVITY
        with pytest.raises(LostRace):
            store.tracking.save(archived)
        archived = store.tracking.archive(varied(ACTIVITY, published=5))
        assert only(store.tracking) == archived


class TestANewerSchema:
    def test_of_an_activity_is_shown_and_never_written(self, store: Store) -> None:
        store.tracking.add(ACTIVITY)
        store.write(ACTIVITY_ITEM, {"schema": {"N": "2"}, "version": {"N": "-1"}})
        before = store.read(ACTIVITY_ITEM)
        activity = only(store.tracking)
        assert activity.state is State.NEWER
        assert "has schema 2" in (activity.last_error or "")
        with pytest.raises(LostRace):
            store.tracking.save(replace(activity, state=State.ACTIVE))
        assert not store.tracking.add(ACTIVITY)
        assert store.read(ACTIVITY_ITEM) == before

    def test_of_an_account_stops_it_and_is_never_written(self, store: Store) -> None:
        lease(store.tracking)
        store.write("account", {"schema": {"N": "2"}, "lease_until": {"N": "0"}})
        before = store.read("account")
        for act in (lease, lambda tracking: tracking.account("default")):
            with pytest.raises(AccountStopped, match=r"account “default” has schema 2.*again"):
                act(store.tracking)
        assert store.read("account") == before


class TestTheSearchMemory:
    def test_keeps_what_a_newer_version_added_to_an_entry(self, aws: Aws, state: StateFile) -> None:
        for seen in (
            DynamoDBSeenCampaigns(aws.dynamodb, aws.tracking_table),
            SqliteSeenCampaigns(state),
        ):
            campaign = SeenCampaign(NOON, unknown={"colour": {"S": "red"}})
            memory = SearchMemory({"a": campaign, "b": SeenCampaign(NOON)})
            seen.store("default", memory)
            assert seen.load("default") == memory
            seen.store("default", seen.load("default"))
            assert seen.load("default") == memory

    def test_keeps_what_a_newer_version_added_to_the_item(self, aws: Aws) -> None:
        store = DynamoDBStore(aws)
        store.seen.store("default", SearchMemory({"a": SeenCampaign(NOON)}))
        store.write("discovery", NEWER)
        store.seen.store("default", SearchMemory())
        stored = store.read("discovery")
        assert kept(stored) == NEWER
        assert stored["schema"] == {"N": "1"}
        assert stored["looks"] == {"M": {}}

    def test_of_a_newer_schema_is_refused_by_name(self, aws: Aws) -> None:
        store = DynamoDBStore(aws)
        store.seen.store("default", SearchMemory({"a": SeenCampaign(NOON)}))
        store.write("discovery", {"schema": {"N": "2"}})
        with pytest.raises(NewerItem, match=r"searches of account “default” has schema 2.*again"):
            store.seen.load("default")


class TestEntries:
    def test_of_a_newer_ledger_fail_the_activity_by_name(self, aws: Aws, clock: FakeClock) -> None:
        ledger = DynamoDBLedger(aws.dynamodb, aws.ledger_table, LEDGER_KEPT, clock)
        ledger.append(ACTIVITY_ID, {"2026-03-02T12": [b"12345678"]})
        raise_schema(aws)
        with pytest.raises(ActivityFailed, match=r"ledger's entry 2026-03-02T12#.* has schema 2"):
            ledger.fingerprints(ACTIVITY_ID, "0", "~")

    def test_of_newer_decisions_fail_the_activity_by_name(self, aws: Aws, clock: FakeClock) -> None:
        wanted = {b"12345678": b"87654321"}
        decisions = DynamoDBDecisions(aws.dynamodb, aws.ledger_table, LEDGER_KEPT, clock)
        decisions.decide("first#a", wanted)
        raise_schema(aws)
        other = DynamoDBDecisions(aws.dynamodb, aws.ledger_table, LEDGER_KEPT, clock)
        with pytest.raises(ActivityFailed, match=r"entry 00000000 of first#a has schema 2"):
            other.decide("first#a", wanted)


def raise_schema(aws: Aws) -> None:
    """Give the only entry of the ledger's table a newer schema."""
    (entry,) = aws.dynamodb.scan(TableName=aws.ledger_table)["Items"]
    newer: Any = {**entry, "schema": {"N": "2"}}
    aws.dynamodb.put_item(TableName=aws.ledger_table, Item=newer)


class TestCredentials:
    def test_keep_the_names_that_a_newer_version_added(self, aws: Aws) -> None:
        credentials = SsmCredentials(aws.ssm, aws.credentials_prefix)
        value = {"client_id": "c", "refresh_token": "r", "scope": ["a"], "schema": 1}
        put_parameter(aws, value)
        tokens = credentials.rewrite("mine")
        credentials.store("mine", replace(tokens, refresh_token="another"))
        assert parameter(aws) == value | {"refresh_token": "another"}

    def test_of_a_newer_schema_stop_the_account_and_are_kept(self, aws: Aws) -> None:
        credentials = SsmCredentials(aws.ssm, aws.credentials_prefix)
        value = {"client_id": "c", "refresh_token": "r", "schema": 2}
        put_parameter(aws, value)
        for act in (credentials.load, credentials.rewrite):
            with pytest.raises(AccountStopped, match=r"credentials of account “mine” has schema 2"):
                act("mine")
        assert parameter(aws) == value

    def test_in_a_state_file_keep_the_columns_that_a_newer_version_added(
        self, tmp_path: Path
    ) -> None:
        path = tmp_path / "state.sqlite"
        with StateFile(path) as state:
            SqliteCredentials(state).store("mine", Tokens(client_id="c", refresh_token="r"))
            SqliteTracking(state).add(ACTIVITY)
            lease(SqliteTracking(state))
        add_columns(path)
        with StateFile(path) as state:
            credentials, tracking = SqliteCredentials(state), SqliteTracking(state)
            credentials.store("mine", credentials.rewrite("mine"))
            tracking.save(ACTIVITY)
            release(tracking)
        assert columns(path) == {"credentials": "red", "activities": "red", "accounts": "red"}


def put_parameter(aws: Aws, value: Mapping[str, Any]) -> None:
    aws.ssm.put_parameter(Name="/email-opens/mine", Value=json.dumps(value), Type="SecureString")


def parameter(aws: Aws) -> Any:
    reply = aws.ssm.get_parameter(Name="/email-opens/mine", WithDecryption=True)
    return json.loads(reply["Parameter"]["Value"])


TABLES = ("credentials", "activities", "accounts")


def add_columns(path: Path) -> None:
    connection = sqlite3.connect(path)
    for table in TABLES:
        connection.execute(f"ALTER TABLE {table} ADD COLUMN colour TEXT NOT NULL DEFAULT 'blue'")
        connection.execute(f"UPDATE {table} SET colour = 'red'")
    connection.commit()
    connection.close()


def columns(path: Path) -> dict[str, str]:
    connection = sqlite3.connect(path)
    found = {
        table: connection.execute(f"SELECT colour FROM {table}").fetchone()[0] for table in TABLES
    }
    connection.close()
    return found

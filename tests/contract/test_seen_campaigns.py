"""The SeenCampaigns port over the fake, DynamoDB and SQLite."""

import json
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from email_opens.adapters.aws.seen_campaigns import MOST_BYTES, DynamoDBSeenCampaigns
from email_opens.adapters.aws.tracking import DynamoDBTracking
from email_opens.adapters.local.seen_campaigns import SqliteSeenCampaigns
from email_opens.adapters.local.state_file import StateFile
from email_opens.discovery.campaigns import Forgotten, SearchMemory, SeenCampaign
from email_opens.discovery.ports import SeenCampaigns
from tests.conftest import Aws
from tests.contract.samples import NOON
from tests.memory_campaigns import MemorySeenCampaigns

MINUTE = timedelta(minutes=1)
ENTRY_BYTES = 50
"""Roughly what a campaign with an id of one character takes in DynamoDB."""


@pytest.fixture(params=["memory", "dynamodb"])
def small(request: pytest.FixtureRequest) -> SeenCampaigns:
    """Memories with room for two campaigns of short ids."""
    if request.param == "memory":
        return MemorySeenCampaigns(most=2)
    aws: Aws = request.getfixturevalue("aws")
    return DynamoDBSeenCampaigns(aws.dynamodb, aws.tracking_table, most_bytes=2 * ENTRY_BYTES)


@pytest.fixture(params=["memory", "dynamodb", "sqlite"])
def seen(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[SeenCampaigns]:
    if request.param == "memory":
        yield MemorySeenCampaigns(most=2)
    elif request.param == "dynamodb":
        aws: Aws = request.getfixturevalue("aws")
        yield DynamoDBSeenCampaigns(aws.dynamodb, aws.tracking_table)
    else:
        with StateFile(tmp_path / "state") as state:
            yield SqliteSeenCampaigns(state)


class TestSeenCampaigns:
    def test_of_a_new_account_are_empty(self, seen: SeenCampaigns) -> None:
        assert seen.load("default") == SearchMemory()

    @pytest.mark.parametrize(
        "campaign",
        [
            SeenCampaign(NOON),
            SeenCampaign(NOON, "Internal"),
            SeenCampaign(NOON, ""),
            SeenCampaign(NOON, failures=3, retry_at=NOON + MINUTE),
        ],
    )
    def test_are_loaded_as_they_were_stored(
        self, seen: SeenCampaigns, campaign: SeenCampaign
    ) -> None:
        memory = SearchMemory({"a": campaign})
        seen.store("default", memory)
        assert seen.load("default") == memory

    def test_are_replaced(self, seen: SeenCampaigns) -> None:
        seen.store("default", SearchMemory({"a": SeenCampaign(NOON)}))
        seen.store("default", SearchMemory({"b": SeenCampaign(NOON)}))
        assert seen.load("default") == SearchMemory({"b": SeenCampaign(NOON)})

    def test_belong_to_one_account(self, seen: SeenCampaigns) -> None:
        seen.store("default", SearchMemory({"a": SeenCampaign(NOON)}))
        assert seen.load("other") == SearchMemory()


class TestOfASmallMemory:
    def test_are_loaded_with_the_forgotten_range(self, small: SeenCampaigns) -> None:
        memory = SearchMemory({"a": SeenCampaign(NOON)}, Forgotten(*PLACES))
        small.store("default", memory)
        assert small.load("default") == memory

    def test_are_replaced_with_the_forgotten_range(self, small: SeenCampaigns) -> None:
        small.store("default", SearchMemory({"a": SeenCampaign(NOON)}, Forgotten(*PLACES)))
        small.store("default", SearchMemory({"b": SeenCampaign(NOON)}))
        assert small.load("default") == SearchMemory({"b": SeenCampaign(NOON)})

    def test_that_do_not_fit_are_forgotten_as_one_range(self, small: SeenCampaigns) -> None:
        campaigns = {
            name: SeenCampaign(NOON - number * MINUTE) for number, name in enumerate("abcd")
        }
        small.store("default", SearchMemory(campaigns))
        assert small.load("default") == SearchMemory(
            {"a": campaigns["a"], "b": campaigns["b"]},
            Forgotten((NOON - 3 * MINUTE, "d"), (NOON - 2 * MINUTE, "c")),
        )


PLACES = (NOON, "a"), (NOON, "b")


class TestInSqlite:
    @pytest.mark.parametrize(
        "item",
        ["{", "[]", "{}", '{"last_sent": 7}', '{"last_sent": "soon", "left_out": null}'],
    )
    def test_omit_a_malformed_entry(self, tmp_path: Path, item: str) -> None:
        memory = SearchMemory({"one": SeenCampaign(NOON)})
        with StateFile(tmp_path / "state") as state:
            seen = SqliteSeenCampaigns(state)
            seen.store("default", memory)
            with state.transaction() as connection:
                row = ("default", "broken", item)
                connection.execute("INSERT INTO seen_campaigns VALUES (?, ?, ?)", row)
            assert seen.load("default") == memory

    def test_are_stored_in_a_file_of_a_program_without_searches(self, tmp_path: Path) -> None:
        with StateFile(tmp_path / "state") as state, state.transaction() as connection:
            connection.execute("DROP TABLE seen_campaigns")
        with StateFile(tmp_path / "state") as state:
            assert SqliteSeenCampaigns(state).load("default") == SearchMemory()


class TestInDynamoDB:
    @pytest.fixture
    def seen(self, aws: Aws) -> DynamoDBSeenCampaigns:
        return DynamoDBSeenCampaigns(aws.dynamodb, aws.tracking_table)

    def test_that_failed_are_unknown_to_versions_that_know_no_failures(
        self, aws: Aws, seen: DynamoDBSeenCampaigns
    ) -> None:
        campaigns = {"read": SeenCampaign(NOON), "failed": SeenCampaign(NOON, failures=1)}
        seen.store("default", SearchMemory(campaigns))
        key = {"account_id": {"S": "default"}, "item": {"S": "discovery"}}
        item = aws.dynamodb.get_item(TableName=aws.tracking_table, Key=key)["Item"]
        assert item["looks"]["M"].keys() == {"read"}

    @pytest.mark.parametrize("name", [None, "", "a" * 80, "☃" * 80])
    def test_fill_the_item_and_no_more(self, aws: Aws, name: str | None) -> None:
        most_bytes = 20_000
        seen = DynamoDBSeenCampaigns(aws.dynamodb, aws.tracking_table, most_bytes=most_bytes)
        campaigns = {
            f"{number:036}": SeenCampaign(NOON + number * MINUTE, name) for number in range(400)
        }
        seen.store("default", SearchMemory(campaigns))
        reply = aws.dynamodb.get_item(
            TableName=aws.tracking_table,
            Key={"account_id": {"S": "default"}, "item": {"S": "discovery"}},
        )
        assert 0.85 * most_bytes < stored_bytes(reply["Item"]["looks"]) <= most_bytes

    def test_are_remembered_when_they_fill_the_room_to_the_last_byte(self, aws: Aws) -> None:
        element = 4  # What DynamoDB counts at most, besides the name and the value.
        entry = len("a") + element + len("last_sent") + element + len("2026-03-02T12:00:00Z")
        campaigns = {"a": SeenCampaign(NOON), "b": SeenCampaign(NOON)}
        for room, number in ((2 * entry - 1, 1), (2 * entry, 2)):
            seen = DynamoDBSeenCampaigns(aws.dynamodb, aws.tracking_table, most_bytes=room)
            seen.store("default", SearchMemory(campaigns))
            assert len(seen.load("default").campaigns) == number

    def test_leave_room_for_the_rest_of_an_item(self) -> None:
        assert MOST_BYTES < 400 * 1024 - 4096

    def test_are_neither_an_account_nor_an_activity(
        self, seen: DynamoDBSeenCampaigns, aws: Aws
    ) -> None:
        seen.store("default", SearchMemory({"one": SeenCampaign(NOON)}))
        tracking = DynamoDBTracking(aws.dynamodb, aws.tracking_table)
        assert (tracking.account("default"), tracking.activities("default")) == (None, [])

    @pytest.mark.parametrize(
        "broken",
        [
            {"S": "text"},
            {"M": {}},
            {"M": {"last_sent": {"N": "7"}}},
            {"M": {"last_sent": {"S": "yesterday"}}},
            {"M": {"last_sent": {"S": "2026-03-02T12:00:00Z"}, "failures": {"N": "1.5"}}},
            {"M": {"last_sent": {"S": "2026-03-02T12:00:00Z"}, "retry_at": {"S": "soon"}}},
        ],
    )
    def test_omit_a_malformed_entry(
        self, seen: DynamoDBSeenCampaigns, aws: Aws, broken: object
    ) -> None:
        memory = SearchMemory({"one": SeenCampaign(NOON)})
        seen.store("default", memory)
        aws.dynamodb.update_item(
            TableName=aws.tracking_table,
            Key={"account_id": {"S": "default"}, "item": {"S": "discovery"}},
            UpdateExpression="SET looks.broken = :broken",
            ExpressionAttributeValues={":broken": broken},  # type: ignore[dict-item]
        )
        assert seen.load("default") == memory

    def test_are_empty_when_they_are_not_a_map(self, seen: DynamoDBSeenCampaigns, aws: Aws) -> None:
        put(aws, {"looks": {"S": "text"}})
        assert seen.load("default") == SearchMemory()

    @pytest.mark.parametrize(
        "forgotten",
        [
            {"S": "text"},
            {"M": {}},
            {"M": {"oldest": {"S": "text"}, "newest": {"S": "text"}}},
            {"M": {"oldest": {"M": {}}, "newest": {"M": {}}}},
        ],
    )
    def test_have_no_forgotten_range_when_it_is_malformed(
        self, seen: DynamoDBSeenCampaigns, aws: Aws, forgotten: object
    ) -> None:
        put(aws, {"forgotten": forgotten})
        assert seen.load("default") == SearchMemory()

    def test_that_an_older_version_has_stored_are_loaded(
        self, seen: DynamoDBSeenCampaigns, aws: Aws
    ) -> None:
        entry = {"last_sent": {"S": "2026-03-02T12:00:00Z"}, "left_out": {"S": "Internal"}}
        put(aws, {"looks": {"M": {"one": {"M": entry}}}})
        (campaign,) = seen.load("default").campaigns.values()
        assert (campaign.left_out, campaign.failures) == ("Internal", 0)


def put(aws: Aws, attributes: dict[str, object]) -> None:
    """Store an account's item for discovery."""
    item = {"account_id": {"S": "default"}, "item": {"S": "discovery"}} | attributes
    aws.dynamodb.put_item(TableName=aws.tracking_table, Item=item)  # type: ignore[arg-type]


def stored_bytes(value: object) -> int:
    """Return the size that DynamoDB documents for a map or a text."""
    match value:
        case {"M": dict(elements)}:
            sizes = (1 + len(name.encode()) + stored_bytes(each) for name, each in elements.items())
            return 3 + sum(sizes)
        case {"S": str(text)}:
            return len(text.encode())
        case _:
            raise AssertionError(json.dumps(value))

"""The Looks port, over the fake and over DynamoDB."""

from datetime import timedelta

import pytest

from email_opens.adapters.aws.seen_campaigns import MOST_LOOKS, DynamoDBLooks
from email_opens.adapters.aws.tracking import DynamoDBTracking
from email_opens.model import Look
from email_opens.ports import Looks
from tests.conftest import Aws
from tests.contract.samples import NOON
from tests.memory_campaigns import MemoryLooks


@pytest.fixture(params=["memory", "dynamodb"])
def looks(request: pytest.FixtureRequest) -> Looks:
    if request.param == "memory":
        return MemoryLooks()
    aws: Aws = request.getfixturevalue("aws")
    return DynamoDBLooks(aws.dynamodb, aws.tracking_table)


class TestEveryLooks:
    def test_of_a_new_account_are_none(self, looks: Looks) -> None:
        assert looks.load("default") == {}

    def test_are_given_back(self, looks: Looks) -> None:
        given = {"one": Look(NOON), "two": Look(NOON, "Internal"), "three": Look(NOON, "")}
        looks.store("default", given)
        assert looks.load("default") == given

    def test_are_replaced(self, looks: Looks) -> None:
        looks.store("default", {"one": Look(NOON)})
        looks.store("default", {"two": Look(NOON)})
        assert looks.load("default") == {"two": Look(NOON)}

    def test_are_the_accounts_own(self, looks: Looks) -> None:
        looks.store("default", {"one": Look(NOON)})
        assert looks.load("other") == {}


class TestInDynamoDB:
    @pytest.fixture
    def looks(self, aws: Aws) -> DynamoDBLooks:
        return DynamoDBLooks(aws.dynamodb, aws.tracking_table)

    def test_the_latest_are_kept_where_there_are_too_many(self, looks: DynamoDBLooks) -> None:
        given = {
            f"{number:036}": Look(NOON + timedelta(minutes=number), "☃" * 80)
            for number in range(MOST_LOOKS + 1)
        }
        looks.store("default", given)
        assert given.keys() - looks.load("default").keys() == {f"{0:036}"}

    def test_are_neither_an_account_nor_an_activity(self, looks: DynamoDBLooks, aws: Aws) -> None:
        looks.store("default", {"one": Look(NOON)})
        tracking = DynamoDBTracking(aws.dynamodb, aws.tracking_table)
        assert (tracking.account("default"), tracking.activities("default")) == (None, [])

    @pytest.mark.parametrize(
        "broken",
        [
            {"S": "text"},
            {"M": {}},
            {"M": {"last_sent": {"N": "7"}}},
            {"M": {"last_sent": {"S": "yesterday"}}},
        ],
    )
    def test_one_that_a_hand_has_broken_is_none(
        self, looks: DynamoDBLooks, aws: Aws, broken: object
    ) -> None:
        looks.store("default", {"one": Look(NOON)})
        aws.dynamodb.update_item(
            TableName=aws.tracking_table,
            Key={"account_id": {"S": "default"}, "item": {"S": "discovery"}},
            UpdateExpression="SET looks.broken = :broken",
            ExpressionAttributeValues={":broken": broken},  # type: ignore[dict-item]
        )
        assert looks.load("default") == {"one": Look(NOON)}

    def test_that_are_no_map_are_none(self, looks: DynamoDBLooks, aws: Aws) -> None:
        aws.dynamodb.put_item(
            TableName=aws.tracking_table,
            Item={
                "account_id": {"S": "default"},
                "item": {"S": "discovery"},
                "looks": {"S": "text"},
            },
        )
        assert looks.load("default") == {}

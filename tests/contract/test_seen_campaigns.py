"""The SeenCampaigns port, over the fake and over DynamoDB."""

from datetime import timedelta

import pytest

from email_opens.adapters.aws.seen_campaigns import MOST_SEEN_CAMPAIGNS, DynamoDBSeenCampaigns
from email_opens.adapters.aws.tracking import DynamoDBTracking
from email_opens.discovery.campaigns import SeenCampaign
from email_opens.discovery.ports import SeenCampaigns
from tests.conftest import Aws
from tests.contract.samples import NOON
from tests.memory_campaigns import MemorySeenCampaigns


@pytest.fixture(params=["memory", "dynamodb"])
def seen(request: pytest.FixtureRequest) -> SeenCampaigns:
    if request.param == "memory":
        return MemorySeenCampaigns()
    aws: Aws = request.getfixturevalue("aws")
    return DynamoDBSeenCampaigns(aws.dynamodb, aws.tracking_table)


class TestEveryLooks:
    def test_of_a_new_account_are_none(self, seen: SeenCampaigns) -> None:
        assert seen.load("default") == {}

    def test_are_given_back(self, seen: SeenCampaigns) -> None:
        given = {
            "one": SeenCampaign(NOON),
            "two": SeenCampaign(NOON, "Internal"),
            "three": SeenCampaign(NOON, ""),
        }
        seen.store("default", given)
        assert seen.load("default") == given

    def test_are_replaced(self, seen: SeenCampaigns) -> None:
        seen.store("default", {"one": SeenCampaign(NOON)})
        seen.store("default", {"two": SeenCampaign(NOON)})
        assert seen.load("default") == {"two": SeenCampaign(NOON)}

    def test_are_the_accounts_own(self, seen: SeenCampaigns) -> None:
        seen.store("default", {"one": SeenCampaign(NOON)})
        assert seen.load("other") == {}


class TestInDynamoDB:
    @pytest.fixture
    def seen(self, aws: Aws) -> DynamoDBSeenCampaigns:
        return DynamoDBSeenCampaigns(aws.dynamodb, aws.tracking_table)

    def test_the_latest_are_kept_where_there_are_too_many(
        self, seen: DynamoDBSeenCampaigns
    ) -> None:
        given = {
            f"{number:036}": SeenCampaign(NOON + timedelta(minutes=number), "☃" * 80)
            for number in range(MOST_SEEN_CAMPAIGNS + 1)
        }
        seen.store("default", given)
        assert given.keys() - seen.load("default").keys() == {f"{0:036}"}

    def test_are_neither_an_account_nor_an_activity(
        self, seen: DynamoDBSeenCampaigns, aws: Aws
    ) -> None:
        seen.store("default", {"one": SeenCampaign(NOON)})
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
        self, seen: DynamoDBSeenCampaigns, aws: Aws, broken: object
    ) -> None:
        seen.store("default", {"one": SeenCampaign(NOON)})
        aws.dynamodb.update_item(
            TableName=aws.tracking_table,
            Key={"account_id": {"S": "default"}, "item": {"S": "discovery"}},
            UpdateExpression="SET looks.broken = :broken",
            ExpressionAttributeValues={":broken": broken},  # type: ignore[dict-item]
        )
        assert seen.load("default") == {"one": SeenCampaign(NOON)}

    def test_that_are_no_map_are_none(self, seen: DynamoDBSeenCampaigns, aws: Aws) -> None:
        aws.dynamodb.put_item(
            TableName=aws.tracking_table,
            Item={
                "account_id": {"S": "default"},
                "item": {"S": "discovery"},
                "looks": {"S": "text"},
            },
        )
        assert seen.load("default") == {}

"""The SeenCampaigns port over the fake and DynamoDB."""

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


class TestSeenCampaigns:
    def test_of_a_new_account_are_empty(self, seen: SeenCampaigns) -> None:
        assert seen.load("default") == {}

    def test_are_loaded_as_they_were_stored(self, seen: SeenCampaigns) -> None:
        campaigns = {
            "one": SeenCampaign(NOON),
            "two": SeenCampaign(NOON, "Internal"),
            "three": SeenCampaign(NOON, ""),
        }
        seen.store("default", campaigns)
        assert seen.load("default") == campaigns

    def test_are_replaced(self, seen: SeenCampaigns) -> None:
        seen.store("default", {"one": SeenCampaign(NOON)})
        seen.store("default", {"two": SeenCampaign(NOON)})
        assert seen.load("default") == {"two": SeenCampaign(NOON)}

    def test_belong_to_one_account(self, seen: SeenCampaigns) -> None:
        seen.store("default", {"one": SeenCampaign(NOON)})
        assert seen.load("other") == {}


class TestInDynamoDB:
    @pytest.fixture
    def seen(self, aws: Aws) -> DynamoDBSeenCampaigns:
        return DynamoDBSeenCampaigns(aws.dynamodb, aws.tracking_table)

    def test_keep_the_latest_sends_when_there_are_too_many(
        self, seen: DynamoDBSeenCampaigns
    ) -> None:
        campaigns = {
            f"{number:036}": SeenCampaign(NOON + timedelta(minutes=number), "☃" * 80)
            for number in range(MOST_SEEN_CAMPAIGNS + 1)
        }
        seen.store("default", campaigns)
        assert campaigns.keys() - seen.load("default").keys() == {f"{0:036}"}

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
    def test_omit_a_malformed_entry(
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

    def test_are_empty_when_they_are_not_a_map(self, seen: DynamoDBSeenCampaigns, aws: Aws) -> None:
        aws.dynamodb.put_item(
            TableName=aws.tracking_table,
            Item={
                "account_id": {"S": "default"},
                "item": {"S": "discovery"},
                "looks": {"S": "text"},
            },
        )
        assert seen.load("default") == {}

"""Tracking in DynamoDB: accounts and activities in one table."""

from typing import TYPE_CHECKING

from email_opens.adapters.aws.accounts import DynamoDBAccounts
from email_opens.adapters.aws.activities import DynamoDBActivities

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient


class DynamoDBTracking(DynamoDBAccounts, DynamoDBActivities):
    """Implements `email_opens.ports.Tracking`."""

    def __init__(self, client: "DynamoDBClient", table: str) -> None:
        self._client = client
        self._table = table

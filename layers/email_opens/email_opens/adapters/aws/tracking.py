"""Tracking in DynamoDB: accounts and activities in one table."""

from email_opens.adapters.aws.accounts import DynamoDBAccounts
from email_opens.adapters.aws.activities import DynamoDBActivities


class DynamoDBTracking(DynamoDBAccounts, DynamoDBActivities):
    """Implements `email_opens.ports.Tracking`."""

"""Adapters for AWS: DynamoDB, SNS, SQS and the Parameter Store."""

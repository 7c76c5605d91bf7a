"""The one place where boto3 sessions are made."""

from collections.abc import Mapping

import boto3

type AwsSession = boto3.session.Session


def aws_session(environment: Mapping[str, str]) -> AwsSession:
    """Return a session whose region is AWS_REGION, or else what botocore finds by itself.

    botocore reads AWS_DEFAULT_REGION and the AWS config file, but not AWS_REGION, which the AWS
    CLI and the other SDKs read first.
    """
    return boto3.session.Session(region_name=environment.get("AWS_REGION") or None)

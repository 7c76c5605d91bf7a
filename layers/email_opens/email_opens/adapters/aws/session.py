"""boto3 sessions; no other module creates one."""

from collections.abc import Mapping

import boto3


def aws_session(environment: Mapping[str, str]) -> boto3.session.Session:
    """Return a session in the region of AWS_REGION, else in the one that botocore finds.

    botocore reads AWS_DEFAULT_REGION and the AWS config file, but not AWS_REGION, which the AWS
    CLI and the other SDKs read first.
    """
    return boto3.session.Session(region_name=environment.get("AWS_REGION") or None)

"""Sessions of boto3, which are made here only, and the configuration of their clients."""

from collections.abc import Mapping

import boto3
from botocore.config import Config

type AwsSession = boto3.session.Session


def aws_session(environment: Mapping[str, str]) -> AwsSession:
    """Return a session whose region is AWS_REGION, or else what botocore finds by itself.

    botocore reads AWS_DEFAULT_REGION and the AWS config file, but not AWS_REGION, which the AWS
    CLI and the other SDKs read first.
    """
    return boto3.session.Session(region_name=environment.get("AWS_REGION") or None)


def client_config(attempts: int = 4) -> Config:
    """Return the configuration of a function's clients: short waits, and several attempts."""
    return Config(
        connect_timeout=3,
        read_timeout=5,
        retries={"mode": "standard", "total_max_attempts": attempts},
        tcp_keepalive=True,
    )

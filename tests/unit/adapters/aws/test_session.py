"""The region of a session: AWS_REGION, as in the AWS CLI, or else botocore's choice."""

from collections.abc import Mapping

import pytest

from email_opens.adapters.aws.session import aws_session


@pytest.mark.parametrize(
    ("environment", "region"),
    [
        ({"AWS_REGION": "ap-south-1"}, "ap-south-1"),
        ({"AWS_REGION": ""}, "eu-north-1"),
        ({}, "eu-north-1"),
    ],
    ids=["named", "empty", "missing"],
)
def test_the_region_is_aws_region_or_else_the_default_one(
    monkeypatch: pytest.MonkeyPatch, environment: Mapping[str, str], region: str
) -> None:
    monkeypatch.setenv("AWS_DEFAULT_REGION", "eu-north-1")
    assert aws_session(environment).region_name == region

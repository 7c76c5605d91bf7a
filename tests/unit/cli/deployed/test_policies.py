"""What the policy of a queue lets a topic do."""

import json
from typing import Any

import pytest

from email_opens_cli.deployed.policies import allows

TOPIC = "arn:aws:sns:eu-west-1:123456789012:opens"
STATEMENT: dict[str, Any] = {
    "Effect": "Allow",
    "Principal": {"Service": "sns.amazonaws.com"},
    "Action": "sqs:SendMessage",
    "Condition": {"ArnEquals": {"aws:SourceArn": TOPIC}},
}


class TestPolicy:
    @pytest.mark.parametrize(
        "changed",
        [
            {},
            {"Principal": "*"},
            {"Principal": {"AWS": "*"}},
            {"Action": ["SQS:SendMessage"]},
            {"Action": "sqs:*"},
            {"Condition": {}},
            {"Condition": {"ArnLike": {"AWS:SourceArn": "arn:aws:sns:*"}}},
            {"Condition": {"StringEquals": {"aws:SourceAccount": "123456789012"}}},
        ],
    )
    def test_may_let_the_topic_send(self, changed: dict[str, Any]) -> None:
        assert allows(json.dumps({"Statement": [STATEMENT | changed]}), TOPIC)
        assert allows(json.dumps({"Statement": STATEMENT | changed}), TOPIC)

    @pytest.mark.parametrize(
        "changed",
        [
            {"Effect": "Deny"},
            {"Principal": {"AWS": "arn:aws:iam::123456789012:root"}},
            {"Principal": {"Service": "events.amazonaws.com"}},
            {"Action": "sqs:ReceiveMessage"},
            {"Condition": {"ArnEquals": {"aws:SourceArn": f"{TOPIC}-2"}}},
        ],
    )
    def test_does_not_let_the_topic_send(self, changed: dict[str, Any]) -> None:
        assert not allows(json.dumps({"Statement": [STATEMENT | changed]}), TOPIC)

    @pytest.mark.parametrize("policy", [None, "", "{}"])
    def test_that_is_missing_does_not_let_the_topic_send(self, policy: str | None) -> None:
        assert not allows(policy, TOPIC)

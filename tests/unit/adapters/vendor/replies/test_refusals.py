"""What a refusal is about, read from replies."""

import json
from typing import Any

import pytest

from email_opens.adapters.vendor.replies.refusals import (
    Access,
    gateway_message,
    privileges,
    reason,
    spends_quota,
)
from email_opens.adapters.vendor.replies.reply import Reply, Unanswered

CREATE = {"privilege_id": 30, "privilege_name": "campaign:create"}
METRICS = {"privilege_id": 61, "privilege_name": "ui:campaign:metrics"}


def reply(status: int, content: Any = None, **headers: str) -> Reply:
    body = content if isinstance(content, bytes) else json.dumps(content).encode()
    return Reply(status, headers, body)


@pytest.mark.parametrize(
    ("answer", "access"),
    [
        (reply(200, [CREATE, METRICS]), Access.ALLOWED),
        (reply(200, [METRICS, {"privilege_name": None}]), Access.ALLOWED),
        (reply(200, [CREATE]), Access.FORBIDDEN),
        (reply(200, []), Access.FORBIDDEN),
        (reply(401, {"error_key": "unauthorized"}), Access.UNAUTHORIZED),
        (reply(200, [{"id": 30, "name": "campaign:create"}]), Access.UNKNOWN),
        (reply(200, [CREATE, "ui:campaign:metrics"]), Access.UNKNOWN),
        (reply(200, {"privileges": [CREATE]}), Access.UNKNOWN),
        (reply(200, b"<html>"), Access.UNKNOWN),
        (reply(403, {"message": "Forbidden"}), Access.UNKNOWN),
        (reply(403, [METRICS]), Access.UNKNOWN),
        (reply(404, [{"error_key": "not_found"}]), Access.UNKNOWN),
        (reply(503), Access.UNKNOWN),
        (Unanswered("the request timed out"), Access.UNKNOWN),
    ],
)
def test_only_a_list_of_privileges_or_a_401_says_something_about_the_account(
    answer: Reply | Unanswered, access: Access
) -> None:
    found = privileges(answer)
    assert found.access is access
    assert found.denies is (access in (Access.FORBIDDEN, Access.UNAUTHORIZED))


@pytest.mark.parametrize(
    ("refusal", "expected"),
    [
        (reply(403, {"error_key": "access_denied", "error_message": "x"}), "403 access_denied"),
        (reply(400, [{"error_key": "a.b"}]), "400 a.b"),
        (reply(403, {"message": "forbidden"}), "403 “Forbidden”"),
        (reply(403, b" \n<!DOCTYPE html>"), "403 with an HTML page"),
        (reply(403, {"message": "ann@example.org is blocked"}), "403"),
        (reply(403, {"message": ["Forbidden"]}), "403"),
        (reply(403, b""), "403"),
        (
            reply(503, None, **{"x-amzn-RequestId": "id-1"}),
            "503 (x-amzn-RequestId id-1)",
        ),
    ],
)
def test_a_reason_holds_only_what_is_known_to_hold_no_address(
    refusal: Reply, expected: str
) -> None:
    assert reason(refusal) == expected


@pytest.mark.parametrize(
    ("content", "spent"),
    [
        ({"error_key": "quota_exceeded", "error_message": "Limit Exceeded"}, True),
        ({"message": "Limit Exceeded"}, True),
        ({"message": "limit exceeded"}, True),
        ({"message": "Too Many Requests"}, False),
        ({"error_key": "throttled", "error_message": "Too Many Requests"}, False),
        ({"error_key": "throttled", "message": "Limit Exceeded"}, False),
        (b"", False),
        (b"<html>", False),
    ],
)
def test_the_quota_is_spent_if_its_key_or_the_gateway_says_so(content: Any, spent: bool) -> None:
    assert spends_quota(reply(429, content)) is spent


def test_a_gateways_message_is_one_of_those_known() -> None:
    assert gateway_message(reply(500, {"message": "Internal server error"})) is not None
    assert gateway_message(reply(500, {"message": "ann@example.org"})) is None
    assert gateway_message(reply(500, ["Forbidden"])) is None

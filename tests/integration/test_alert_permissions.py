"""The alert's role grants exactly the calls that its adapters make, and what Lambda does itself."""

from typing import Any

import boto3
import pytest

from tests.alerting import body
from tests.integration.alert import PARAMETER, Alerting
from tests.integration.alert import alert as alert  # noqa: PLC0414 - a fixture
from tests.integration.template import read_template, statements
from tests.integration.test_permissions import LAMBDAS_OWN, LAMBDAS_OWN_AT_A_QUEUE, Calls
from tests.webhook_server import Answer


@pytest.fixture
def session(monkeypatch: pytest.MonkeyPatch) -> boto3.Session:
    session = boto3.Session()
    monkeypatch.setattr(boto3.session, "Session", lambda **_: session)
    return session


def granted() -> dict[str, set[str]]:
    role = read_template()["Resources"]["AlertOnOpensRole"]["Properties"]
    grants: dict[str, set[str]] = {}
    for statement in statements(role):
        actions = {action for action in statement["Action"] if not action.startswith(LAMBDAS_OWN)}
        if actions:
            grants[resource_of(statement["Resource"])] = actions
    return grants


def resource_of(value: Any) -> str:
    if isinstance(value, list):
        assert [each["Fn::Sub"].rpartition(":parameter")[2] for each in value] == [
            "${AlertWebhook}",
            "/${AlertWebhook}",
        ]
        return "AlertWebhook"
    return str(value["Fn::GetAtt"][0])


def test_the_role_grants_exactly_the_calls_that_are_made(
    session: boto3.Session, alert: Alerting
) -> None:
    calls = Calls(
        session,
        {
            "alerts": "AlertsTable",
            alert.queue_url: "AlertQueue",
            alert.dead_letter_url: "AlertDeadLetterQueue",
            PARAMETER: "AlertWebhook",
        },
    )
    alert.send(body(1))
    alert.invoke()  # reads the URL, decides, posts
    alert.send("hello")
    alert.webhook.answers = [Answer(500)]
    alert.app.alert.cache_clear()
    alert.send(body(2))
    alert.invoke()  # reads earlier decisions, sets one aside, returns the others
    grants = granted()
    grants["AlertQueue"] -= LAMBDAS_OWN_AT_A_QUEUE
    assert calls.grants == grants

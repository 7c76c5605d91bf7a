"""The function's role grants exactly the calls that its adapters make."""

from collections.abc import Mapping
from copy import replace
from typing import Any

import boto3
import pytest
from botocore.model import OperationModel

from constant_contact_emulator import Contact
from email_opens.adapters.aws.publishing.messages import MOST_BYTES
from email_opens.model import State
from email_opens.scheduling.lifecycle import ARCHIVED_AFTER, MOST_FINISHED
from tests.conftest import Aws
from tests.contract.samples import ACTIVITY, NOON
from tests.integration.deployment import Deployment
from tests.integration.rendering import rendered
from tests.integration.template import read_template, statements

type Grants = dict[str, set[str]]
"""IAM actions by the template's resource; an account's parameter by its prefix."""

ACTION_NAMES = {
    "PublishBatch": "Publish",
    "SendMessageBatch": "SendMessage",
    "ChangeMessageVisibilityBatch": "ChangeMessageVisibility",
}
"""Operations whose IAM action has another name."""
LAMBDAS_OWN = ("logs:", "xray:")
"""What Lambda itself does with the function's role."""
LAMBDAS_OWN_AT_A_QUEUE = {"sqs:DeleteMessage", "sqs:GetQueueAttributes", "sqs:ReceiveMessage"}
"""What Lambda needs for a function that a queue invokes."""


class Calls:
    """Records each call that a client of the session makes, as the IAM action that it needs."""

    def __init__(self, session: boto3.Session, resources: Mapping[str, str]) -> None:
        self.grants: Grants = {}
        self._resources = resources
        session.events.register("provide-client-params", self._record)

    def _record(self, params: dict[str, Any], model: OperationModel, **_: Any) -> None:
        if "TransactItems" in params:
            for write in params["TransactItems"]:
                for kind, call in write.items():
                    action = f"dynamodb:{kind}Item"
                    self.grants.setdefault(self._resources[call["TableName"]], set()).add(action)
            return
        operation = ACTION_NAMES.get(model.name, model.name)
        action = f"{model.service_model.endpoint_prefix}:{operation}"
        for name in self._resource_names(params):
            self.grants.setdefault(self._resources[name], set()).add(action)

    def _resource_names(self, params: dict[str, Any]) -> list[str]:
        if "RequestItems" in params:
            return list(params["RequestItems"])
        return [
            params[key] for key in ("TableName", "TopicArn", "QueueUrl", "Name") if key in params
        ]


@pytest.fixture
def calls(aws: Aws, monkeypatch: pytest.MonkeyPatch) -> Calls:
    session = boto3.Session()
    monkeypatch.setattr(boto3.session, "Session", lambda **_: session)
    return Calls(
        session,
        {
            aws.tracking_table: "TrackingTable",
            aws.ledger_table: "LedgerTable",
            aws.topic_arn: "OpensTopic",
            aws.dlq_url: "DeadLetterQueue",
            aws.wake_ups_url: "WakeUps",
            f"{aws.credentials_prefix}default": "CredentialsPrefix",
        },
    )


def granted(name: str = "PollOpensRole") -> Grants:
    role = read_template()["Resources"][name]["Properties"]
    grants: Grants = {}
    for statement in statements(role):
        actions = {action for action in statement["Action"] if not action.startswith(LAMBDAS_OWN)}
        if actions:
            grants.setdefault(resource_of(statement["Resource"]), set()).update(actions)
    return grants


def resource_of(value: Mapping[str, Any]) -> str:
    """Return the resource of a statement, which can be written in three ways."""
    if "Ref" in value:
        return str(value["Ref"])
    if "Fn::GetAtt" in value:
        return str(value["Fn::GetAtt"][0])
    name, named = value["Fn::Sub"]
    assert name.endswith(":parameter${Prefix}*")
    assert rendered(named["Prefix"], **{"AWS::StackName": "mine"}) == "/mine/"
    return "CredentialsPrefix"


def finish_more_than_stay(deployment: Deployment) -> None:
    """Track as many finished e-mails as turns read, and one more."""
    for number in range(MOST_FINISHED + 1):
        deployment.tracking.add(
            replace(
                ACTIVITY,
                campaign_activity_id=f"5b1e0a52-0000-4000-8000-{number:012}",
                state=State.FINISHED,
                tracked_at=NOON - 2 * ARCHIVED_AFTER,
            )
        )


def test_the_role_grants_exactly_the_calls_that_are_made(
    calls: Calls, deployment: Deployment, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DISCOVERY", "ENABLED")
    activity_id = deployment.send(opens=1)
    deployment.vendor.world.add_raw_row(activity_id, {})
    deployment.vendor.world.add_open(activity_id, Contact("large", "a" * MOST_BYTES))
    deployment.invoke()  # searches, reads, publishes, dead-letters, records
    deployment.vendor.authorization.expire_access_tokens()
    finish_more_than_stay(deployment)
    deployment.invoke()  # refreshes its token, finds its own opens in the ledger
    deployment.vendor.authorization.revoke()
    deployment.invoke()  # is disconnected
    calls.grants["WakeUps"] |= LAMBDAS_OWN_AT_A_QUEUE
    assert calls.grants == granted()

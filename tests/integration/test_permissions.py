"""The function's role may do what the adapters really ask of AWS, and nothing else."""

from collections.abc import Mapping
from typing import Any

import boto3
import pytest
from botocore.model import OperationModel

from constant_contact_emulator import Contact
from email_opens.adapters.aws.publisher import MOST_BYTES
from tests.conftest import Aws
from tests.integration.deployed import Deployed
from tests.integration.template import read_template, statements

type Grants = dict[str, set[str]]
"""IAM actions by the resource of the template; an account's parameter by its prefix."""

OTHERS_ACTIONS = {"PublishBatch": "Publish", "SendMessageBatch": "SendMessage"}
"""Operations that IAM knows by another name than their own."""
LAMBDAS_OWN = ("logs:", "xray:")
"""What Lambda does by the function's role before and after the handler."""


class Asked:
    """Notes each call that a client of the session makes, as IAM sees it."""

    def __init__(self, session: boto3.Session, resources: Mapping[str, str]) -> None:
        self.grants: Grants = {}
        self._resources = resources
        session.events.register("provide-client-params", self._note)

    def _note(self, params: dict[str, Any], model: OperationModel, **_: Any) -> None:
        operation = OTHERS_ACTIONS.get(model.name, model.name)
        action = f"{model.service_model.endpoint_prefix}:{operation}"
        for name in self._named(params):
            self.grants.setdefault(self._resources[name], set()).add(action)

    def _named(self, params: dict[str, Any]) -> list[str]:
        if "RequestItems" in params:
            return list(params["RequestItems"])
        return [
            params[key] for key in ("TableName", "TopicArn", "QueueUrl", "Name") if key in params
        ]


@pytest.fixture
def asked(aws: Aws, monkeypatch: pytest.MonkeyPatch) -> Asked:
    session = boto3.Session()
    monkeypatch.setattr(boto3, "DEFAULT_SESSION", session)
    return Asked(
        session,
        {
            aws.tracking_table: "TrackingTable",
            aws.ledger_table: "LedgerTable",
            aws.topic_arn: "OpensTopic",
            aws.dlq_url: "DeadLetterQueue",
            f"{aws.credentials_prefix}default": "CredentialsPrefix",
        },
    )


def granted(name: str = "PollOpensRole") -> Grants:
    role = read_template()["Resources"][name]["Properties"]
    grants: Grants = {}
    for statement in statements(role):
        actions = {one for one in statement["Action"] if not one.startswith(LAMBDAS_OWN)}
        if actions:
            grants.setdefault(resource_of(statement["Resource"]), set()).update(actions)
    return grants


def resource_of(value: Mapping[str, Any]) -> str:
    """Return which resource a statement means, from the three ways to say it."""
    if "Ref" in value:
        return str(value["Ref"])
    if "Fn::GetAtt" in value:
        return str(value["Fn::GetAtt"][0])
    assert value["Fn::Sub"].endswith(":parameter${CredentialsPrefix}*")
    return "CredentialsPrefix"


def test_the_role_grants_what_is_asked(asked: Asked, deployed: Deployed) -> None:
    activity_id = deployed.send(opens=1)
    deployed.vendor.world.add_raw_row(activity_id, {})
    deployed.vendor.world.add_open(activity_id, Contact("large", "a" * MOST_BYTES))
    deployed.invoke()  # reads, publishes, sets aside, records
    deployed.vendor.authorization.expire_access_tokens()
    deployed.invoke()  # refreshes its token, finds its own opens in the ledger
    deployed.vendor.authorization.revoke()
    deployed.invoke()  # is disconnected
    assert asked.grants == granted()

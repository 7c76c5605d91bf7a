"""What functions and streams need for a subscription: a permission, and a role."""

import json
from urllib.parse import unquote

from botocore.exceptions import ClientError

from email_opens.errors import InvalidInput
from email_opens_cli.deployed.clients import is_missing
from email_opens_cli.deployed.policies import INVOKE, allows
from email_opens_cli.deployed.subscribing.documents import (
    MADE_FOR,
    ROLE_POLICY,
    permission,
    principal,
    role_name,
    role_policy,
    role_trust,
    statement_id,
    statements_of,
)
from email_opens_cli.deployed.subscribing.plans import Access, Plan
from email_opens_cli.deployed.subscribing.targets import Target


def plan_function(plan: Plan, access: Access, target: Target) -> None:
    """Plan the permission with which the topic invokes a function.

    Raises:
        InvalidInput: there is no such function.
    """
    client, topic = access.client("lambda", target.region), access.topic
    try:
        client.get_function_configuration(FunctionName=target.endpoint)
    except ClientError as error:
        if not is_missing(error):
            raise
        raise InvalidInput(
            f"There is no function {target.endpoint}: `aws lambda list-functions --region "
            f"{target.region} --query Functions[].FunctionArn` lists those that exist."
        ) from None
    sid = statement_id(topic.arn)
    if allows(_policy(access, target), topic.arn, INVOKE):
        plan.exists.append(f"The topic may invoke the function {target.name}.")
    else:
        properties = permission(target.endpoint, topic.arn, principal(topic, target.region))
        plan.add(
            f"add the permission {sid} to the function {target.name}, which lets the topic "
            "invoke it",
            lambda: client.add_permission(StatementId=sid, **properties),
        )


def _policy(access: Access, target: Target) -> str | None:
    """Return the policy of a function; None: it has none, or does not exist."""
    client = access.client("lambda", target.region)
    try:
        policy: str = client.get_policy(FunctionName=target.endpoint)["Policy"]
    except ClientError as error:
        if is_missing(error):
            return None
        raise
    return policy


def plan_no_permission(plan: Plan, access: Access, target: Target) -> None:
    """Plan the removal of the permission."""
    sid = statement_id(access.topic.arn)
    statements = statements_of(_policy(access, target))
    if not any(each.get("Sid") == sid for each in statements):
        return
    client = access.client("lambda", target.region)
    plan.add(
        f"remove the permission {sid} from the function {target.name}",
        lambda: client.remove_permission(FunctionName=target.endpoint, StatementId=sid),
    )


def plan_stream(plan: Plan, access: Access, target: Target) -> str:
    """Plan the role with which SNS writes to a stream; return its ARN.

    Raises:
        InvalidInput: there is no such stream.
    """
    topic, name = access.topic, role_name(target, access.topic)
    try:
        access.client("firehose").describe_delivery_stream(DeliveryStreamName=target.name)
    except ClientError as error:
        if not is_missing(error):
            raise
        raise InvalidInput(
            f"There is no Firehose stream {target.name} in {topic.region}: `aws firehose "
            f"list-delivery-streams --region {topic.region}` lists those that exist."
        ) from None
    iam, document = access.client("iam"), role_policy(target.endpoint)
    tags = _role_tags(access, name)
    if tags is None:
        plan.add(
            f"create the role {name}, which lets SNS write to the stream {target.name} only",
            lambda: iam.create_role(
                RoleName=name,
                Description=f"SNS writes opens to the stream {target.name}.",
                AssumeRolePolicyDocument=json.dumps(role_trust()),
                Tags=[{"Key": MADE_FOR, "Value": topic.arn}],
            ),
        )
    else:
        plan.exists.append(f"The role {name} exists.")
    if tags is None or _document(access, name) != document:
        plan.add(
            f"give the role {name} its policy",
            lambda: iam.put_role_policy(
                RoleName=name, PolicyName=ROLE_POLICY, PolicyDocument=json.dumps(document)
            ),
        )
    return f"arn:{topic.partition}:iam::{topic.account_id}:role/{name}"


def plan_no_role(plan: Plan, access: Access, target: Target) -> None:
    """Plan the deletion of the role."""
    iam, name = access.client("iam"), role_name(target, access.topic)
    tags = _role_tags(access, name)
    if tags is None or tags.get(MADE_FOR) != access.topic.arn:
        return

    def delete() -> None:
        if _document(access, name) is not None:
            iam.delete_role_policy(RoleName=name, PolicyName=ROLE_POLICY)
        iam.delete_role(RoleName=name)

    plan.add(f"delete the role {name}", delete)


def _role_tags(access: Access, name: str) -> dict[str, str] | None:
    """Return the tags of a role; None: it does not exist."""
    try:
        role = access.client("iam").get_role(RoleName=name)["Role"]
    except ClientError as error:
        if is_missing(error):
            return None
        raise
    return {tag["Key"]: tag["Value"] for tag in role.get("Tags", [])}


def _document(access: Access, name: str) -> object:
    """Return the policy of a role; None: it has none."""
    try:
        reply = access.client("iam").get_role_policy(RoleName=name, PolicyName=ROLE_POLICY)
    except ClientError as error:
        if is_missing(error):
            return None
        raise
    document = reply["PolicyDocument"]
    return json.loads(unquote(document)) if isinstance(document, str) else document

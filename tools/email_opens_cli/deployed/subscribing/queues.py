"""The queues of a subscription: created, given a policy, and removed."""

import json
from collections.abc import Callable, Mapping
from typing import Any

from msgspec import Struct, field

from email_opens.errors import InvalidInput
from email_opens_cli.deployed.policies import allows
from email_opens_cli.deployed.queues import attributes_of
from email_opens_cli.deployed.subscribing.documents import (
    MADE_FOR,
    policy_of,
    principal,
    queue_properties,
    redrive,
    send_statement,
    statement_id,
    statements_of,
    wire,
    with_statement,
    without_statement,
)
from email_opens_cli.deployed.subscribing.plans import Access, Plan
from email_opens_cli.deployed.subscribing.targets import FIFO, Target, queue_arn, undelivered_name
from email_opens_cli.terminal.words import count

_COUNTS = (
    "ApproximateNumberOfMessages",
    "ApproximateNumberOfMessagesNotVisible",
    "ApproximateNumberOfMessagesDelayed",
)
_WANTED = ("Policy", "RedrivePolicy", "KmsMasterKeyId", *_COUNTS)
_OWN_KEY = "alias/aws/sqs"
"""The key of AWS for SQS, with which SNS may not encrypt."""
_OF_A_STACK = "aws:cloudformation:stack-name"


class Queue(Struct, frozen=True):
    """A queue that exists."""

    url: str
    attributes: Mapping[str, str] = field(default_factory=dict)
    tags: Mapping[str, str] = field(default_factory=dict)

    @property
    def policy(self) -> str | None:
        return self.attributes.get("Policy")

    @property
    def stack(self) -> str | None:
        """The stack of CloudFormation that has created it."""
        return self.tags.get(_OF_A_STACK)

    @property
    def messages(self) -> int:
        """About how many messages it holds, whether they can be received now or later."""
        return sum(int(self.attributes.get(name, 0)) for name in _COUNTS)

    def is_made_for(self, topic_arn: str) -> bool:
        return self.tags.get(MADE_FOR) == topic_arn


def find(sqs: Any, name: str, owner: str) -> Queue | None:
    """Return a queue; None: it does not exist."""
    found = attributes_of(sqs, name, owner, _WANTED)
    if found is None:
        return None
    tags = sqs.list_queue_tags(QueueUrl=found.url).get("Tags", {})
    return Queue(found.url, found.attributes, tags)


def plan_queue(plan: Plan, access: Access, target: Target) -> None:
    """Plan the queue that is subscribed, and the one for what its consumer fails to process."""
    sqs, topic = access.client("sqs", target.region), access.topic
    found = find(sqs, target.name, target.account_id)
    failed = find(sqs, target.failed, target.account_id)
    fifo = target.name.endswith(FIFO)
    failed_arn = queue_arn(topic, target.failed, target.region)
    service = principal(topic, target.region)
    ours = found is None or found.is_made_for(topic.arn)
    if ours and failed is None:
        what = f"create the queue {target.failed}, for messages whose processing fails five times"
        plan.add(what, lambda: _create(access, target.region, target.failed, {"fifo": fifo}))
    elif failed is not None:
        plan.exists.append(f"The queue {target.failed} exists.")
    if found is None:
        statement = send_statement(target.endpoint, topic.arn, statement_id(topic.arn), service)
        policy = json.dumps(policy_of([statement]))
        plan.add(
            f"create the queue {target.name}, encrypted, which keeps messages for 14 days, and to "
            f"which only the topic {topic.name} can send",
            lambda: _create(
                access, target.region, target.name, {"fifo": fifo, "failed": failed_arn}, policy
            ),
        )
        return
    _check_key(plan, found, target, service)
    if found.stack:
        plan.warnings.append(
            f"The queue {target.name} belongs to the stack {found.stack} of CloudFormation, whose "
            "updates may undo a change of its policy: change the stack's template too, as "
            f"`email-opens subscribe --queue {target.name} --cloudformation` shows."
        )
    if ours and "RedrivePolicy" not in found.attributes:
        value = json.dumps(redrive(failed_arn))
        plan.add(
            f"set {target.failed} as the dead-letter queue of {target.name}",
            lambda: sqs.set_queue_attributes(
                QueueUrl=found.url, Attributes={"RedrivePolicy": value}
            ),
        )
    elif not ours:
        plan.exists.append(f"The queue {target.name} exists, and keeps its settings and messages.")
        if "RedrivePolicy" not in found.attributes:
            plan.warnings.append(
                f"The queue {target.name} has no dead-letter queue: a message that its consumer "
                "cannot process is received until it expires."
            )
    else:
        plan.exists.append(f"The queue {target.name} exists.")
    _plan_policy(plan, access, target.region, target.name, found, service)


def plan_undelivered(plan: Plan, access: Access, target: Target) -> str:
    """Plan the queue for what SNS cannot deliver; return its ARN."""
    topic = access.topic
    name = undelivered_name(target, topic)
    arn = queue_arn(topic, name)
    found = find(access.client("sqs"), name, topic.account_id)
    if found is None:
        statement = send_statement(arn, topic.arn, statement_id(topic.arn))
        policy = json.dumps(policy_of([statement]))
        plan.add(
            f"create the queue {name}, for what SNS cannot deliver",
            lambda: _create(access, topic.region, name, {"fifo": topic.ordered}, policy),
        )
        return arn
    plan.exists.append(f"The queue {name} exists.")
    _plan_policy(plan, access, topic.region, name, found, "sns.amazonaws.com")
    return arn


def _create(
    access: Access,
    region: str,
    name: str,
    properties: Mapping[str, Any],
    policy: str | None = None,
) -> None:
    attributes = wire(queue_properties(**properties)) | ({"Policy": policy} if policy else {})
    access.client("sqs", region).create_queue(
        QueueName=name, Attributes=attributes, tags={MADE_FOR: access.topic.arn}
    )


def _plan_policy(
    plan: Plan, access: Access, region: str, name: str, found: Queue, service: str
) -> None:
    """Plan a statement beside those that a queue's policy has, if none lets the topic send."""
    topic_arn, sqs = access.topic.arn, access.client("sqs", region)
    if allows(found.policy, topic_arn):
        return
    statement = send_statement(
        queue_arn(access.topic, name, region), topic_arn, statement_id(topic_arn), service
    )

    def add() -> None:
        # What another program has changed meanwhile stays.
        policy = with_statement(_policy(sqs, found.url), statement)
        sqs.set_queue_attributes(QueueUrl=found.url, Attributes={"Policy": json.dumps(policy)})

    number = len(statements_of(found.policy))
    kept = f", beside its {count(number, 'statement')}" if number else ""
    plan.add(
        f"add the statement {statement['Sid']} to the policy of {name}{kept}, which lets the topic "
        "send to it",
        add,
    )


def _policy(sqs: Any, url: str) -> str | None:
    reply = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["Policy"])
    policy: str | None = reply.get("Attributes", {}).get("Policy")
    return policy


def _check_key(plan: Plan, found: Queue, target: Target, service: str) -> None:
    """Make sure that SNS can encrypt for a queue.

    Raises:
        InvalidInput: it uses the key of AWS for SQS, whose policy does not admit SNS.
    """
    key = found.attributes.get("KmsMasterKeyId")
    if not key:
        return
    if key == _OWN_KEY:
        raise InvalidInput(
            f"The queue {target.name} is encrypted with {_OWN_KEY}, which SNS cannot use, so "
            "nothing would arrive. Encrypt it with SQS's own key: `aws sqs set-queue-attributes "
            f"--region {target.region} --queue-url {found.url} --attributes KmsMasterKeyId=`, "
            f"then `aws sqs set-queue-attributes --region {target.region} --queue-url {found.url} "
            "--attributes SqsManagedSseEnabled=true`."
        )
    statement = {
        "Effect": "Allow",
        "Principal": {"Service": service},
        "Action": ["kms:Decrypt", "kms:GenerateDataKey"],
        "Resource": "*",
    }
    plan.warnings.append(
        f"The queue {target.name} is encrypted with the key {key}, whose policy must let SNS use "
        f"it, or nothing arrives. The statement that does: {json.dumps(statement)}"
    )


def plan_removal(
    plan: Plan,
    access: Access,
    region: str,
    name: str,
    *,
    with_messages: bool,
    user: Callable[[str], str | None],
) -> bool:
    """Plan the deletion of a queue that `subscribe` created, or else of its statement.

    `user` returns who else has the queue of an ARN as dead-letter queue. Returns whether there is
    no queue afterwards.
    """
    topic, sqs = access.topic, access.client("sqs", region)
    found = find(sqs, name, topic.account_id)
    if found is None:
        return True
    used_by = user(queue_arn(topic, name, region))
    if used_by is not None:
        plan.exists.append(f"The queue {name} stays, since {used_by} has it as dead-letter queue.")
        return False
    sid = statement_id(topic.arn)
    statements = statements_of(found.policy)
    shared = sum(each.get("Sid") != sid and each.get("Effect") == "Allow" for each in statements)
    if not found.is_made_for(topic.arn):
        why = "since `subscribe` did not create it for this topic"
    elif shared:
        why = f"since its policy lets others use it, by {count(shared, 'statement')}"
    elif found.messages and not with_messages:
        held = count(found.messages, "message")
        why = f"with about {held}: --delete-queue deletes it with them"
    else:
        _plan_deletion(plan, sqs, name, found, with_messages=with_messages)
        return True
    plan.exists.append(f"The queue {name} stays, {why}.")
    if any(each.get("Sid") == sid for each in statements):

        def remove() -> None:
            policy = without_statement(_policy(sqs, found.url), sid)
            value = json.dumps(policy) if policy else ""
            sqs.set_queue_attributes(QueueUrl=found.url, Attributes={"Policy": value})

        plan.add(f"remove the statement {sid} from the policy of {name}", remove)
    return False


def _plan_deletion(plan: Plan, sqs: Any, name: str, found: Queue, *, with_messages: bool) -> None:
    def delete() -> None:
        counted = sqs.get_queue_attributes(QueueUrl=found.url, AttributeNames=list(_COUNTS))
        now = Queue(found.url, counted.get("Attributes", {}))
        if now.messages and not with_messages:
            plan.notes.append(
                f"The queue {name} stays, since it has received about "
                f"{count(now.messages, 'message')} meanwhile: --delete-queue deletes it with them."
            )
            return
        sqs.delete_queue(QueueUrl=found.url)

    holding = f" with about {count(found.messages, 'message')}" if found.messages else ""
    empty = "" if holding else ", which is empty"
    plan.add(f"delete the queue {name}{holding}{empty}", delete)

"""What the policy of a queue or a function lets a topic do."""

import json
from collections.abc import Mapping, Sequence

SEND = ("sqs:sendmessage", "sqs:*", "*")
INVOKE = ("lambda:invokefunction", "lambda:*", "*")


def allows(policy: str | None, topic_arn: str, actions: Sequence[str] = SEND) -> bool:
    """Return whether a policy has a statement that may let the topic take an action.

    By default that of a queue, to which the topic sends.
    """
    statements = json.loads(policy or "{}").get("Statement", [])
    return any(
        statement.get("Effect") == "Allow"
        and _names(statement.get("Action"), *actions)
        and _admits(statement.get("Principal"))
        and _holds(statement.get("Condition", {}), topic_arn)
        for statement in (statements if isinstance(statements, list) else [statements])
    )


def _names(value: object, *wanted: str) -> bool:
    values = value if isinstance(value, list) else [value]
    return any(str(each).lower() in wanted for each in values)


def _admits(principal: object) -> bool:
    if isinstance(principal, dict):
        return _names(principal.get("Service"), "sns.amazonaws.com") or _names(
            principal.get("AWS"), "*"
        )
    return principal == "*"


def _holds(conditions: Mapping[str, Mapping[str, object]], topic_arn: str) -> bool:
    """Return False if a condition on the source's ARN names only other topics."""
    for condition in conditions.values():
        for key, value in condition.items():
            if key.lower() == "aws:sourcearn":
                patterns = value if isinstance(value, list) else [value]
                return any("*" in str(each) or each == topic_arn for each in patterns)
    return True

"""The policies of docs/iam, filled in, and which of them allows a call."""

import json
from collections.abc import Iterable, Iterator
from fnmatch import fnmatchcase
from typing import Any

from tests.aws_account.recorded import ACCOUNT, REGION, Call
from tests.integration.deployment import ROOT
from tests.integration.template import as_list

FOLDER = ROOT / "docs" / "iam"
READS = ("Describe", "Filter", "Get", "List", "Query")
"""How actions that change nothing begin."""


def statements(name: str, stack: str) -> list[dict[str, Any]]:
    """Return the statements of a policy for a stack, as the page's command fills them in."""
    text = (FOLDER / f"{name}.json").read_text()
    for placeholder, value in (("REGION", REGION), ("ACCOUNT_ID", ACCOUNT), ("STACK", stack)):
        text = text.replace(placeholder, value)
    found: list[dict[str, Any]] = json.loads(text)["Statement"]
    return found


def actions(statements: Iterable[dict[str, Any]]) -> Iterator[str]:
    for statement in statements:
        yield from as_list(statement["Action"])


def allows(statements: Iterable[dict[str, Any]], call: Call) -> bool:
    """Return whether a statement allows a call; IAM's wildcards are those of fnmatch."""
    return any(
        fnmatchcase(call.action, action) and fnmatchcase(call.resource, resource)
        for statement in statements
        for action in as_list(statement["Action"])
        for resource in as_list(statement["Resource"])
    )

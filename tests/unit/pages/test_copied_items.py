"""The script of the recovery page that copies a table."""

import re
import sys
from typing import Any

import pytest

from tests.conftest import REGION, Aws
from tests.integration.deployment import ROOT

PAGE = (ROOT / "docs" / "recovery.md").read_text()
LARGE = "x" * 300_000
"""Four items with it are more than a page of a scan, which has at most 1 MB."""


def script() -> str:
    found = re.search(r"cat > copy_items.py <<'END'\n(.*?)^END$", PAGE, re.MULTILINE | re.DOTALL)
    assert found
    return found[1]


def test_all_pages_are_copied_with_unknown_attributes_and_other_items_stay(
    aws: Aws, monkeypatch: pytest.MonkeyPatch
) -> None:
    dynamodb: Any = aws.dynamodb
    keys = [f"activity#{number}" for number in range(9)]
    dynamodb.create_table(
        TableName="restored",
        BillingMode="PAY_PER_REQUEST",
        **{
            key: dynamodb.describe_table(TableName=aws.tracking_table)["Table"][key]
            for key in ("AttributeDefinitions", "KeySchema")
        },
    )
    items: list[dict[str, Any]] = [
        {
            "account_id": {"S": "default"},
            "item": {"S": key},
            "unknown": {
                "M": {"bytes": {"B": b"\0\xff"}, "number": {"N": "0.1"}, "is": {"NULL": True}}
            },
            "large": {"S": LARGE},
        }
        for key in keys
    ]
    for item in items:
        dynamodb.put_item(TableName="restored", Item=item)
    other: dict[str, Any] = {"account_id": {"S": "default"}, "item": {"S": "other"}}
    for item in (other, {**other, "item": {"S": keys[0]}}):
        dynamodb.put_item(TableName=aws.tracking_table, Item=item)
    monkeypatch.setattr(
        sys, "argv", ["copy_items.py", "restored", f"{REGION}:{aws.tracking_table}"]
    )
    exec(compile(script(), "copy_items.py", "exec"), {})
    pages = dynamodb.get_paginator("scan").paginate(TableName=aws.tracking_table)
    stored = {item["item"]["S"]: item for page in pages for item in page["Items"]}
    assert stored == {"other": other, **{item["item"]["S"]: item for item in items}}

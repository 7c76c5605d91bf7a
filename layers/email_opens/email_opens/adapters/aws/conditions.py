"""Conditional writes to the tracking table.

botocore retries a write whose reply was lost. If the first attempt succeeded, it makes the
condition of the second fail. So a failed condition returns the stored item, and a writer that
finds its own write there has succeeded.
"""

from collections.abc import Iterable
from typing import TYPE_CHECKING, cast

from botocore.exceptions import ClientError

if TYPE_CHECKING:
    from email_opens.adapters.aws.items import Item, StoredItem


def unchanged(stored: "StoredItem", names: Iterable[str]) -> tuple[str, "Item"]:
    """Return the condition that these attributes still equal the stored ones, and its values."""
    condition = " AND ".join(
        f"{name} = :read_{name}" if name in stored else f"attribute_not_exists({name})"
        for name in names
    )
    return condition, {f":read_{name}": stored[name] for name in names if name in stored}


def conflicting_item(error: ClientError) -> "StoredItem":
    """Return the stored item that made a condition fail, empty if there is none.

    Raises:
        ClientError: the error is not a failed condition.
    """
    if error.response["Error"]["Code"] != "ConditionalCheckFailedException":
        raise error
    return cast("StoredItem", error.response.get("Item", {}))


def is_conflict(error: ClientError) -> bool:
    """Return whether a transaction was cancelled by a condition, or by another writer."""
    reasons = error.response.get("CancellationReasons", ())
    codes = {reason.get("Code") for reason in reasons} - {"None"}
    return bool(codes) and codes <= {"ConditionalCheckFailed", "TransactionConflict"}

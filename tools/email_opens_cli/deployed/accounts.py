"""The accounts of a deployed product: what is stored of them, and what they are called."""

from collections.abc import Callable, Mapping
from typing import Any

from botocore.exceptions import ClientError

from email_opens.errors import InvalidInput
from email_opens.ports import Tracking

_MOST_NAMED = 5


def check_account(
    account_id: str,
    tracking: Tracking,
    make_ssm: Callable[[], Any],
    environment: Mapping[str, str],
) -> None:
    """Refuse an account of which nothing is stored.

    The client of Parameter Store is made only if the tracking table does not have the account.

    Raises:
        InvalidInput: nothing is tracked for it, no turn was taken, and it has no credentials.
    """
    if tracking.account(account_id) is not None or tracking.activities(account_id):
        return
    ssm, prefix = make_ssm(), environment["CREDENTIALS_PREFIX"].strip()
    try:
        ssm.get_parameter(Name=prefix + account_id)
    except ClientError as error:
        if error.response["Error"]["Code"] != "ParameterNotFound":
            return  # This user may not read credentials.
    else:
        return
    others = connected(ssm, prefix)
    known = f" Connected accounts: {', '.join(others[:_MOST_NAMED])}." if others else ""
    raise InvalidInput(
        f"There is no account {account_id}: it has no credentials, and nothing is tracked for it."
        f"{known} Connect it with `email-opens connect {account_id}`."
    )


def connected(ssm: Any, prefix: str) -> list[str]:
    """Return the ids of the accounts that have credentials, as far as this user may list them."""
    try:
        pages = ssm.get_paginator("get_parameters_by_path").paginate(Path=prefix.rstrip("/") or "/")
        names = [parameter["Name"] for page in pages for parameter in page["Parameters"]]
    except ClientError:
        return []
    return sorted(name.removeprefix(prefix) for name in names if name.startswith(prefix))

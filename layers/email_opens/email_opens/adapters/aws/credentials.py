"""Credentials in SSM Parameter Store: a SecureString of JSON per account."""

import json
from typing import TYPE_CHECKING

from botocore.exceptions import ClientError

from email_opens.errors import AccountDisconnected, AccountStopped, InvalidInput
from email_opens.instants import iso, utc
from email_opens.model import Tokens

if TYPE_CHECKING:
    from mypy_boto3_ssm import SSMClient

MOST_BYTES = 4096
"""What a standard parameter holds."""


class SsmCredentials:
    """Keeps `email_opens.ports.Credentials`; a parameter's name is the prefix and the account."""

    def __init__(self, client: "SSMClient", prefix: str) -> None:
        self._client = client
        self._prefix = prefix

    def load(self, account_id: str) -> Tokens:
        try:
            reply = self._client.get_parameter(Name=self._prefix + account_id, WithDecryption=True)
        except ClientError as error:
            if error.response["Error"]["Code"] != "ParameterNotFound":
                raise
            raise _disconnected(account_id, "has no credentials") from None
        if "Parameter" not in reply:
            raise AccountStopped(
                f"The Parameter Store's reply for account “{account_id}” was cut; "
                "the next turn asks again."
            )
        try:
            return _tokens(json.loads(reply["Parameter"]["Value"]))
        except (ValueError, RecursionError):
            # From nothing: the cause would carry the parameter's text into a log.
            raise _disconnected(account_id, "has credentials that cannot be read") from None

    def store(self, account_id: str, tokens: Tokens) -> None:
        held = {
            "client_id": tokens.client_id,
            "client_secret": tokens.client_secret,
            "refresh_token": tokens.refresh_token,
            "access_token": tokens.access_token,
            "expires_at": tokens.expires_at and iso(tokens.expires_at),
        }
        value = json.dumps({name: text for name, text in held.items() if text is not None})
        if len(value) > MOST_BYTES:
            raise InvalidInput(
                f"The credentials of account “{account_id}” take {len(value)} bytes; "
                f"a standard parameter holds {MOST_BYTES}."
            )
        self._client.put_parameter(
            Name=self._prefix + account_id,
            Value=value,
            Type="SecureString",
            Tier="Standard",
            Overwrite=True,
        )


def _disconnected(account_id: str, what: str) -> AccountDisconnected:
    return AccountDisconnected(
        f"Account “{account_id}” {what}: run `email-opens connect {account_id}`."
    )


def _tokens(held: object) -> Tokens:
    """Read what was stored.

    Raises:
        ValueError: it is not that.
    """
    if not isinstance(held, dict):
        raise ValueError("no object")  # noqa: TRY004 - one kind of fault for the caller

    def optional(name: str) -> str | None:
        value = held.get(name)
        if value is not None and not isinstance(value, str):
            raise ValueError(f"{name} is no text")
        if value is not None:
            value.encode()  # JSON may hold half a character, and no request may.
        return value or None

    def required(name: str) -> str:
        value = optional(name)
        if value is None:
            raise ValueError(f"{name} is missing")
        return value

    expires_at = optional("expires_at")
    return Tokens(
        client_id=required("client_id"),
        client_secret=optional("client_secret"),
        refresh_token=required("refresh_token"),
        access_token=optional("access_token"),
        expires_at=None if expires_at is None else utc(expires_at),
    )

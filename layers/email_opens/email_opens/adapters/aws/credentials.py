"""Credentials in SSM Parameter Store: one SecureString of JSON per account."""

import json
from typing import TYPE_CHECKING

from botocore.exceptions import ClientError

from email_opens.errors import AccountDisconnected, AccountStopped, InvalidInput
from email_opens.instants import iso, utc
from email_opens.model import Tokens

if TYPE_CHECKING:
    from mypy_boto3_ssm import SSMClient

MOST_BYTES = 4096
"""The size limit of a standard parameter."""


class SsmCredentials:
    """Implements `email_opens.ports.Credentials`; parameters are named prefix + account id."""

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
                f"Parameter Store's reply for account “{account_id}” was incomplete; "
                "the next turn retries."
            )
        try:
            return _tokens(json.loads(reply["Parameter"]["Value"]))
        except (ValueError, RecursionError):
            # `from None`: the cause would carry the parameter's text into a log.
            raise _disconnected(account_id, "has credentials that cannot be read") from None

    def store(self, account_id: str, tokens: Tokens) -> None:
        values = {
            "client_id": tokens.client_id,
            "client_secret": tokens.client_secret,
            "refresh_token": tokens.refresh_token,
            "access_token": tokens.access_token,
            "expires_at": tokens.expires_at and iso(tokens.expires_at),
        }
        value = json.dumps({name: text for name, text in values.items() if text is not None})
        if len(value) > MOST_BYTES:
            raise InvalidInput(
                f"The credentials of account “{account_id}” take {len(value)} bytes; "
                f"a standard parameter holds at most {MOST_BYTES}."
            )
        self._client.put_parameter(
            Name=self._prefix + account_id,
            Value=value,
            Type="SecureString",
            Tier="Standard",
            Overwrite=True,
        )


def _disconnected(account_id: str, fault: str) -> AccountDisconnected:
    return AccountDisconnected(
        f"Account “{account_id}” {fault}: run `email-opens connect {account_id}`."
    )


def _tokens(values: object) -> Tokens:
    """Read the tokens from parsed JSON.

    Raises:
        ValueError: they are malformed.
    """
    if not isinstance(values, dict):
        raise ValueError("not an object")  # noqa: TRY004 - callers catch one type

    def optional(name: str) -> str | None:
        value = values.get(name)
        if value is not None and not isinstance(value, str):
            raise ValueError(f"{name} is not text")
        if value is not None:
            value.encode()  # JSON may hold a lone surrogate, which no request can carry.
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

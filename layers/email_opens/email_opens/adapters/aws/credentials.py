"""Credentials in SSM Parameter Store: one SecureString of JSON per account.

A person may have written the parameter, so it has no schema number unless a newer version wrote
one. Names that this version does not read are kept when tokens are refreshed.
"""

import json
from typing import TYPE_CHECKING, Any

from botocore.exceptions import BotoCoreError, ClientError

from email_opens.account import Tokens
from email_opens.adapters.records.schemas import (
    FIRST_SCHEMA,
    NewerSchema,
    refuse_newer_number,
    unknown_of,
)
from email_opens.errors import AccountDisconnected, AccountStopped, InvalidInput
from email_opens.instants import iso, utc

if TYPE_CHECKING:
    from mypy_boto3_ssm import SSMClient
    from mypy_boto3_ssm.literals import ParameterTierType
    from mypy_boto3_ssm.type_defs import ParameterHistoryTypeDef

SCHEMA = FIRST_SCHEMA
"""The newest schema of credentials that this version understands."""
KNOWN = frozenset(
    {"client_id", "client_secret", "refresh_token", "access_token", "expires_at", "stack"}
)

MOST_BYTES: "dict[ParameterTierType, int]" = {"Standard": 4096, "Advanced": 8192}
"""The size limit of a parameter, by its tier."""
MOST_VERSIONS = 100
"""The versions of a parameter that are kept; the next one replaces the oldest."""
WRITES_OF_A_REFRESH = 2
"""The tokens are written back before a refresh, and the new tokens are written after it."""


class SsmCredentials:
    """Implements `email_opens.ports.Credentials`; parameters are named prefix + account id.

    Credentials that are stored without a stack get this one, which keeps others from replacing
    them unasked; those of another stack stay its own when they are refreshed.
    """

    def __init__(self, client: "SSMClient", prefix: str, stack: str | None = None) -> None:
        self._client = client
        self._prefix = prefix
        self._stack = stack
        self._tiers: dict[str, ParameterTierType] = {}
        """By account id, as last read: nothing may fail between a refresh and its write."""

    def load(self, account_id: str) -> Tokens:
        return _read(account_id, self._value(account_id))

    def rewrite(self, account_id: str) -> Tokens:
        value = self._value(account_id)
        tokens = _read(account_id, value)
        self._prepare(account_id, WRITES_OF_A_REFRESH)
        self._put(account_id, value)
        return tokens

    def store(self, account_id: str, tokens: Tokens) -> None:
        if account_id not in self._tiers:
            self._prepare(account_id, 1)
        values: dict[str, Any] = {
            **tokens.unknown,
            "client_id": tokens.client_id,
            "client_secret": tokens.client_secret,
            "refresh_token": tokens.refresh_token,
            "access_token": tokens.access_token,
            "expires_at": None if tokens.expires_at is None else iso(tokens.expires_at),
            "stack": tokens.stack or self._stack,
        }
        most = MOST_BYTES[self._tiers[account_id]]
        value = _json(values)
        if len(value) > most:
            # Another access token can be requested; another refresh token needs a person.
            value = _json(values | {"access_token": None})
        if len(value) > most:
            raise self._too_large(account_id, len(value), most)
        self._put(account_id, value)

    def _value(self, account_id: str) -> str:
        try:
            reply = self._client.get_parameter(Name=self._prefix + account_id, WithDecryption=True)
        except (BotoCoreError, ClientError) as error:
            if error_code(error) == "ParameterNotFound":
                raise _disconnected(account_id, "has no credentials") from None
            raise self._refused("GetParameter", account_id, error) from None
        if "Parameter" not in reply:
            raise AccountStopped(
                f"Parameter Store's reply for account “{account_id}” was incomplete; "
                "the next turn retries."
            )
        return reply["Parameter"]["Value"]

    def _versions(self, account_id: str) -> "list[ParameterHistoryTypeDef]":
        """Return the versions of a parameter, the oldest first; none if it does not exist."""
        pages = self._client.get_paginator("get_parameter_history").paginate(
            Name=self._prefix + account_id, WithDecryption=False
        )
        try:
            versions = [version for page in pages for version in page["Parameters"]]
        except (BotoCoreError, ClientError) as error:
            if error_code(error) == "ParameterNotFound":
                return []
            raise self._refused("GetParameterHistory", account_id, error) from None
        return sorted(versions, key=lambda version: version["Version"])

    def _prepare(self, account_id: str, writes: int) -> None:
        """Read the parameter's tier, and make sure that no label protects a version to be replaced.

        Parameter Store does not delete a version that has a label, and refuses the write instead.
        """
        versions = self._versions(account_id)
        for version in versions[: max(0, len(versions) + writes - MOST_VERSIONS)]:
            if version.get("Labels"):
                raise self._labelled(account_id, version)
        advanced = versions and versions[-1].get("Tier") == "Advanced"
        self._tiers[account_id] = "Advanced" if advanced else "Standard"

    def _put(self, account_id: str, value: str) -> None:
        try:
            self._client.put_parameter(
                Name=self._prefix + account_id,
                Value=value,
                Type="SecureString",
                # An advanced parameter cannot become a standard one. If the tier is omitted,
                # the region's default tier is taken, not the parameter's own.
                Tier=self._tiers[account_id],
                Overwrite=True,
            )
        except (BotoCoreError, ClientError) as error:
            raise self._refused("PutParameter", account_id, error) from None

    def _too_large(self, account_id: str, size_bytes: int, most: int) -> InvalidInput:
        name, advanced = self._prefix + account_id, MOST_BYTES["Advanced"]
        remedy = ""
        if most < advanced:
            value = (
                f"$(aws ssm get-parameter --name {name} --with-decryption "
                "--query Parameter.Value --output text)"
            )
            remedy = (
                f" An advanced parameter holds {advanced} bytes; to make it one, run "
                f"`aws ssm put-parameter --name {name} --type SecureString --tier Advanced "
                f'--overwrite --value "{value}"`.'
            )
        return InvalidInput(
            f"The credentials of account “{account_id}” take {size_bytes} bytes without an access "
            f"token, and the parameter {name} holds at most {most} bytes.{remedy}"
        )

    def _refused(
        self, operation: str, account_id: str, error: BotoCoreError | ClientError
    ) -> AccountStopped:
        """Return the error for a call that failed; AWS's own message may hold the value."""
        name, code = self._prefix + account_id, error_code(error)
        remedy = "the next turn retries"
        if code.startswith("AccessDenied"):
            remedy = f"allow ssm:{operation} on it and the use of its key"
        return AccountStopped(
            f"Parameter Store refused {operation} of {name}, the parameter of account "
            f"“{account_id}” ({code}): {remedy}."
        )

    def _labelled(self, account_id: str, version: "ParameterHistoryTypeDef") -> AccountStopped:
        name, labels = self._prefix + account_id, " ".join(version["Labels"])
        return AccountStopped(
            f"Parameter Store accepts no new credentials of account “{account_id}”: it keeps "
            f"{MOST_VERSIONS} versions of the parameter {name}, and does not delete the oldest "
            "while it has a label. Run `aws ssm unlabel-parameter-version "
            f"--name {name} --parameter-version {version['Version']} --labels {labels}`."
        )


def error_code(error: BotoCoreError | ClientError) -> str:
    if isinstance(error, ClientError):
        return error.response["Error"]["Code"]
    return type(error).__name__


def _json(values: dict[str, Any]) -> str:
    """Return the values that are not None as JSON, which is ASCII."""
    return json.dumps({name: value for name, value in values.items() if value is not None})


def _read(account_id: str, value: str) -> Tokens:
    try:
        values = json.loads(value)
        if isinstance(values, dict) and isinstance(values.get("schema"), int):
            credentials = f"The parameter with the credentials of account “{account_id}”"
            refuse_newer_number(values["schema"], SCHEMA, credentials)
        return _tokens(values)
    except NewerSchema as error:
        raise AccountStopped(str(error)) from None
    except (ValueError, RecursionError):
        # `from None`: the cause would carry the parameter's text into a log.
        raise _disconnected(account_id, "has credentials that cannot be read") from None


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
        stack=optional("stack"),
        unknown=unknown_of(values, KNOWN),
    )

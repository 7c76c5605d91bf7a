"""The salt of hashed addresses, in a SecureString of Parameter Store below the credentials."""

import secrets
from typing import TYPE_CHECKING

from botocore.exceptions import BotoCoreError, ClientError

from email_opens.adapters.aws.credentials import error_code
from email_opens.errors import AccountStopped

if TYPE_CHECKING:
    from mypy_boto3_ssm import SSMClient

NAME = "contact-details/salt"
"""After the prefix of the credentials. An account's name has no slash, so no account has it."""


class SsmSalt:
    """Returns the stack's salt, which the first call creates unless there is one."""

    def __init__(self, client: "SSMClient", prefix: str) -> None:
        self._client = client
        self._name = prefix + NAME

    def __call__(self) -> str:
        """Return the salt.

        Raises:
            AccountStopped: it can be neither read nor created for now.
        """
        try:
            return self._read() or self._create()
        except (BotoCoreError, ClientError) as error:
            raise AccountStopped(
                f"The salt of hashed addresses, the parameter {self._name}, could not be read or "
                f"created: {error_code(error)}. Until it is, no opens are published, and none are "
                "lost. "
                "Allow the function ssm:GetParameter and ssm:PutParameter for it, or set the "
                "stack's parameter ContactDetails to none."
            ) from None

    def _read(self) -> str | None:
        try:
            reply = self._client.get_parameter(Name=self._name, WithDecryption=True)
        except ClientError as error:
            if error_code(error) == "ParameterNotFound":
                return None
            raise
        return reply["Parameter"]["Value"]

    def _create(self) -> str:
        salt = secrets.token_hex(16)
        try:
            self._client.put_parameter(
                Name=self._name,
                Description="Salt of the addresses that email-opens publishes as hashes.",
                Value=salt,
                Type="SecureString",
            )
        except ClientError as error:
            if error_code(error) != "ParameterAlreadyExists":
                raise
            # Another turn was faster, or the reply to an earlier attempt was lost. No salt but the
            # stored one may be used; until Parameter Store shows it, turns fail.
            stored = self._read()
            if stored is None:
                raise
            return stored
        return salt

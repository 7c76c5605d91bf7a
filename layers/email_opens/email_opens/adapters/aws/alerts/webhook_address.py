"""The webhook's URL in SSM Parameter Store: a SecureString, since the URL is a secret."""

from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from botocore.exceptions import BotoCoreError, ClientError

from email_opens.adapters.aws.credentials import error_code
from email_opens.alerts.urls import webhook_url
from email_opens.errors import WebhookUnusable
from email_opens.ports import Clock

if TYPE_CHECKING:
    from mypy_boto3_ssm import SSMClient

KEPT = timedelta(minutes=5)


class SsmAddress:
    """Implements `email_opens.alerts.ports.Address`."""

    def __init__(self, client: "SSMClient", parameter: str, clock: Clock) -> None:
        self.mend = (
            "store its URL with `aws ssm put-parameter --overwrite --type SecureString --name "
            f"{parameter} --value URL`"
        )
        self._client = client
        self._parameter = parameter
        self._clock = clock
        self._read: tuple[datetime, str] | None = None

    def read(self) -> str:
        now = self._clock.now()
        if self._read is None or not timedelta() <= now - self._read[0] < KEPT:
            self._read = (now, self._load())
        return self._read[1]

    def forget(self) -> None:
        self._read = None

    def _load(self) -> str:
        try:
            reply = self._client.get_parameter(Name=self._parameter, WithDecryption=True)
        except (BotoCoreError, ClientError) as error:
            code = error_code(error)
            remedy = "it is retried"
            if code == "ParameterNotFound":
                remedy = self.mend
            elif code.startswith("AccessDenied"):
                remedy = "allow the function ssm:GetParameter on it and the use of its key"
            # `from None`: AWS's own message may hold the value.
            raise WebhookUnusable(
                f"The webhook's URL cannot be read from the parameter {self._parameter} ({code}): "
                f"{remedy}."
            ) from None
        url = webhook_url(reply["Parameter"].get("Value", ""))
        if url is None:
            raise WebhookUnusable(
                f"The parameter {self._parameter} does not hold the https URL of a webhook: "
                f"{self.mend}."
            )
        return url

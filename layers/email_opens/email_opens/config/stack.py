"""The settings of a stack's functions, and of the commands that work on a stack."""

from collections.abc import Mapping
from enum import StrEnum
from typing import Annotated

from email_opens.config.settings import NetworkSettings, Settings, read
from email_opens.config.variables import Variable, choice, switch, text


class Monitoring(StrEnum):
    """How much of a stack is measured for CloudWatch, which charges for each metric."""

    FULL = "full"
    BASIC = "basic"
    NONE = "none"


class AccountSettings(Settings, frozen=True, kw_only=True):
    """The settings of all that works on the accounts of a stack."""

    tracking_table: Annotated[str, text("TRACKING_TABLE", "the name of the tracking table")]
    credentials_prefix: Annotated[
        str,
        text(
            "CREDENTIALS_PREFIX",
            "a parameter's name down to the account, such as /email-opens/",
            "/",
        ),
    ]
    stack_name: Annotated[str | None, Variable("STACK_NAME", "", lambda name: name or None)]
    """A dimension of the metrics, and the owner of credentials; None: it is not known."""
    account_id: Annotated[str, Variable("ACCOUNT_ID", "default", str)]
    """The account of the stack's own schedule."""


class StackSettings(AccountSettings, frozen=True, kw_only=True):
    """The settings of polls in a stack."""

    ledger_table: Annotated[str, text("LEDGER_TABLE", "the name of the ledger table")]
    opens_topic_arn: Annotated[
        str, text("OPENS_TOPIC_ARN", "the ARN of the topic, arn:…:sns:…", "arn:")
    ]
    dead_letter_queue_url: Annotated[
        str, text("DEAD_LETTER_QUEUE_URL", "the URL of the dead-letter queue", "http")
    ]
    discovery: Annotated[bool, switch("DISCOVERY", "ENABLED")]
    """Whether turns search for new sends."""
    wake_ups_queue_url: Annotated[
        str, text("WAKE_UPS_QUEUE_URL", "the URL of the queue of wake-ups", "http")
    ]
    first_opens: Annotated[bool, switch("FIRST_OPENS", "ENABLED")]
    """Whether each event says if it is its contact's first open of the e-mail."""
    monitoring: Annotated[Monitoring, choice("MONITORING", Monitoring.BASIC, Monitoring)]


class AlertSettings(NetworkSettings, frozen=True, kw_only=True):
    """The settings of the alert in a stack."""

    alert_webhook_parameter: Annotated[
        str,
        text(
            "ALERT_WEBHOOK_PARAMETER",
            "the name of the SecureString parameter that holds the webhook's URL",
        ),
    ]
    alerts_table: Annotated[str, text("ALERTS_TABLE", "the name of the alert's table")]
    alert_queue_url: Annotated[str, text("ALERT_QUEUE_URL", "the URL of the alert's queue", "http")]
    alert_dead_letter_queue_url: Annotated[
        str,
        text("ALERT_DEAD_LETTER_QUEUE_URL", "the URL of the alert's dead-letter queue", "http"),
    ]
    alert_template: Annotated[str, Variable("ALERT_TEMPLATE", "", str)] = ""
    """A JSON document with placeholders; empty: the service's own."""


def read_settings(environment: Mapping[str, str]) -> StackSettings:
    """Read the settings of polls; raises as `read`."""
    return read(StackSettings, environment)


def read_account_settings(environment: Mapping[str, str]) -> AccountSettings:
    """Read the settings of what neither polls nor publishes; raises as `read`."""
    return read(AccountSettings, environment)


def read_alert_settings(environment: Mapping[str, str]) -> AlertSettings:
    """Read the settings of the alert; raises as `read`."""
    return read(AlertSettings, environment)

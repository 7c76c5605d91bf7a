"""The composition root of the alert on AWS."""

from collections.abc import Mapping
from datetime import timedelta

from msgspec import Struct

from email_opens.adapters.aws.alerts.queue import AlertQueue
from email_opens.adapters.aws.alerts.webhook_address import SsmAddress
from email_opens.adapters.aws.decisions import DynamoDBDecisions
from email_opens.adapters.aws.session import AwsSession, aws_session, client_config
from email_opens.adapters.clock import SystemClock
from email_opens.adapters.webhook import HttpWeb
from email_opens.alerts.alerts import Alerts
from email_opens.alerts.deduplication import Deduplication
from email_opens.alerts.templates import read_template
from email_opens.config.stack import read_alert_settings
from email_opens.ports import Clock

KEPT = timedelta(days=30)
"""How long the table keeps decisions: longer than the queues keep a message."""


class Alert(Struct, frozen=True, kw_only=True):
    """The alert, wired."""

    alerts: Alerts
    queue: AlertQueue
    clock: Clock


def bootstrap_alert(
    environment: Mapping[str, str],
    *,
    clock: Clock | None = None,
    aws: AwsSession | None = None,
) -> Alert:
    """Wire the alert for an environment, with a session of AWS if there is one already.

    Raises:
        InvalidSettings: as `read_alert_settings` raises, or the template is malformed.
    """
    settings, clock = read_alert_settings(environment), clock or SystemClock()
    template = read_template(settings.alert_template, "ALERT_TEMPLATE")
    aws, config = aws or aws_session(environment), client_config(attempts=3)
    dynamodb = aws.client("dynamodb", config=config)
    alerts = Alerts(
        address=SsmAddress(
            aws.client("ssm", config=config), settings.alert_webhook_parameter, clock
        ),
        web=HttpWeb(settings.network, clock),
        deduplication=Deduplication(
            DynamoDBDecisions(dynamodb, settings.alerts_table, KEPT, clock), clock
        ),
        clock=clock,
        template=template,
    )
    queue = AlertQueue(
        aws.client("sqs", config=config),
        settings.alert_queue_url,
        settings.alert_dead_letter_queue_url,
    )
    return Alert(alerts=alerts, queue=queue, clock=clock)

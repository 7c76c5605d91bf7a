"""The composition root of the alert without AWS, which a watch without an alert does not import."""

from collections.abc import Callable

from email_opens.adapters.clock import SystemClock
from email_opens.adapters.local.alerting import AlertingPublisher, GivenAddress
from email_opens.adapters.local.decisions import SqliteDecisions
from email_opens.adapters.local.state_file import StateFile
from email_opens.adapters.waits import UNCUT, Waits
from email_opens.adapters.webhook import HttpWeb
from email_opens.alerts.alerts import Alerts
from email_opens.alerts.deduplication import Deduplication
from email_opens.config.settings import Settings
from email_opens.ports import Clock, Publisher


def alerting(
    publisher: Publisher,
    settings: Settings,
    state: StateFile,
    url: str,
    *,
    every_open: bool,
    mend: str,
    warn: Callable[[str], None],
    waits: Waits = UNCUT,
    clock: Clock | None = None,
) -> AlertingPublisher:
    """Wire a publisher that also posts opens to a webhook.

    `every_open` includes opens that are not fresh or not a contact's first. `mend` says how a
    person replaces the URL, as the end of a sentence.
    """
    clock = clock or SystemClock()
    alerts = Alerts(
        address=GivenAddress(url, mend),
        web=HttpWeb(settings.network, clock),
        deduplication=Deduplication(SqliteDecisions(state), clock),
        clock=clock,
    )
    return AlertingPublisher(
        publisher=publisher,
        alerts=alerts,
        clock=clock,
        waits=waits,
        warn=warn,
        every_open=every_open,
    )

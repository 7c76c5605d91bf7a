"""Fakes of the alert's ports, and opens for it."""

import json
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from email_opens.alerts.alerts import Alerts, Incoming
from email_opens.alerts.deduplication import Deduplication
from email_opens.alerts.ports import NoReply, Reply
from email_opens.errors import WebhookUnusable
from email_opens.events import DATA_SCHEMA
from tests.fakes import FakeClock, MemoryDecisions

SLACK_URL = "https://hooks.slack.com/services/T00000000/B00000000/secret"
OTHER_URL = "https://alerts.example.org/hook/secret"
MEND = "store its URL in the parameter /alert/webhook"
EMAIL = "5b1e0a52-0000-4000-8000-0000000000aa"
OTHER_EMAIL = "5b1e0a52-0000-4000-8000-0000000000bb"


def event_id(number: int) -> str:
    return f"{number:032x}"


def event(number: int = 1, *, email: str = EMAIL, **data: Any) -> dict[str, Any]:
    """Return an event; a field of `data` that is None is left out."""
    values: dict[str, Any] = {
        "contact_id": f"0f6b2c1e-0000-4000-8000-{number:012}",
        "campaign_activity_id": email,
        "campaign_id": "5b1e0a52-0000-4000-8000-0000000000cc",
        "campaign_name": "March news",
        "email_address": f"reader-{number}@example.com",
        "device_type": "mobile",
        "created_time": "2026-03-02T13:58:00Z",
        "occurrence": 1,
        "sent_at": "2026-03-02T13:51:00Z",
        "seconds_since_send": 420,
    } | data
    return {
        "specversion": "1.0",
        "id": event_id(number),
        "type": "email.opened",
        "source": f"/constant-contact/default/activities/{email}",
        "subject": values["contact_id"],
        "time": values["created_time"],
        "datacontenttype": "application/json",
        "dataschema": DATA_SCHEMA,
        "data": {name: value for name, value in values.items() if value is not None},
    }


def body(number: int = 1, *, email: str = EMAIL, **data: Any) -> str:
    return json.dumps(event(number, email=email, **data))


def incoming(number: int = 1, *, key: str = "", receives: int = 1, **data: Any) -> Incoming:
    return Incoming(key=key or f"m{number}", body=body(number, **data), receives=receives)


@dataclass
class FixedAddress:
    url: str | None = OTHER_URL
    mend: str = MEND
    forgotten: int = 0

    def read(self) -> str:
        if self.url is None:
            raise WebhookUnusable("There is no URL.")
        return self.url

    def forget(self) -> None:
        self.forgotten += 1


@dataclass
class FakeWeb:
    """A webhook that answers 200, or what `replies` has for the next posts."""

    clock: FakeClock
    replies: list[Reply | NoReply] = field(default_factory=list)
    body: bytes = b"ok"
    documents: list[Any] = field(default_factory=list)
    """Those that were posted."""
    shown: list[str] = field(default_factory=list)
    """The ids of the events in documents that were accepted."""
    posted_at: list[datetime] = field(default_factory=list)

    def post(self, url: str, document: bytes, *, before: datetime) -> Reply | NoReply:
        del url, before
        decoded = json.loads(document)
        self.documents.append(decoded)
        self.posted_at.append(self.clock.now())
        reply = self.replies.pop(0) if self.replies else Reply(status=200, body=self.body)
        if isinstance(reply, Reply) and reply.status < 300:
            self.shown += [opened["event_id"] for opened in decoded.get("opens", ())]
        return reply


@dataclass
class Setup:
    """Alerts over fakes."""

    clock: FakeClock = field(default_factory=FakeClock)
    address: FixedAddress = field(default_factory=FixedAddress)
    decisions: Any = field(default_factory=MemoryDecisions)
    template: Any = None

    def __post_init__(self) -> None:
        self.web = FakeWeb(self.clock)
        self.alerts = self.container()

    def container(self) -> Alerts:
        """Return alerts without memory, as a new container has them."""
        return Alerts(
            address=self.address,
            web=self.web,
            deduplication=Deduplication(self.decisions, self.clock),
            clock=self.clock,
            template=self.template,
        )

    @property
    def before(self) -> datetime:
        return self.clock.now() + timedelta(seconds=50)

"""The published message of an open, and its id: CloudEvents 1.0, structured JSON."""

import json
from datetime import datetime
from hashlib import blake2b

from email_opens.instants import iso
from email_opens.model import Activity, NewOpen, Open

EVENT_TYPE = "email.opened"
DATA_SCHEMA = "urn:email-opens:schema:email-opened.v1"
"""The `$id` of the schema of `data`, in schemas/email-opened.v1.schema.json."""


def event_id(row: Open, occurrence: int) -> str:
    """Return 128 bits in hex: the same whenever and in whatever order the open is published."""
    instant = row.created_time.timestamp()
    identity = (
        f"{row.campaign_activity_id}\n{row.contact_id}\n{instant:.6f}\n"
        f"{row.device_type or ''}\n{occurrence}"
    )
    return blake2b(identity.encode(errors="surrogatepass"), digest_size=16).hexdigest()


def fingerprint(event: str) -> bytes:
    """Return the first 8 bytes of an event's id, which the ledger keeps."""
    return bytes.fromhex(event[:16])


def row_fingerprint(identity: str) -> bytes:
    """Return the 8 bytes that the ledger keeps of a row that is not an open."""
    return blake2b(identity.encode(errors="surrogatepass"), digest_size=8).digest()


REJECTED = "rejected"
"""The ledger's bucket of rows that are not opens, and so have no hour."""


def bucket(instant: datetime) -> str:
    """Return the ledger's bucket of an open: its hour, `2026-03-02T14`."""
    return instant.isoformat()[:13]


def message(activity: Activity, new: NewOpen) -> str:
    """Write the CloudEvent of a new open as JSON."""
    row = new.open
    created = iso(row.created_time)
    data: dict[str, str | int | None] = {
        "contact_id": row.contact_id,
        "campaign_activity_id": row.campaign_activity_id,
        "campaign_id": activity.campaign_id,
        "campaign_name": activity.campaign_name,
        "subject": activity.subject,
        "email_address": row.email_address,
        "email_address_hash": row.email_address_hash,
        "first_name": row.first_name,
        "last_name": row.last_name,
        "device_type": row.device_type,
        "created_time": created,
        "occurrence": new.occurrence,
        **_send(activity.sent_at, row.created_time),
    }
    event = {
        "specversion": "1.0",
        "id": new.event_id,
        "type": EVENT_TYPE,
        "source": (
            f"/constant-contact/{activity.account_id}/activities/{row.campaign_activity_id}"
        ),
        "subject": row.contact_id,
        "time": created,
        "datacontenttype": "application/json",
        "dataschema": DATA_SCHEMA,
        "data": {name: value for name, value in data.items() if value is not None},
    }
    return json.dumps(event, ensure_ascii=False, separators=(",", ":"))


def _send(sent_at: datetime | None, created: datetime) -> dict[str, str | int]:
    """Return the send that an open belongs to; nothing if it is not known, or came later."""
    if sent_at is None or created < sent_at:
        return {}
    seconds = (created - sent_at).total_seconds()
    return {"sent_at": iso(sent_at), "seconds_since_send": int(seconds)}


def attributes(activity: Activity, new: NewOpen, delay_seconds: int) -> dict[str, str | int]:
    """Return the values for filter policies; `delay_seconds` is published less created."""
    values: dict[str, str | int] = {
        "type": EVENT_TYPE,
        "account_id": activity.account_id,
        "campaign_activity_id": new.open.campaign_activity_id,
        "delay_seconds": delay_seconds,
    }
    optional = {
        "campaign_id": activity.campaign_id,
        "campaign_name": activity.campaign_name,
        "device_type": new.open.device_type,
        "first_open": None if new.first_open is None else str(new.first_open).lower(),
    }
    return values | {name: value for name, value in optional.items() if value}

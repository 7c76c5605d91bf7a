"""The published message of an open, and its id: CloudEvents 1.0, structured JSON."""

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from datetime import datetime
from functools import lru_cache
from hashlib import blake2b
from json.encoder import encode_basestring as _json

from email_opens.instants import iso
from email_opens.model import Activity, NewOpen, Open

EVENT_TYPE = "email.opened"
DATA_SCHEMA = "urn:email-opens:schema:email-opened.v1"
"""The `$id` of the schema of `data`, in schemas/email-opened.v1.schema.json."""

_STRETCH = 2048
"""Results that are kept for the opens of a stretch, which are at most four pages.

The fingerprint of an open is needed several times, and many opens share an instant.
"""


def event_id(row: Open, occurrence: int) -> str:
    """Return 128 bits in hex: the same whenever and in whatever order the open is published."""
    identity = (
        f"{row.campaign_activity_id}\n{row.contact_id}\n{_seconds(row.created_time)}\n"
        f"{row.device_type or ''}\n{occurrence}"
    )
    return blake2b(identity.encode(errors="surrogatepass"), digest_size=16).hexdigest()


FINGERPRINT_BYTES = 8


@lru_cache(_STRETCH)
def fingerprint(event: str) -> bytes:
    """Return the first bytes of an event's id, which the ledger keeps."""
    return bytes.fromhex(event[: 2 * FINGERPRINT_BYTES])


def row_fingerprint(identity: str) -> bytes:
    """Return the bytes that the ledger keeps of a row that is not an open."""
    text = identity.encode(errors="surrogatepass")
    return blake2b(text, digest_size=FINGERPRINT_BYTES).digest()


def pack(fingerprints: Iterable[bytes]) -> bytes:
    """Return fingerprints as an entry of a ledger: one after another, in order."""
    return b"".join(sorted(fingerprints))


def unpack(entry: bytes) -> Iterator[bytes]:
    """Yield the fingerprints of an entry."""
    for start in range(0, len(entry), FINGERPRINT_BYTES):
        yield entry[start : start + FINGERPRINT_BYTES]


REJECTED = "rejected"
"""The ledger's bucket of rows that are not opens, and so have no hour."""


@lru_cache(_STRETCH)
def bucket(instant: datetime) -> str:
    """Return the ledger's bucket of an open: its hour, `2026-03-02T14`."""
    return _iso(instant)[:13]


def by_bucket(opens: Iterable[NewOpen]) -> dict[str, set[bytes]]:
    """Return the fingerprints of opens by the ledger's buckets."""
    entries: dict[str, set[bytes]] = defaultdict(set)
    for new in opens:
        entries[bucket(new.open.created_time)].add(fingerprint(new.event_id))
    return dict(entries)


_iso = lru_cache(_STRETCH)(iso)


@lru_cache(_STRETCH)
def _seconds(instant: datetime) -> str:
    return f"{instant.timestamp():.6f}"


def message(activity: Activity, new: NewOpen) -> str:
    """Write the CloudEvent of a new open as JSON."""
    return messages(activity)(new)


def messages(activity: Activity) -> Callable[[NewOpen], str]:
    """Return what writes the CloudEvents of an activity's opens.

    What these have in common is encoded once: a first read writes thousands.
    """
    source = f"/constant-contact/{activity.account_id}/activities/{activity.campaign_activity_id}"
    beginning = '{"specversion":"1.0","id":'
    to_subject = f',"type":{_json(EVENT_TYPE)},"source":{_json(source)},"subject":'
    to_contact = (
        ',"datacontenttype":"application/json"'
        f',"dataschema":{_json(DATA_SCHEMA)},"data":{{"contact_id":'
    )
    of_activity = "".join(
        f',"{name}":{_json(value)}'
        for name, value in (
            ("campaign_activity_id", activity.campaign_activity_id),
            ("campaign_id", activity.campaign_id),
            ("campaign_name", activity.campaign_name),
            ("subject", activity.subject),
        )
        if value is not None
    )
    send_of = _sends(activity.sent_at)

    def write(new: NewOpen) -> str:
        row = new.open
        contact_id, created = _json(row.contact_id), _iso(row.created_time)
        of_row = "" if row.email_address is None else f',"email_address":{_json(row.email_address)}'
        if row.email_address_hash is not None:
            of_row += f',"email_address_hash":{_json(row.email_address_hash)}'
        if row.first_name is not None:
            of_row += f',"first_name":{_json(row.first_name)}'
        if row.last_name is not None:
            of_row += f',"last_name":{_json(row.last_name)}'
        if row.device_type is not None:
            of_row += f',"device_type":{_json(row.device_type)}'
        return (
            f'{beginning}{_json(new.event_id)}{to_subject}{contact_id},"time":"{created}"'
            f'{to_contact}{contact_id}{of_activity}{of_row},"created_time":"{created}"'
            f',"occurrence":{new.occurrence}{send_of(row.created_time)}}}}}'
        )

    return write


def _sends(sent_at: datetime | None) -> Callable[[datetime], str]:
    """Return what writes the send that an open belongs to, by the instant of the open.

    It writes nothing if the send is not known, or came later. An open in the minute of the send
    has the beginning of that minute as its instant.
    """
    if sent_at is None:
        return lambda _: ""
    minute = sent_at.replace(second=0, microsecond=0)
    beginning = f',"sent_at":"{iso(sent_at)}","seconds_since_send":'

    def write(created: datetime) -> str:
        if created < minute:
            return ""
        return f"{beginning}{max(0, int((created - sent_at).total_seconds()))}"

    return write


def attributes(activity: Activity, new: NewOpen, delay_seconds: int) -> dict[str, str | int]:
    """Return the values for filter policies; `delay_seconds` is published less created."""
    values: dict[str, str | int] = {
        "type": EVENT_TYPE,
        "account_id": activity.account_id,
        "campaign_activity_id": activity.campaign_activity_id,
        "delay_seconds": delay_seconds,
    }
    optional = {
        "campaign_id": activity.campaign_id,
        "campaign_name": activity.campaign_name,
        "device_type": new.open.device_type,
        "first_open": None if new.first_open is None else str(new.first_open).lower(),
    }
    return values | {name: value for name, value in optional.items() if value}

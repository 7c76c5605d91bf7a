"""Which open of an e-mail is a contact's first. Pure.

The first open of a contact is the one that is published first: in a stretch of a walk the oldest,
since opens are published oldest first. It is decided, and stored, before it is published. So an
event that is published again has the same answer, and no other open of the contact is ever first,
not even an older one that is found later.
"""

from collections.abc import Sequence
from hashlib import blake2b

from email_opens.events import fingerprint
from email_opens.model import NewOpen
from email_opens.ports import Decisions


def decide(
    decisions: Decisions, campaign_activity_id: str, opens: Sequence[NewOpen]
) -> list[NewOpen]:
    """Return opens of an activity, oldest first, each with whether it is its contact's first.

    Raises:
        ActivityFailed: as `Decisions.decide` raises.
    """
    contacts = [_contact(new) for new in opens]
    wanted: dict[bytes, bytes] = {}
    for contact, new in zip(contacts, opens, strict=True):
        wanted.setdefault(contact, fingerprint(new.event_id))
    decided = decisions.decide(_partition(campaign_activity_id), wanted)
    return [_marked(new, decided[contact]) for contact, new in zip(contacts, opens, strict=True)]


def recall(
    decisions: Decisions, campaign_activity_id: str, opens: Sequence[NewOpen]
) -> list[NewOpen]:
    """Return opens, each with what was decided about it, or with None.

    Raises:
        ActivityFailed: as `Decisions.decided` raises.
    """
    contacts = {_contact(new) for new in opens}
    decided = decisions.decided(_partition(campaign_activity_id), contacts)
    return [_marked(new, decided.get(_contact(new))) for new in opens]


def _partition(campaign_activity_id: str) -> str:
    return f"first-opens#{campaign_activity_id}"


def _contact(new: NewOpen) -> bytes:
    return blake2b(new.open.contact_id.encode(errors="surrogatepass"), digest_size=8).digest()


def _marked(new: NewOpen, first: bytes | None) -> NewOpen:
    is_first = None if first is None else first == fingerprint(new.event_id)
    return NewOpen(new.event_id, new.occurrence, new.open, is_first)

"""Sample events for a subscriber's consumer, made as the product makes real ones.

The same seed, count and instant give the same events.
"""

from copy import replace
from datetime import datetime, timedelta
from enum import StrEnum
from itertools import chain, cycle, islice
from uuid import UUID, uuid5

from msgspec import Struct

from email_opens.events import event_id
from email_opens.model import Activity, NewOpen, Open

ACCOUNT = "sample"
"""The account of every sample, in its `source` and its attribute `account_id`."""
OLDEST_LIVE = timedelta(minutes=15)
"""A live open is more recent than this."""
ANOTHER_DEVICE = "wearable"
"""A device type that subscribers have not seen yet."""
_NAMESPACE = UUID("5b1e0a52-0000-4000-8000-00000000e317")
_DEVICES = ("computer", "mobile", "tablet", "other")
_NAMES = ("ann", "bo", "chris", "dana", "eli")
_DOMAINS = ("example.com", "example.org")
_FRACTION = timedelta(seconds=7, milliseconds=250)


class Kind(StrEnum):
    """What a consumer can learn from a sample."""

    LIVE = "live"
    REPEAT = "repeat"
    LATE = "late"
    ERASED = "erased"
    OTHER_SCRIPTS = "other_scripts"
    TWIN = "twin"
    NO_DEVICE = "no_device"
    UNKNOWN_DEVICE = "unknown_device"
    NO_CAMPAIGN = "no_campaign"
    FRACTION = "fraction"


MEANINGS = {
    Kind.LIVE: "opened within the last 15 minutes",
    Kind.REPEAT: "the first live open, sent again under the same id",
    Kind.LATE: "opened hours ago (the attribute delay_seconds)",
    Kind.ERASED: "of an erased contact: no email_address",
    Kind.OTHER_SCRIPTS: "of a campaign whose name has other scripts and an emoji",
    Kind.TWIN: "contact, instant and device of the first live open, but occurrence 2",
    Kind.NO_DEVICE: "no device_type, neither in the event nor as an attribute",
    Kind.UNKNOWN_DEVICE: f"the device_type “{ANOTHER_DEVICE}”",
    Kind.NO_CAMPAIGN: "of an e-mail whose campaign and send are not known",
    Kind.FRACTION: "an instant with a fraction of a second",
}
_FIRST = tuple(MEANINGS)
"""One of each kind, the most useful ones first."""
_FURTHER = (Kind.LIVE, Kind.LIVE, Kind.LIVE, Kind.LATE)
"""The kinds of the events after those, again and again."""


class Sample(Struct, frozen=True):
    """One sample event: an open, and the e-mail that was opened."""

    kind: Kind
    activity: Activity
    new: NewOpen


def samples(count: int, seed: int, start: datetime) -> list[Sample]:
    """Return sample events as if they were published at `start`; the repeat is the last."""
    drawn = _Drawn(seed, start.replace(second=0, microsecond=0))
    kinds = islice(chain(_FIRST, cycle(_FURTHER)), count)
    made = [drawn.sample(kind, number) for number, kind in enumerate(kinds)]
    return sorted(made, key=lambda sample: sample.kind == Kind.REPEAT)


class _Drawn:
    """The e-mails of a seed, and their opens."""

    def __init__(self, seed: int, minute: datetime) -> None:
        self._seed = seed
        self._minute = minute
        self._newsletter = self._activity(
            "newsletter", "Sample newsletter", minute - timedelta(days=1)
        )
        self._invitation = self._activity(
            "invitation",
            "Sample: Grüße, Привет, こんにちは, مرحبا 👋",
            minute - OLDEST_LIVE,
        )
        self._unknown = replace(
            self._activity("unknown", None, None), campaign_id=None, tracked_at=minute
        )

    def sample(self, kind: Kind, number: int) -> Sample:
        """Return the event of a kind at a place of the order."""
        if kind in {Kind.REPEAT, Kind.TWIN}:
            first = self.sample(Kind.LIVE, 0)
            occurrence = 2 if kind == Kind.TWIN else 1
            return replace(first, kind=kind, new=_new(first.new.open, occurrence))
        activity = self._newsletter
        row = self._live(activity, number)
        match kind:
            case Kind.LIVE if number % 2:
                activity = self._invitation
            case Kind.LATE:
                hours = timedelta(hours=2 + number % 20)
                row = replace(row, created_time=row.created_time - hours)
            case Kind.ERASED:
                row = replace(row, email_address=None, first_name=None, last_name=None)
            case Kind.OTHER_SCRIPTS:
                activity = self._invitation
            case Kind.NO_DEVICE:
                row = replace(row, device_type=None)
            case Kind.UNKNOWN_DEVICE:
                row = replace(row, device_type=ANOTHER_DEVICE)
            case Kind.NO_CAMPAIGN:
                activity = self._unknown
            case Kind.FRACTION:
                row = replace(row, created_time=row.created_time + _FRACTION)
        row = replace(row, campaign_activity_id=activity.campaign_activity_id)
        return Sample(kind, activity, _new(row, 1))

    def _live(self, activity: Activity, number: int) -> Open:
        contact = self._id(f"contact {number}")
        choice, minutes = divmod(contact.int, 13)
        choice, device = divmod(choice, len(_DEVICES))
        name, domain = _NAMES[choice % len(_NAMES)], _DOMAINS[choice % len(_DOMAINS)]
        return Open(
            campaign_activity_id=activity.campaign_activity_id,
            contact_id=str(contact),
            created_time=self._minute - timedelta(minutes=1 + minutes),
            device_type=_DEVICES[device],
            email_address=f"{name}.{number}@{domain}",
            first_name=name.capitalize(),
            last_name="Sample",
        )

    def _activity(self, what: str, name: str | None, sent_at: datetime | None) -> Activity:
        return Activity(
            account_id=ACCOUNT,
            campaign_activity_id=str(self._id(f"activity {what}")),
            campaign_id=str(self._id(f"campaign {what}")),
            campaign_name=name,
            subject=None if name is None else f"{name}: the subject line",
            sent_at=sent_at,
            tracked_at=sent_at or self._minute,
        )

    def _id(self, what: str) -> UUID:
        return uuid5(_NAMESPACE, f"{self._seed} {what}")


def _new(row: Open, occurrence: int) -> NewOpen:
    return NewOpen(event_id(row, occurrence), occurrence, row, first_open=occurrence == 1)

"""What people read: which e-mail was opened, by whom, when and on what. Pure."""

import unicodedata
from collections.abc import Iterator, Sequence
from datetime import datetime

from msgspec import Struct

from email_opens.alerts.events import Opened

MOST_LISTED = 10
"""The opens that a message lists; it counts the others."""
NAME_CHARACTERS = 80
ADDRESS_CHARACTERS = 120
TITLE_CHARACTERS = 150
_DEVICE_CHARACTERS = 30
_MOST_MARKS = 2
"""The combining marks that a letter keeps, so that a name cannot cover its neighbours."""
_JOINERS = "\u200c\u200d"
"""Invisible characters that scripts and emojis need."""
_DEVICES = {
    "computer": "on a computer",
    "mobile": "on a phone",
    "tablet": "on a tablet",
    "other": "on another device",
}
_MINUTE, _HOUR, _DAY = 60, 3_600, 86_400
_SAME_DAY_SECONDS = 12 * _HOUR


class Text(Struct, frozen=True, kw_only=True):
    """A message as plain text, which no service has escaped yet."""

    title: str
    subject: str | None
    lines: tuple[str, ...]
    """One for each open that is listed, and one that counts the others."""

    def __str__(self) -> str:
        subject = [f"Subject: {self.subject}"] if self.subject else []
        return "\n".join([self.title, *subject, *(f"• {line}" for line in self.lines)])


def text_of(opens: Sequence[Opened], now: datetime) -> Text:
    """Write the message about opens of one e-mail, the earliest first."""
    first = opens[0]
    name = shown(first.campaign_name, TITLE_CHARACTERS)
    letter = f"“{name}”" if name else f"The e-mail {first.campaign_activity_id[:8]}…"
    times = "once" if len(opens) == 1 else f"{len(opens)} times"
    account = "" if first.account_id == "default" else f" (account {first.account_id})"
    subject = shown(first.subject, TITLE_CHARACTERS)
    listed = [line_of(opened, now) for opened in opens[:MOST_LISTED]]
    if len(opens) > MOST_LISTED:
        listed.append(f"and {len(opens) - MOST_LISTED} more")
    return Text(
        title=f"{letter} was opened {times}{account}",
        subject=subject if subject != name else None,
        lines=tuple(listed),
    )


def line_of(opened: Opened, now: datetime) -> str:
    parts = [contact_of(opened), _time(opened.opened_at, now), _device(opened)]
    if opened.seconds_since_send is not None:
        parts.append(f"{_duration(opened.seconds_since_send)} after the send")
    return ", ".join(filter(None, parts))


def contact_of(opened: Opened) -> str:
    """Return the contact by name and address, or by the beginning of the vendor's id."""
    name, address = name_of(opened), shown(opened.email_address, ADDRESS_CHARACTERS)
    if name and address:
        return f"{name} <{address}>"
    return name or address or f"contact {opened.contact_id[:8]}…"


def name_of(opened: Opened) -> str:
    names = (shown(name, NAME_CHARACTERS) for name in (opened.first_name, opened.last_name))
    return " ".join(filter(None, names))


def shown(text: str | None, most: int) -> str:
    """Return text on one line without what could hide, reorder or link parts of a message."""
    whole = " ".join("".join(_visible(text or "")).split()).replace("://", ": //")
    return whole if len(whole) <= most else f"{whole[: most - 1].rstrip()}…"


def _visible(text: str) -> Iterator[str]:
    marks = 0
    for character in text[:1_000]:
        category = unicodedata.category(character)
        marks = marks + 1 if category in ("Mn", "Me") else 0
        if category in ("Cc", "Zl", "Zp"):
            yield " "
        elif character in _JOINERS or (category[0] != "C" and marks <= _MOST_MARKS):
            yield character


def _time(instant: datetime, now: datetime) -> str:
    """Return the time of day, with the date if it could be mistaken for another day's."""
    distant = abs((now - instant).total_seconds()) > _SAME_DAY_SECONDS
    day = f"{instant.day} {instant:%b %Y}, " if distant else ""
    return f"{day}{instant:%H:%M} UTC"


def _device(opened: Opened) -> str:
    kind = shown(opened.device_type, _DEVICE_CHARACTERS)
    return _DEVICES.get(kind, f"on {kind}" if kind else "")


def _duration(seconds: int) -> str:
    if seconds < _MINUTE:
        return f"{seconds} s"
    if seconds < _HOUR:
        return f"{seconds // _MINUTE} min"
    if seconds < 2 * _DAY:
        return f"{seconds // _HOUR} h"
    return f"{seconds // _DAY} days"

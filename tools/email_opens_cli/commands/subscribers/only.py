"""The values of `--only` as a filter policy of SNS, and a policy in words. Pure."""

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import timedelta
from math import prod
from typing import Any

from msgspec import Struct, field

from email_opens.errors import InvalidInput
from email_opens.events import EVENT_TYPE
from email_opens_cli.arguments.options import parse_account, parse_activity, parse_duration

FRESH = timedelta(minutes=15)
_MOST_KEYS = 5
_MOST_COMBINATIONS = 150
"""The limits of SNS for a filter policy."""
_EXPECTED = (
    "expected fresh, fresh=DURATION, first-opens, campaign=NAME, device=TYPE, "
    "email=CAMPAIGN_ACTIVITY_ID or account=NAME"
)
_LONGEST = 256
_LONGEST_DELAY = timedelta(seconds=1_000_000_000)
"""The largest number in a filter policy."""


class Only(Struct, frozen=True, kw_only=True):
    """The opens that a subscriber receives; alternatives within a field, all fields together."""

    fresh: tuple[timedelta, ...] = ()
    first_opens: bool = False
    campaigns: tuple[str, ...] = ()
    """Names; one that ends in * is the beginning of names."""
    devices: tuple[str, ...] = ()
    emails: tuple[str, ...] = ()
    accounts: tuple[str, ...] = ()

    @property
    def policy(self) -> dict[str, Any]:
        """The filter policy; empty: all opens."""
        longest = max(self.fresh, default=None)
        values: dict[str, list[Any]] = {
            "account_id": list(self.accounts),
            "campaign_activity_id": list(self.emails),
            "campaign_name": [_name(campaign) for campaign in self.campaigns],
            "delay_seconds": [_below(longest)] if longest else [],
            "device_type": list(self.devices),
            "first_open": ["true"] if self.first_opens else [],
        }
        return {name: alternatives for name, alternatives in values.items() if alternatives}


def parse_only(texts: Iterable[str]) -> Only:
    """Return what the values of --only select together.

    Raises:
        InvalidInput: one is unknown or malformed, or SNS would refuse the policy.
    """
    found = _Found()
    for text in texts:
        kind, given, value = text.partition("=")
        read = _KINDS.get(kind)
        if read is None or (given and not value.strip()):
            raise InvalidInput(f"“{text[:80]}” is not a value of --only: {_EXPECTED}.")
        read(found, value.strip() if given else None, text)
    only = found.only()
    policy = only.policy
    if len(policy) > _MOST_KEYS:
        raise InvalidInput(
            f"SNS filters by at most {_MOST_KEYS} attributes, and these values of --only need "
            f"{len(policy)}: leave out one kind."
        )
    combinations = prod(map(len, policy.values()))
    if combinations > _MOST_COMBINATIONS:
        raise InvalidInput(
            f"SNS allows {_MOST_COMBINATIONS} combinations of values in a filter, and these values "
            f"of --only have {combinations}: leave out some, or use campaign=BEGINNING*."
        )
    return only


def check_only(texts: Sequence[str] | None) -> Sequence[str] | None:
    """Refuse bad values before the command begins."""
    parse_only(texts or ())
    return texts


class _Found(Struct):
    """What was read so far."""

    fresh: list[timedelta] = field(default_factory=list)
    first_opens: bool = False
    campaigns: list[str] = field(default_factory=list)
    devices: list[str] = field(default_factory=list)
    emails: list[str] = field(default_factory=list)
    accounts: list[str] = field(default_factory=list)

    def only(self) -> Only:
        return Only(
            fresh=tuple(self.fresh),
            first_opens=self.first_opens,
            campaigns=_each_once(self.campaigns),
            devices=_each_once(self.devices),
            emails=_each_once(self.emails),
            accounts=_each_once(self.accounts),
        )


def _each_once(values: Iterable[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(values))


def _read_fresh(found: _Found, value: str | None, text: str) -> None:
    duration = FRESH if value is None else parse_duration(value)
    if duration > _LONGEST_DELAY:
        raise InvalidInput(f"“{text[:80]}” is longer than a filter of SNS allows: leave it out.")
    found.fresh.append(duration)


def _read_first(found: _Found, value: str | None, text: str) -> None:
    if value is not None:
        raise InvalidInput(f"“{text[:80]}” is not a value of --only: first-opens has no value.")
    found.first_opens = True


def _needed(value: str | None, text: str) -> str:
    if value is None:
        raise InvalidInput(f"“{text[:80]}” is not a value of --only: {_EXPECTED}.")
    if len(value) > _LONGEST or not value.isprintable():
        raise InvalidInput(f"“{text[:80]}” is too long for a filter, or has control characters.")
    return value


def _read_campaign(found: _Found, value: str | None, text: str) -> None:
    name = _needed(value, text)
    if name == "*":
        raise InvalidInput("“campaign=*” selects all campaigns: leave it out.")
    found.campaigns.append(name)


def _read_device(found: _Found, value: str | None, text: str) -> None:
    found.devices.append(_needed(value, text))


def _read_email(found: _Found, value: str | None, text: str) -> None:
    found.emails.append(parse_activity(_needed(value, text)))


def _read_account(found: _Found, value: str | None, text: str) -> None:
    found.accounts.append(parse_account(_needed(value, text)))


_KINDS: dict[str, Callable[[_Found, str | None, str], None]] = {
    "fresh": _read_fresh,
    "first-opens": _read_first,
    "campaign": _read_campaign,
    "device": _read_device,
    "email": _read_email,
    "account": _read_account,
}


def _name(campaign: str) -> str | dict[str, str]:
    return {"prefix": campaign[:-1]} if campaign.endswith("*") else campaign


def _below(limit: timedelta) -> dict[str, Any]:
    return {"numeric": ["<", int(limit.total_seconds())]}


def matches(campaign: str, name: str) -> bool:
    """Return whether a value of `campaign=` selects a name; upper and lower case differ."""
    return name.startswith(campaign[:-1]) if campaign.endswith("*") else name == campaign


def words(policy: Mapping[str, Any], scope: str = "MessageAttributes") -> str:
    """Return a filter policy in words; one that --only cannot express, as JSON."""
    if not policy:
        return "all opens"
    if scope != "MessageAttributes":
        return f"by the body: {json.dumps(policy, ensure_ascii=False)}"
    parts = [_words_of(name, values) for name, values in policy.items()]
    if any(part is None for part in parts):
        return json.dumps(policy, ensure_ascii=False)
    return ", ".join(filter(None, parts)) or "all opens"


_NOUNS = {
    "account_id": "account",
    "campaign_activity_id": "e-mail",
    "campaign_name": "campaign",
    "device_type": "device",
}


def _words_of(name: str, values: Any) -> str | None:
    match name, values:
        case "type", [value] if value == EVENT_TYPE:
            return ""
        case "first_open", ["true"]:
            return "first opens"
        case "delay_seconds", [{"numeric": ["<", int(seconds)]}]:
            return f"published within {_duration(seconds)}"
        case str(noun), [*alternatives] if noun in _NOUNS:
            texts = [_text(value) for value in alternatives]
            known = [text for text in texts if text is not None]
            return f"{_NOUNS[noun]} {' or '.join(known)}" if len(known) == len(texts) else None
    return None


def _text(value: Any) -> str | None:
    match value:
        case str():
            return value
        case {"prefix": str(beginning)}:
            return f"{beginning}*"
    return None


def _duration(seconds: int) -> str:
    for unit, length in (("d", 86_400), ("h", 3_600), ("m", 60)):
        if seconds and seconds % length == 0:
            return f"{seconds // length}{unit}"
    return f"{seconds}s"

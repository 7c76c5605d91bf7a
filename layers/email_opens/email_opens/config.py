"""Settings, read once from the environment and refused with a sentence."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from urllib.parse import urlsplit

from email_opens.errors import InvalidInput, InvalidSettings
from email_opens.model import account_id

_PRINTABLE = re.compile(r"[!-~]+")

MOST = 10_000_000
"""The largest number that any setting may be."""
MOST_RESERVED_PERCENT = 90
MOST_CAMPAIGNS_PER_PROBE = 150
"""The vendor takes no more in one request."""
MOST_FINISHED_AFTER_DAYS = 365
"""The ledger knows what was published for a little longer."""
MOST_STAY_SECONDS = 900
MOST_LOOKBACK_DAYS = 365
"""The furthest that discovery looks back."""

_NO_AWS = {
    "TRACKING_TABLE": "-",
    "LEDGER_TABLE": "-",
    "OPENS_TOPIC_ARN": "arn:-",
    "DEAD_LETTER_QUEUE_URL": "http:-",
    "CREDENTIALS_PREFIX": "/",
}

_NO_OPENS = {
    "LEDGER_TABLE": "-",
    "OPENS_TOPIC_ARN": "arn:-",
    "DEAD_LETTER_QUEUE_URL": "http:-",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """What differs from one deployment to the next; the environment's names in capitals."""

    tracking_table: str
    ledger_table: str
    opens_topic_arn: str
    dead_letter_queue_url: str
    credentials_prefix: str
    constant_contact_api_url: str
    constant_contact_auth_url: str
    requests_per_day: int
    requests_per_second: int
    reserved_percent: int
    """Of the day's requests: left to other users of the key."""
    campaigns_per_probe: int
    finished_after: timedelta
    stay: timedelta
    """For how long an invocation goes on polling while a request is worth it."""
    lookback: timedelta

    @property
    def requests_to_spend(self) -> int:
        """The requests of a day that are not reserved for others."""
        return max(1, self.requests_per_day * (100 - self.reserved_percent) // 100)


def read_settings(environment: Mapping[str, str]) -> Settings:
    """Read the settings.

    Raises:
        InvalidSettings: a variable is missing or malformed; all of them are named at once.
    """
    faults: list[str] = []

    def text(name: str, expected: str, start: str = "") -> str:
        value = environment.get(name, "").strip()
        if not value:
            faults.append(f"{name} is not set; it should be {expected}")
        elif not value.startswith(start):
            faults.append(f"{name} is malformed; it should be {expected}")
        return value

    def url(name: str, default: str) -> str:
        value = environment.get(name, default).strip().rstrip("/")
        if not _is_secure(value):
            faults.append(f"{name} is malformed; it should be an https address such as {default}")
        return value

    def number(name: str, default: int, unit: str, least: int = 1, most: int = MOST) -> int:
        value = environment.get(name, str(default)).strip()
        if not (value.isascii() and value.isdigit() and least <= int(value[:99]) <= most):
            bounds = f"{least} or more" if most == MOST else f"{least} to {most}"
            faults.append(f"{name} is malformed; it should be a whole number of {unit}, {bounds}")
            return default
        return int(value)

    settings = Settings(
        tracking_table=text("TRACKING_TABLE", "the name of the tracking table"),
        ledger_table=text("LEDGER_TABLE", "the name of the ledger table"),
        opens_topic_arn=text("OPENS_TOPIC_ARN", "the ARN of the topic, arn:…:sns:…", "arn:"),
        dead_letter_queue_url=text(
            "DEAD_LETTER_QUEUE_URL", "the URL of the dead-letter queue", "http"
        ),
        credentials_prefix=text(
            "CREDENTIALS_PREFIX",
            "a parameter's name down to the account, such as /email-opens/",
            "/",
        ),
        constant_contact_api_url=url("CONSTANT_CONTACT_API_URL", "https://api.cc.email"),
        constant_contact_auth_url=url(
            "CONSTANT_CONTACT_AUTH_URL", "https://authz.constantcontact.com/oauth2/default/v1"
        ),
        requests_per_day=number("REQUESTS_PER_DAY", 10_000, "requests"),
        requests_per_second=number("REQUESTS_PER_SECOND", 4, "requests"),
        reserved_percent=number("RESERVED_PERCENT", 10, "percent", 0, MOST_RESERVED_PERCENT),
        campaigns_per_probe=number(
            "CAMPAIGNS_PER_PROBE", 150, "campaigns", 1, MOST_CAMPAIGNS_PER_PROBE
        ),
        finished_after=timedelta(
            days=number("FINISHED_AFTER_DAYS", 60, "days", 1, MOST_FINISHED_AFTER_DAYS)
        ),
        stay=timedelta(seconds=number("ROUNDS_SECONDS", 60, "seconds", 0, MOST_STAY_SECONDS)),
        lookback=timedelta(minutes=number("LOOKBACK_MINUTES", 120, "minutes")),
    )
    if faults:
        raise InvalidSettings("The settings cannot be used: " + "; ".join(faults) + ".")
    return settings


def read_settings_without_aws(environment: Mapping[str, str]) -> Settings:
    """Read the settings where there is no AWS; those that name something of it name nothing.

    Raises:
        InvalidSettings: as `read_settings`.
    """
    return read_settings({**environment, **_NO_AWS})


@dataclass(frozen=True, slots=True, kw_only=True)
class DiscoverySettings:
    """What differs for discovery, beside what it shares with the polls."""

    settings: Settings
    lookback: timedelta
    include_names: tuple[str, ...]
    """Patterns, one of which a campaign's name must match."""
    exclude_names: tuple[str, ...]
    """Patterns, none of which it may match."""


def read_discovery_settings(environment: Mapping[str, str]) -> DiscoverySettings:
    """Read the settings of discovery, which needs neither ledger nor topic nor queue.

    Raises:
        InvalidSettings: as `read_settings`.
    """
    days = environment.get("DISCOVERY_LOOKBACK_DAYS", "7").strip()
    if not (days.isascii() and days.isdigit() and 0 < int(days[:99]) <= MOST_LOOKBACK_DAYS):
        raise InvalidSettings(
            "The settings cannot be used: DISCOVERY_LOOKBACK_DAYS is malformed; "
            f"it should be a whole number of days, 1 to {MOST_LOOKBACK_DAYS}."
        )
    return DiscoverySettings(
        settings=read_settings({**_NO_OPENS, **environment}),
        lookback=timedelta(days=int(days)),
        include_names=_patterns(environment.get("INCLUDE_NAMES", "")) or ("*",),
        exclude_names=_patterns(environment.get("EXCLUDE_NAMES", "")),
    )


def scheduled_account_id(event: object) -> str:
    """Read the account id from a schedule's event.

    Raises:
        InvalidInput: the event has no account id, or not a valid one.
    """
    text = event.get("account_id") if isinstance(event, dict) else None
    if not isinstance(text, str) or not text.strip():
        raise InvalidInput('The event names no account: expected {"account_id": "default"}.')
    return account_id(text)


def _patterns(text: str) -> tuple[str, ...]:
    return tuple(pattern.strip() for pattern in text.split(",") if pattern.strip())


def _is_secure(address: str) -> bool:
    """Say whether an address is https, or http on this machine, and nothing but a place."""
    try:
        parts = urlsplit(address)
        host, _ = parts.hostname, parts.port
    except ValueError:
        return False
    more = parts.query or parts.fragment or "@" in parts.netloc or not _PRINTABLE.fullmatch(address)
    local = host in ("localhost", "127.0.0.1")
    return bool(host and not more) and (
        parts.scheme == "https" or (parts.scheme == "http" and local)
    )

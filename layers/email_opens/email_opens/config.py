"""Settings, read once from the environment and refused with a sentence."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from urllib.parse import urlsplit

from email_opens.errors import InvalidInput, InvalidSettings
from email_opens.model import account_id

_PRINTABLE = re.compile(r"[!-~]+")
_WORD = re.compile("(?<!^)(?=[A-Z])")

MOST = 10_000_000
"""The largest value of any number."""
MOST_RESERVED_PERCENT = 90
MOST_CAMPAIGNS_PER_PROBE = 150
"""The most campaigns that the vendor accepts in one request."""
MOST_FINISHED_AFTER_DAYS = 365
"""The ledger keeps what was published for a little longer."""
MOST_STAY_SECONDS = 900
MOST_LOOKBACK_DAYS = 365
"""The furthest that discovery looks back."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """The settings that need no AWS; each is named like its environment variable."""

    constant_contact_api_url: str
    constant_contact_auth_url: str
    requests_per_day: int
    requests_per_second: int
    reserved_percent: int
    """The share of the day's requests that is left to other users of the key."""
    campaigns_per_probe: int
    finished_after: timedelta
    stay: timedelta
    """ROUNDS_SECONDS: how long an invocation waits for what will be worth a request."""
    lookback: timedelta

    @property
    def requests_to_spend(self) -> int:
        """The requests of a day that are not reserved for others."""
        return max(1, self.requests_per_day * (100 - self.reserved_percent) // 100)


@dataclass(frozen=True, slots=True, kw_only=True)
class AccountSettings(Settings):
    """The settings that everything needs that works on an account of a stack."""

    tracking_table: str
    credentials_prefix: str


@dataclass(frozen=True, slots=True, kw_only=True)
class StackSettings(AccountSettings):
    """The settings of polls in a stack."""

    ledger_table: str
    opens_topic_arn: str
    dead_letter_queue_url: str


@dataclass(frozen=True, slots=True, kw_only=True)
class DiscoverySettings:
    """The settings of discovery, which needs neither ledger nor topic nor queue."""

    settings: AccountSettings
    lookback: timedelta
    include_names: tuple[str, ...]
    """Patterns, one of which a campaign's name must match."""
    exclude_names: tuple[str, ...]
    """Patterns, none of which it may match."""


def read_settings(environment: Mapping[str, str]) -> StackSettings:
    """Read the settings of polls.

    Raises:
        InvalidSettings: variables are missing or malformed; the message names all of them.
    """
    reader = _Reader(environment)
    tracking_table = reader.tracking_table()
    resources: dict[str, Any] = {
        "ledger_table": reader.text("LEDGER_TABLE", "the name of the ledger table"),
        "opens_topic_arn": reader.text(
            "OPENS_TOPIC_ARN", "the ARN of the topic, arn:…:sns:…", "arn:"
        ),
        "dead_letter_queue_url": reader.text(
            "DEAD_LETTER_QUEUE_URL", "the URL of the dead-letter queue", "http"
        ),
    }
    prefix = reader.credentials_prefix()
    settings = StackSettings(
        tracking_table=tracking_table, credentials_prefix=prefix, **resources, **reader.polling()
    )
    reader.check()
    return settings


def read_settings_without_aws(environment: Mapping[str, str]) -> Settings:
    """Read the settings that need no AWS.

    Raises:
        InvalidSettings: as `read_settings` raises.
    """
    reader = _Reader(environment)
    settings = Settings(**reader.polling())
    reader.check()
    return settings


def read_discovery_settings(environment: Mapping[str, str]) -> DiscoverySettings:
    """Read the settings of discovery.

    Raises:
        InvalidSettings: as `read_settings` raises.
    """
    reader = _Reader(environment)
    days = reader.number("DISCOVERY_LOOKBACK_DAYS", 7, "days", 1, MOST_LOOKBACK_DAYS)
    settings = AccountSettings(
        tracking_table=reader.tracking_table(),
        credentials_prefix=reader.credentials_prefix(),
        **reader.polling(),
    )
    reader.check()
    return DiscoverySettings(
        settings=settings,
        lookback=timedelta(days=days),
        include_names=_patterns(environment.get("INCLUDE_NAMES", "")) or ("*",),
        exclude_names=_patterns(environment.get("EXCLUDE_NAMES", "")),
    )


class _Reader:
    """Reads variables of the environment, and collects what is wrong with them."""

    def __init__(self, environment: Mapping[str, str]) -> None:
        self._environment = environment
        self._faults: list[str] = []

    def check(self) -> None:
        """Raise InvalidSettings if anything was wrong."""
        if self._faults:
            raise InvalidSettings(f"The settings cannot be used: {'; '.join(self._faults)}.")

    def text(self, name: str, expected: str, start: str = "") -> str:
        value = self._environment.get(name, "").strip()
        if not value:
            self._faults.append(f"{name} is not set; it should be {expected}")
        elif not value.startswith(start):
            self._faults.append(f"{name} is malformed; it should be {expected}")
        return value

    def url(self, name: str, default: str) -> str:
        value = self._environment.get(name, default).strip().rstrip("/")
        if not _is_secure(value):
            self._faults.append(
                f"{name} is malformed; it should be an https address such as {default}"
            )
        return value

    def number(self, name: str, default: int, unit: str, least: int = 1, most: int = MOST) -> int:
        value = self._environment.get(name, str(default)).strip()
        if not (value.isascii() and value.isdigit() and least <= int(value[:99]) <= most):
            bounds = f"{least} or more" if most == MOST else f"{least} to {most}"
            self._faults.append(
                f"{name} is malformed; it should be a whole number of {unit}, {bounds}"
            )
            return default
        return int(value)

    def tracking_table(self) -> str:
        return self.text("TRACKING_TABLE", "the name of the tracking table")

    def credentials_prefix(self) -> str:
        expected = "a parameter's name down to the account, such as /email-opens/"
        return self.text("CREDENTIALS_PREFIX", expected, "/")

    def polling(self) -> dict[str, Any]:
        """Return the values of `Settings`."""
        finished_after_days = self.number(
            "FINISHED_AFTER_DAYS", 60, "days", 1, MOST_FINISHED_AFTER_DAYS
        )
        stay_seconds = self.number("ROUNDS_SECONDS", 60, "seconds", 0, MOST_STAY_SECONDS)
        return {
            "constant_contact_api_url": self.url(
                "CONSTANT_CONTACT_API_URL", "https://api.cc.email"
            ),
            "constant_contact_auth_url": self.url(
                "CONSTANT_CONTACT_AUTH_URL", "https://authz.constantcontact.com/oauth2/default/v1"
            ),
            "requests_per_day": self.number("REQUESTS_PER_DAY", 10_000, "requests"),
            "requests_per_second": self.number("REQUESTS_PER_SECOND", 4, "requests"),
            "reserved_percent": self.number(
                "RESERVED_PERCENT", 10, "percent", 0, MOST_RESERVED_PERCENT
            ),
            "campaigns_per_probe": self.number(
                "CAMPAIGNS_PER_PROBE", 150, "campaigns", 1, MOST_CAMPAIGNS_PER_PROBE
            ),
            "finished_after": timedelta(days=finished_after_days),
            "stay": timedelta(seconds=stay_seconds),
            "lookback": timedelta(minutes=self.number("LOOKBACK_MINUTES", 120, "minutes")),
        }


def environment_of(outputs: Mapping[str, str]) -> dict[str, str]:
    """Return a stack's outputs as environment variables: TrackingTable becomes TRACKING_TABLE."""
    return {_WORD.sub("_", name).upper(): value for name, value in outputs.items()}


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
    """Return whether an address is https, or http on this machine, without query or user."""
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

"""Settings, read once from the environment and refused with a sentence."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from enum import StrEnum
from typing import Annotated, Any, NamedTuple, get_type_hints
from urllib.parse import urlsplit

from email_opens.account import account_id
from email_opens.errors import InvalidInput, InvalidSettings
from email_opens.model import ContactDetails
from email_opens.network import Network, proxy_address

_PRINTABLE = re.compile(r"[!-~]+")
_WORD = re.compile("(?<!^)(?=[A-Z])")

MOST = 10_000_000
"""The largest value of any number."""


class _Variable(NamedTuple):
    """A variable of the environment, and how it is read."""

    name: str
    default: str
    parse: Callable[[str], Any]
    """Raises ValueError with the end of a sentence if the variable cannot be used."""
    aliases: tuple[str, ...] = ()
    """Variables that are read instead if they are set."""

    def read(self, environment: Mapping[str, str]) -> Any:
        """Return the setting; raises as `parse`."""
        texts = (environment.get(alias, "").strip() for alias in self.aliases)
        text = next(filter(None, texts), environment.get(self.name, self.default))
        return self.parse(text.strip())


def _text(variable: str, expected: str, start: str = "") -> _Variable:
    def parse(value: str) -> str:
        if not value:
            raise ValueError(f"is not set; it should be {expected}")
        if not value.startswith(start):
            raise ValueError(f"is malformed; it should be {expected}")
        return value

    return _Variable(variable, "", parse)


def _url(variable: str, default: str) -> _Variable:
    def parse(value: str) -> str:
        if not _is_secure(value.rstrip("/")):
            raise ValueError(f"is malformed; it should be an https address such as {default}")
        return value.rstrip("/")

    return _Variable(variable, default, parse)


def _number(
    variable: str,
    default: int,
    unit: str,
    least: int = 1,
    most: int = MOST,
    convert: Callable[[int], Any] = int,
) -> _Variable:
    def parse(value: str) -> Any:
        if not (value.isascii() and value.isdigit() and least <= int(value[:99]) <= most):
            bounds = f"{least} or more" if most == MOST else f"{least} to {most}"
            raise ValueError(f"is malformed; it should be a whole number of {unit}, {bounds}")
        return convert(int(value))

    return _Variable(variable, str(default), parse)


def _choice[T: StrEnum](variable: str, default: T, choices: type[T]) -> _Variable:
    def parse(value: str) -> T:
        try:
            return choices(value.lower())
        except ValueError:
            *others, last = choices
            raise ValueError(f"is malformed; it should be {', '.join(others)} or {last}") from None

    return _Variable(variable, default, parse)


def _switch(variable: str, default: str) -> _Variable:
    """Return a variable that is ENABLED or DISABLED."""

    def parse(value: str) -> bool:
        if value.upper() not in ("ENABLED", "DISABLED"):
            raise ValueError("is malformed; it should be ENABLED or DISABLED")
        return value.upper() == "ENABLED"

    return _Variable(variable, default, parse)


def _days(days: int) -> timedelta:
    return timedelta(days=days)


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """The settings that need no AWS."""

    constant_contact_api_url: Annotated[
        str, _url("CONSTANT_CONTACT_API_URL", "https://api.cc.email")
    ]
    constant_contact_auth_url: Annotated[
        str,
        _url("CONSTANT_CONTACT_AUTH_URL", "https://authz.constantcontact.com/oauth2/default/v1"),
    ]
    requests_per_day: Annotated[int, _number("REQUESTS_PER_DAY", 10_000, "requests")]
    requests_per_second: Annotated[int, _number("REQUESTS_PER_SECOND", 4, "requests")]
    reserved_percent: Annotated[int, _number("RESERVED_PERCENT", 10, "percent", 0, 90)]
    """The share of the day's requests that is left to other users of the key."""
    campaigns_per_probe: Annotated[int, _number("CAMPAIGNS_PER_PROBE", 150, "campaigns", 1, 150)]
    """The vendor accepts at most 150 in one request."""
    finished_after: Annotated[timedelta, _number("FINISHED_AFTER_DAYS", 60, "days", 1, 365, _days)]
    """At most 365 days, since the ledger keeps what was published for a little longer."""
    stay: Annotated[
        timedelta,
        _number(
            "ROUNDS_SECONDS", 60, "seconds", 0, 900, lambda seconds: timedelta(seconds=seconds)
        ),
    ]
    """How long an invocation waits for what will be worth a request."""
    lookback: Annotated[
        timedelta,
        _number(
            "LOOKBACK_MINUTES", 120, "minutes", convert=lambda minutes: timedelta(minutes=minutes)
        ),
    ]

    contact_details: Annotated[
        ContactDetails, _choice("CONTACT_DETAILS", ContactDetails.FULL, ContactDetails)
    ]
    """What is kept and published of a contact."""

    proxy: Annotated[str | None, _Variable("HTTPS_PROXY", "", proxy_address, ("https_proxy",))] = (
        field(default=None, repr=False)
    )
    not_proxied: Annotated[str, _Variable("NO_PROXY", "", str, ("no_proxy",))] = ""
    certificates: Annotated[
        str | None,
        _Variable("SSL_CERT_FILE", "", lambda path: path or None, ("REQUESTS_CA_BUNDLE",)),
    ] = None

    @property
    def network(self) -> Network:
        return Network(
            proxy=self.proxy, not_proxied=self.not_proxied, certificates=self.certificates
        )

    @property
    def requests_to_spend(self) -> int:
        """The requests of a day that are not reserved for others."""
        return max(1, self.requests_per_day * (100 - self.reserved_percent) // 100)


@dataclass(frozen=True, slots=True, kw_only=True)
class AccountSettings(Settings):
    """The settings of all that works on the accounts of a stack."""

    tracking_table: Annotated[str, _text("TRACKING_TABLE", "the name of the tracking table")]
    credentials_prefix: Annotated[
        str,
        _text(
            "CREDENTIALS_PREFIX",
            "a parameter's name down to the account, such as /email-opens/",
            "/",
        ),
    ]


@dataclass(frozen=True, slots=True, kw_only=True)
class StackSettings(AccountSettings):
    """The settings of polls in a stack."""

    ledger_table: Annotated[str, _text("LEDGER_TABLE", "the name of the ledger table")]
    opens_topic_arn: Annotated[
        str, _text("OPENS_TOPIC_ARN", "the ARN of the topic, arn:…:sns:…", "arn:")
    ]
    dead_letter_queue_url: Annotated[
        str, _text("DEAD_LETTER_QUEUE_URL", "the URL of the dead-letter queue", "http")
    ]
    first_opens: Annotated[bool, _switch("FIRST_OPENS", "ENABLED")]
    """Whether each event says if it is its contact's first open of the e-mail."""


def _patterns(text: str) -> tuple[str, ...]:
    return tuple(pattern.strip() for pattern in text.split(",") if pattern.strip())


_Lookback = Annotated[timedelta, _number("DISCOVERY_LOOKBACK_DAYS", 7, "days", 1, 365, _days)]
_IncludeNames = Annotated[
    tuple[str, ...], _Variable("INCLUDE_NAMES", "*", lambda text: _patterns(text) or ("*",))
]
"""Patterns, one of which a campaign's name must match."""
_ExcludeNames = Annotated[tuple[str, ...], _Variable("EXCLUDE_NAMES", "", _patterns)]
"""Patterns, none of which it may match."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DiscoverySettings(AccountSettings):
    """The settings of discovery, which needs neither ledger nor topic nor queue."""

    discovery_lookback: _Lookback
    include_names: _IncludeNames
    exclude_names: _ExcludeNames


@dataclass(frozen=True, slots=True, kw_only=True)
class WatchSettings(Settings):
    """The settings of polls and discovery without AWS."""

    discovery_lookback: _Lookback
    include_names: _IncludeNames
    exclude_names: _ExcludeNames


def read_settings(environment: Mapping[str, str]) -> StackSettings:
    """Read the settings of polls.

    Raises:
        InvalidSettings: variables are missing or malformed; the message names all of them.
    """
    return _read(StackSettings, environment)


def read_settings_without_aws(environment: Mapping[str, str]) -> WatchSettings:
    """Read the settings that need no AWS; raises as `read_settings`."""
    return _read(WatchSettings, environment)


def read_discovery_settings(environment: Mapping[str, str]) -> DiscoverySettings:
    """Read the settings of discovery; raises as `read_settings`."""
    return _read(DiscoverySettings, environment)


def _read[T: Settings](kind: type[T], environment: Mapping[str, str]) -> T:
    values, faults = {}, []
    for name, hint in get_type_hints(kind, include_extras=True).items():
        (variable,) = hint.__metadata__
        try:
            values[name] = variable.read(environment)
        except ValueError as fault:
            faults.append(f"{variable.name} {fault}")
    if faults:
        raise InvalidSettings(f"The settings cannot be used: {'; '.join(faults)}.")
    return kind(**values)


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

"""Settings, read once from the environment and refused with a sentence."""

import json
import re
from collections.abc import Mapping
from datetime import timedelta
from typing import Annotated, get_type_hints

from email_opens.account import account_id
from email_opens.confidential import Confidential
from email_opens.config.network import Network, proxy_address
from email_opens.config.variables import Variable, choice, days, number, url
from email_opens.errors import InvalidInput, InvalidSettings
from email_opens.model import ContactDetails

_WORD = re.compile("(?<!^)(?=[A-Z])")


def _patterns(text: str) -> tuple[str, ...]:
    return tuple(pattern.strip() for pattern in text.split(",") if pattern.strip())


class NetworkSettings(Confidential, frozen=True, kw_only=True):
    """The settings of requests over https."""

    proxy: Annotated[str | None, Variable("HTTPS_PROXY", "", proxy_address, ("https_proxy",))] = (
        None
    )
    not_proxied: Annotated[str, Variable("NO_PROXY", "", str, ("no_proxy",))] = ""
    certificates: Annotated[
        str | None,
        Variable("SSL_CERT_FILE", "", lambda path: path or None, ("REQUESTS_CA_BUNDLE",)),
    ] = None

    @property
    def network(self) -> Network:
        return Network(
            proxy=self.proxy, not_proxied=self.not_proxied, certificates=self.certificates
        )


class Settings(NetworkSettings, frozen=True, kw_only=True):
    """The settings that need no AWS."""

    constant_contact_api_url: Annotated[
        str, url("CONSTANT_CONTACT_API_URL", "https://api.cc.email")
    ]
    constant_contact_auth_url: Annotated[
        str,
        url("CONSTANT_CONTACT_AUTH_URL", "https://authz.constantcontact.com/oauth2/default/v1"),
    ]
    requests_per_day: Annotated[int, number("REQUESTS_PER_DAY", 10_000, "requests")]
    requests_per_second: Annotated[int, number("REQUESTS_PER_SECOND", 4, "requests")]
    reserved_percent: Annotated[int, number("RESERVED_PERCENT", 10, "percent", 0, 90)]
    """The share of the day's requests that is left to other users of the key."""
    campaigns_per_probe: Annotated[int, number("CAMPAIGNS_PER_PROBE", 150, "campaigns", 1, 150)]
    """The vendor accepts at most 150 in one request."""
    finished_after: Annotated[timedelta, number("FINISHED_AFTER_DAYS", 60, "days", 1, 365, days)]
    """At most 365 days, since the ledger keeps what was published for a little longer."""
    lookback: Annotated[
        timedelta,
        number(
            "LOOKBACK_MINUTES", 120, "minutes", convert=lambda minutes: timedelta(minutes=minutes)
        ),
    ]
    discovery_lookback: Annotated[
        timedelta, number("DISCOVERY_LOOKBACK_DAYS", 7, "days", 1, 365, days)
    ]
    include_names: Annotated[
        tuple[str, ...], Variable("INCLUDE_NAMES", "*", lambda text: _patterns(text) or ("*",))
    ]
    """Patterns, one of which a campaign's name must match to be tracked."""
    exclude_names: Annotated[tuple[str, ...], Variable("EXCLUDE_NAMES", "", _patterns)]
    """Patterns, none of which it may match."""
    contact_details: Annotated[
        ContactDetails, choice("CONTACT_DETAILS", ContactDetails.FULL, ContactDetails)
    ]
    """What is kept and published of a contact."""

    @property
    def requests_to_spend(self) -> int:
        """The requests of a day that are not reserved for others."""
        return max(1, self.requests_per_day * (100 - self.reserved_percent) // 100)


def read_settings_without_aws(environment: Mapping[str, str]) -> Settings:
    """Read the settings that need no AWS; raises as `read`."""
    return read(Settings, environment)


def read[T: NetworkSettings](kind: type[T], environment: Mapping[str, str]) -> T:
    """Read the settings of a kind.

    Raises:
        InvalidSettings: variables are missing or malformed; the message names all of them.
    """
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


def environment_of(named: Mapping[str, str]) -> dict[str, str]:
    """Return what a stack names as environment variables: TrackingTable becomes TRACKING_TABLE.

    A stack names its settings by its parameters, its outputs and its own name (StackName).
    """
    return {_WORD.sub("_", name).upper(): value for name, value in named.items()}


def scheduled_account_id(event: object) -> str:
    """Read the account id from a schedule's event.

    Raises:
        InvalidInput: the event has no account id, or not a valid one.
    """
    text = event.get("account_id") if isinstance(event, dict) else None
    if not isinstance(text, str) or not text.strip():
        raise InvalidInput('The event names no account: expected {"account_id": "default"}.')
    return account_id(text)


def wake_up(record: object) -> tuple[str, str]:
    """Read the account id and the token from a message of the queue of wake-ups.

    Raises:
        InvalidInput: it is not a wake-up.
    """
    text = record.get("body") if isinstance(record, dict) else None
    try:
        body = json.loads(text) if isinstance(text, str) else None
        token = body.get("wake_up") if isinstance(body, dict) else None
        if isinstance(token, str) and token:
            return scheduled_account_id(body), token
    except (ValueError, RecursionError, InvalidInput):
        pass
    raise InvalidInput(
        "A message in the queue WakeUps is ignored, because it is not a wake-up: expected "
        '{"account_id": "default", "wake_up": "…"}.'
    )

"""Consent on another device (RFC 8628): a code is shown here, typed there, and waited for.

It needs no secret and no way from the browser back to this machine.
"""

import re
import secrets
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from http import HTTPStatus
from typing import Any

from email_opens.adapters.vendor.http import Reply, Unanswered
from email_opens.model import Tokens
from email_opens_cli.consent.application import (
    SCOPES,
    Application,
    AuthorizationServer,
    expired,
    passing,
    refused,
    unusable,
    wait_seconds,
)

GRANT = "urn:ietf:params:oauth:grant-type:device_code"
SLOW_DOWN_SECONDS = 5.0
"""What "slow_down" adds to the interval."""
LONGEST_INTERVAL_SECONDS = 30.0
"""How far the interval is doubled while nothing answers."""

_USUAL_INTERVAL_SECONDS = 5
_USUAL_LIFETIME_SECONDS = 600
_MOST_SECONDS = 3600
_ADDRESS = re.compile(r"https?://[!-~]+")
_CODE = re.compile(r"[!-~]{1,40}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Invitation:
    """What a person needs to consent, and what is waited with."""

    address: str
    user_code: str
    address_with_code: str
    """The address alone where the vendor gives no other."""
    ends: datetime
    interval_seconds: float
    device_code: str = field(repr=False)


def consent(
    server: AuthorizationServer, application: Application, show: Callable[[Invitation], None]
) -> Tokens:
    """Show an invitation, and return the tokens once a person has followed it.

    Raises:
        AccountDisconnected: they denied, or the code has expired.
        InvalidInput: the application may not ask.
        AccountStopped: the vendor does not answer, or with nonsense.
    """
    form = {"response_type": "code", "scope": SCOPES, "state": secrets.token_urlsafe(16)}
    reply = server.insist("/device/authorize", application, form)
    if reply.status != HTTPStatus.OK:
        raise refused(reply.error_key("error", "error_key"), reply.traces())
    invitation = _invitation(reply, server.clock.now())
    show(invitation)
    return _waited(server, application, invitation)


def _waited(
    server: AuthorizationServer, application: Application, invitation: Invitation
) -> Tokens:
    form = {"grant_type": GRANT, "device_code": invitation.device_code}
    interval = invitation.interval_seconds
    while server.clock.now() + timedelta(seconds=interval) < invitation.ends:
        server.clock.sleep(interval)
        reply = server.ask("/token", application, form, invitation.ends)
        if isinstance(reply, Unanswered):
            interval = max(interval, min(2 * interval, LONGEST_INTERVAL_SECONDS))
        elif reply.status == HTTPStatus.OK:
            return server.tokens(application, reply)
        elif passing(reply):
            interval = max(interval, wait_seconds(reply, server.clock.now()) or 0.0)
        else:
            word = reply.error_key("error", "error_key")
            if word == "slow_down":
                interval += SLOW_DOWN_SECONDS
            elif word != "authorization_pending":
                raise refused(word, reply.traces())
    raise expired()


def _invitation(reply: Reply, now: datetime) -> Invitation:
    said: Any = reply.json()
    held: dict[str, Any] = said if isinstance(said, dict) else {}

    def text(name: str, shape: re.Pattern[str]) -> str | None:
        """Return a text that is safe to print; None: there is none."""
        value = held.get(name)
        return value if isinstance(value, str) and shape.fullmatch(value) else None

    def seconds(name: str, usual: int) -> int:
        value = held.get(name)
        return value if isinstance(value, int) and 0 < value <= _MOST_SECONDS else usual

    address = text("verification_uri", _ADDRESS)
    user_code, device_code = text("user_code", _CODE), held.get("device_code")
    if address is None or user_code is None or not isinstance(device_code, str):
        raise unusable(reply)
    return Invitation(
        address=address,
        user_code=user_code,
        address_with_code=text("verification_uri_complete", _ADDRESS) or address,
        ends=now + timedelta(seconds=seconds("expires_in", _USUAL_LIFETIME_SECONDS)),
        interval_seconds=seconds("interval", _USUAL_INTERVAL_SECONDS),
        device_code=device_code,
    )

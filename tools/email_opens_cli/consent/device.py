"""Consent on another device (RFC 8628): a person enters there the code that is shown here.

This flow needs neither a secret nor a browser that can reach this machine.
"""

import re
import secrets
from collections.abc import Callable
from datetime import datetime, timedelta
from http import HTTPStatus
from typing import Any

from email_opens.account import Tokens
from email_opens.adapters.vendor.replies.reply import Reply, Unanswered
from email_opens.confidential import Confidential
from email_opens_cli.consent.application import (
    SCOPES,
    Application,
    AuthorizationServer,
    expired,
    is_transient,
    refusal,
    unusable,
    wait_seconds,
)

GRANT = "urn:ietf:params:oauth:grant-type:device_code"
SLOW_DOWN_SECONDS = 5.0
"""Added to the interval by each `slow_down`."""
LONGEST_INTERVAL_SECONDS = 30.0
"""The limit to which the interval doubles while the vendor does not answer."""

_USUAL_INTERVAL_SECONDS = 5
_USUAL_LIFETIME_SECONDS = 600
_MOST_SECONDS = 3600
_ADDRESS = re.compile(r"https?://[!-~]+")
_CODE = re.compile(r"[!-~]{1,40}")


class Invitation(Confidential, frozen=True, kw_only=True):
    """The address and code for a person, and the device code to poll with."""

    address: str
    user_code: str
    address_with_code: str
    """The plain address if the vendor returns no other."""
    ends: datetime
    interval_seconds: float
    device_code: str


def consent(
    server: AuthorizationServer, application: Application, show: Callable[[Invitation], None]
) -> Tokens:
    """Show an invitation, and return the tokens once a person has consented.

    Raises:
        AccountDisconnected: the person denied consent, or the code expired.
        InvalidInput: the application is unknown or may not use this flow.
        AccountStopped: the vendor is unavailable, or its reply is unusable.
    """
    form = {"response_type": "code", "scope": SCOPES, "state": secrets.token_urlsafe(16)}
    reply = server.post_with_retries("/device/authorize", application, form)
    if reply.status != HTTPStatus.OK:
        raise refusal(reply.error_key("error", "error_key"), reply.traces())
    invitation = _invitation(reply, server.clock.now())
    show(invitation)
    return _poll(server, application, invitation)


def _poll(server: AuthorizationServer, application: Application, invitation: Invitation) -> Tokens:
    form = {"grant_type": GRANT, "device_code": invitation.device_code}
    interval = invitation.interval_seconds
    while server.clock.now() + timedelta(seconds=interval) < invitation.ends:
        server.clock.sleep(interval)
        reply = server.post("/token", application, form, invitation.ends)
        if isinstance(reply, Unanswered):
            interval = max(interval, min(2 * interval, LONGEST_INTERVAL_SECONDS))
        elif reply.status == HTTPStatus.OK:
            return server.tokens(application, reply)
        elif is_transient(reply):
            interval = max(interval, wait_seconds(reply, server.clock.now()) or 0.0)
        else:
            code = reply.error_key("error", "error_key")
            if code == "slow_down":
                interval += SLOW_DOWN_SECONDS
            elif code != "authorization_pending":
                raise refusal(code, reply.traces())
    raise expired()


def _invitation(reply: Reply, now: datetime) -> Invitation:
    content: Any = reply.json()
    fields: dict[str, Any] = content if isinstance(content, dict) else {}

    def text(name: str, pattern: re.Pattern[str]) -> str | None:
        """Return a field that is safe to print, or None."""
        value = fields.get(name)
        return value if isinstance(value, str) and pattern.fullmatch(value) else None

    def seconds(name: str, usual: int) -> int:
        value = fields.get(name)
        return value if isinstance(value, int) and 0 < value <= _MOST_SECONDS else usual

    address = text("verification_uri", _ADDRESS)
    user_code, device_code = text("user_code", _CODE), fields.get("device_code")
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

"""The vendor's authorization server: requests to it, and the tokens in its replies."""

import base64
import re
from collections.abc import Mapping
from datetime import datetime, timedelta
from http import HTTPStatus
from typing import Any

from email_opens.adapters.vendor.http import exchange
from email_opens.adapters.vendor.replies.reply import Reply, Unanswered
from email_opens.adapters.vendor.session import Session
from email_opens.confidential import Confidential
from email_opens.ports import Clock

USUAL_LIFETIME = timedelta(hours=1)
"""For an access token whose reply states none: shorter than any that the vendor documents."""
LONGEST_LIFETIME = timedelta(days=30)
"""The limit on what a reply states."""
SENDABLE = re.compile(r"[!-~]+")
"""An access token that can be sent in a header."""

_MOST_BYTES = 65_536


class Grant(Confidential, frozen=True, kw_only=True):
    """The tokens in a reply of the token endpoint."""

    access_token: str
    refresh_token: str | None
    expires_at: datetime


def read_grant(reply: Reply, now: datetime) -> Grant | None:
    """Return the tokens in a reply, or None if one of them cannot be sent."""
    content = reply.json()
    if reply.status != HTTPStatus.OK or not isinstance(content, dict):
        return None
    access, refresh = content.get("access_token"), content.get("refresh_token")
    if not (isinstance(access, str) and SENDABLE.fullmatch(access)):
        return None
    if isinstance(refresh, str) and not refresh.isascii():
        return None  # Stored in place of the last one, it would disconnect the account.
    return Grant(
        access_token=access,
        refresh_token=refresh if isinstance(refresh, str) and refresh else None,
        expires_at=now + _lifetime(content.get("expires_in")),
    )


def post_as_client(
    session: Session,
    url: str,
    client_id: str,
    client_secret: str | None,
    form: Mapping[str, str],
    *,
    clock: Clock,
    before: datetime,
) -> Reply | Unanswered:
    """Send one form to the authorization server, authenticated as a client.

    A client with a secret uses Basic authentication; one without sends its id in the form.
    """
    headers, fields = {}, dict(form)
    if client_secret is None:
        fields["client_id"] = client_id
    else:
        pair = f"{client_id}:{client_secret}".encode()
        headers["Authorization"] = f"Basic {base64.b64encode(pair).decode()}"
    try:
        return exchange(
            session,
            "POST",
            url,
            headers=headers,
            form=fields,
            clock=clock,
            before=before,
            most_bytes=_MOST_BYTES,
        )
    except Unanswered as error:
        return error


def _lifetime(expires_in: Any) -> timedelta:
    try:
        seconds = max(0, int(expires_in))
        return min(timedelta(seconds=seconds), LONGEST_LIFETIME)
    except (TypeError, ValueError, OverflowError):
        return USUAL_LIFETIME

"""Consent in a browser: the OAuth 2 authorization code flow with PKCE."""

import base64
import hashlib
import re
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from http import HTTPStatus
from urllib.parse import urlencode

from constant_contact_emulator.access.errors import ConsentRefused
from constant_contact_emulator.messages import Reply
from constant_contact_emulator.world.world import World

_LIFETIME = timedelta(seconds=300)
_CHALLENGE = re.compile(r"[A-Za-z0-9_-]{43}")


@dataclass(frozen=True, slots=True)
class Code:
    client_id: str
    scope: str
    redirect_uri: str
    challenge: str
    expires_at: datetime


@dataclass(slots=True)
class Codes:
    """Authorization codes that were issued and not yet redeemed.

    The owner of the account consents by visiting the page.
    """

    world: World
    denies: bool = False
    """Whether the owner of the account denies consent."""
    _issued: dict[str, Code] = field(default_factory=dict)

    def issue(self, query: dict[str, str], scope: str) -> Reply:
        """Answer `GET /authorize` of a registered client: redirect with a code or an error."""
        redirect_uri, state = query.get("redirect_uri", ""), query.get("state", "")
        if not redirect_uri.startswith(("http://", "https://")):
            return Reply(HTTPStatus.BAD_REQUEST, {"error": "invalid_request"})
        flow = query.get("response_type"), query.get("code_challenge_method")
        challenge = query.get("code_challenge", "")
        if flow != ("code", "S256") or not state or not _CHALLENGE.fullmatch(challenge):
            return _redirect(redirect_uri, error="invalid_request", state=state)
        if self.denies:
            return _redirect(redirect_uri, error="access_denied", state=state)
        code = f"code-{self.world.new_id()}"
        self._issued[code] = Code(
            query["client_id"], scope, redirect_uri, challenge, self.world.clock() + _LIFETIME
        )
        return _redirect(redirect_uri, code=code, state=state)

    def redeem(self, client_id: str, form: dict[str, str]) -> str:
        """Return the scope of a valid code, once; raise `ConsentRefused` otherwise."""
        code = self._issued.pop(form.get("code", ""), None)
        if code is None or self.world.clock() >= code.expires_at:
            raise ConsentRefused("invalid_grant")
        digest = hashlib.sha256(form.get("code_verifier", "").encode()).digest()
        challenge = base64.urlsafe_b64encode(digest).rstrip(b"=").decode()
        proof = client_id, form.get("redirect_uri"), challenge
        if proof != (code.client_id, code.redirect_uri, code.challenge):
            raise ConsentRefused("invalid_grant")
        return code.scope


def _redirect(redirect_uri: str, **parameters: str) -> Reply:
    joint = "&" if "?" in redirect_uri else "?"
    location = f"{redirect_uri}{joint}{urlencode(parameters)}"
    return Reply(HTTPStatus.FOUND, None, {"Location": location})

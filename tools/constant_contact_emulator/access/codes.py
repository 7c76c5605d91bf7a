"""Consent in a browser: authorization codes, and what proves that their asker redeems them."""

import base64
import hashlib
import re
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from http import HTTPStatus
from urllib.parse import urlencode

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
    """The codes that were given and not redeemed; whoever visits the page has consented."""

    world: World
    denies: bool = False
    """True: the owner of the account denies."""
    _given: dict[str, Code] = field(default_factory=dict)

    def give(self, query: dict[str, str], scope: str) -> Reply:
        """Answer `GET /authorize` of a known client: send the browser back, with a code or why."""
        redirect_uri, state = query.get("redirect_uri", ""), query.get("state", "")
        if not redirect_uri.startswith(("http://", "https://")):
            return Reply(HTTPStatus.BAD_REQUEST, {"error": "invalid_request"})
        asked = query.get("response_type"), query.get("code_challenge_method")
        challenge = query.get("code_challenge", "")
        if asked != ("code", "S256") or not state or not _CHALLENGE.fullmatch(challenge):
            return _back(redirect_uri, error="invalid_request", state=state)
        if self.denies:
            return _back(redirect_uri, error="access_denied", state=state)
        code = f"code-{self.world.new_id()}"
        self._given[code] = Code(
            query["client_id"], scope, redirect_uri, challenge, self.world.clock() + _LIFETIME
        )
        return _back(redirect_uri, code=code, state=state)

    def redeem(self, client_id: str, form: dict[str, str]) -> str | None:
        """Return the scope of a code that is good, once; None: it is not."""
        code = self._given.pop(form.get("code", ""), None)
        if code is None or self.world.clock() >= code.expires_at:
            return None
        digest = hashlib.sha256(form.get("code_verifier", "").encode()).digest()
        proof = base64.urlsafe_b64encode(digest).rstrip(b"=").decode()
        given = client_id, form.get("redirect_uri"), proof
        return code.scope if given == (code.client_id, code.redirect_uri, code.challenge) else None


def _back(redirect_uri: str, **answer: str) -> Reply:
    joint = "&" if "?" in redirect_uri else "?"
    return Reply(HTTPStatus.FOUND, None, {"Location": f"{redirect_uri}{joint}{urlencode(answer)}"})

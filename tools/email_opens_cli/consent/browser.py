"""Consent in a browser on this machine (RFC 8252), for an application that has a secret.

The browser comes back to a port of the loopback. `state` proves that it is the one that was sent
out, and PKCE (RFC 7636, S256) that whoever redeems the code is the one who asked for it.
"""

import base64
import errno
import hashlib
import secrets
from collections.abc import Callable
from datetime import datetime, timedelta
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, HTTPServer
from urllib.parse import parse_qsl, urlencode, urlsplit

from email_opens.errors import InvalidInput
from email_opens.model import Tokens
from email_opens.ports import Clock
from email_opens_cli.consent.application import (
    SCOPES,
    Application,
    AuthorizationServer,
    expired,
    refused,
)

PATH = "/connected"
LONGEST_WAIT = timedelta(minutes=10)

_LOOK_SECONDS = 0.2
"""Between two looks at the clock."""
_SILENT_SECONDS = 2.0
"""How long a connection may say nothing: browsers open some for later."""
_MOST_CODE = 4096


def redirect_uri(port: int) -> str:
    """Return what the application has to list at the vendor, letter for letter."""
    return f"http://localhost:{port}{PATH}"


def consent(
    server: AuthorizationServer,
    application: Application,
    *,
    port: int,
    show: Callable[[str, str], None],
) -> Tokens:
    """Show the address where a person consents and the one they come back to; return the tokens.

    Port 0 is a free one.

    Raises:
        AccountDisconnected: they denied, or did not come back.
        InvalidInput: the port is taken, or the application may not ask.
        AccountStopped: the vendor does not answer, or with nonsense.
    """
    state, verifier = secrets.token_urlsafe(32), secrets.token_urlsafe(64)
    challenge = base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest())
    ends = server.clock.now() + LONGEST_WAIT
    with _listener(port, state) as listener:
        comes_back_to = redirect_uri(listener.server_port)
        query = {
            "client_id": application.client_id,
            "response_type": "code",
            "redirect_uri": comes_back_to,
            "scope": SCOPES,
            "state": state,
            "code_challenge": challenge.rstrip(b"=").decode(),
            "code_challenge_method": "S256",
        }
        show(f"{server.url}/authorize?{urlencode(query)}", comes_back_to)
        answer = listener.wait(server.clock, ends)
    if "code" not in answer:
        raise refused(answer["error"] if answer["error"].isidentifier() else None)
    form = {
        "grant_type": "authorization_code",
        "code": answer["code"],
        "redirect_uri": comes_back_to,
        "code_verifier": verifier,
    }
    reply = server.insist("/token", application, form)
    if reply.status != HTTPStatus.OK:
        raise refused(reply.error_key("error", "error_key"), reply.traces())
    return server.tokens(application, reply)


def _listener(port: int, state: str) -> "_Listener":
    try:
        return _Listener(port, state)
    except OSError as error:
        taken = error.errno == errno.EADDRINUSE
        why = "is taken" if taken else "cannot be used"
        raise InvalidInput(
            f"Port {port} {why}: choose another with --port, and list its address among the "
            "application's redirect URIs."
        ) from None


class _Listener(HTTPServer):
    """Hears the browser come back; whatever else knocks is sent away."""

    def __init__(self, port: int, state: str) -> None:
        super().__init__(("127.0.0.1", port), _Handler)
        self.timeout = _LOOK_SECONDS
        self.state = state
        self.answer: dict[str, str] = {}

    def wait(self, clock: Clock, ends: datetime) -> dict[str, str]:
        """Return what the browser brought: `code`, or `error`."""
        while not self.answer:
            if clock.now() >= ends:
                raise expired()
            self.handle_request()
        return self.answer

    def take(self, target: str) -> tuple[int, str]:
        """Take a visit; return a status and what the person is told."""
        parts = urlsplit(target)
        said = dict(parse_qsl(parts.query))
        if parts.path != PATH:
            return HTTPStatus.NOT_FOUND, "Nothing is here."
        if not secrets.compare_digest(said.get("state", "").encode(), self.state.encode()):
            return HTTPStatus.BAD_REQUEST, "This is not the answer that is waited for."
        if 0 < len(said.get("code", "")) <= _MOST_CODE:
            self.answer = {"code": said["code"]}
            return HTTPStatus.OK, "Thank you: go back to the terminal and close this page."
        self.answer = {"error": said.get("error", "")}
        return HTTPStatus.OK, "There is no consent: go back to the terminal."

    def handle_error(self, request: object, client_address: object) -> None:
        """Say nothing of a browser that went away in mid-word: a traceback would show the code."""


class _Handler(BaseHTTPRequestHandler):
    server: _Listener
    timeout = _SILENT_SECONDS

    def do_GET(self) -> None:
        status, said = self.server.take(self.path)
        body = said.encode()
        self.send_response(status)
        self.send_header("Content-Type", "text/plain; charset=utf-8")
        self.send_header("Content-Length", str(len(body)))
        # The address bar holds the code: no page may hear of it.
        self.send_header("Referrer-Policy", "no-referrer")
        self.send_header("Connection", "close")
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """The code is in the request's line."""

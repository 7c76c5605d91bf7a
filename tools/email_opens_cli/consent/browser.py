"""Consent in a browser on this machine (RFC 8252), for an application that has a secret.

The vendor redirects the browser to a port of the loopback interface. `state` proves that the
redirect answers this request; PKCE (RFC 7636, S256) proves that the program that redeems the code
is the one that requested it.
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
    refusal,
)

PATH = "/connected"
LONGEST_WAIT = timedelta(minutes=10)

_ACCEPT_SECONDS = 0.2
"""How long the listener waits for a connection before it checks the deadline."""
_IDLE_SECONDS = 2.0
"""How long a connection may stay silent: browsers open some before they need them."""
_MOST_CODE = 4096


def redirect_uri(port: int) -> str:
    """Return the URI that the application must list at the vendor, character for character."""
    return f"http://localhost:{port}{PATH}"


def consent(
    server: AuthorizationServer,
    application: Application,
    *,
    port: int,
    show: Callable[[str, str], None],
) -> Tokens:
    """Show the address for consent and the redirect URI; return the tokens after consent.

    Port 0 chooses a free port.

    Raises:
        AccountDisconnected: the person denied consent, or did not consent in time.
        InvalidInput: the port is taken, or the application is unknown or may not use this flow.
        AccountStopped: the vendor is unavailable, or its reply is unusable.
    """
    state, verifier = secrets.token_urlsafe(32), secrets.token_urlsafe(64)
    challenge = base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest())
    deadline = server.clock.now() + LONGEST_WAIT
    with _listener(port, state) as listener:
        redirect = redirect_uri(listener.server_port)
        query = {
            "client_id": application.client_id,
            "response_type": "code",
            "redirect_uri": redirect,
            "scope": SCOPES,
            "state": state,
            "code_challenge": challenge.rstrip(b"=").decode(),
            "code_challenge_method": "S256",
        }
        show(f"{server.url}/authorize?{urlencode(query)}", redirect)
        answer = listener.wait(server.clock, deadline)
    if "code" not in answer:
        raise refusal(answer["error"] if answer["error"].isidentifier() else None)
    form = {
        "grant_type": "authorization_code",
        "code": answer["code"],
        "redirect_uri": redirect,
        "code_verifier": verifier,
    }
    reply = server.post_with_retries("/token", application, form)
    if reply.status != HTTPStatus.OK:
        raise refusal(reply.error_key("error", "error_key"), reply.traces())
    return server.tokens(application, reply)


def _listener(port: int, state: str) -> "_Listener":
    try:
        return _Listener(port, state)
    except OSError as error:
        problem = "is taken" if error.errno == errno.EADDRINUSE else "cannot be used"
        raise InvalidInput(
            f"Port {port} {problem}: choose another with --port, and list its address among the "
            "application's redirect URIs."
        ) from None


class _Listener(HTTPServer):
    """Accepts the redirect of the browser, and refuses every other request."""

    def __init__(self, port: int, state: str) -> None:
        super().__init__(("127.0.0.1", port), _Handler)
        self.timeout = _ACCEPT_SECONDS
        self.state = state
        self.answer: dict[str, str] = {}

    def wait(self, clock: Clock, deadline: datetime) -> dict[str, str]:
        """Return the `code` or the `error` of the redirect."""
        while not self.answer:
            if clock.now() >= deadline:
                raise expired()
            self.handle_request()
        return self.answer

    def respond(self, target: str) -> tuple[int, str]:
        """Handle a request; return a status and a message for the person."""
        parts = urlsplit(target)
        query = dict(parse_qsl(parts.query))
        if parts.path != PATH:
            return HTTPStatus.NOT_FOUND, "There is nothing here."
        if not secrets.compare_digest(query.get("state", "").encode(), self.state.encode()):
            return HTTPStatus.BAD_REQUEST, "This is not the expected redirect."
        if 0 < len(query.get("code", "")) <= _MOST_CODE:
            self.answer = {"code": query["code"]}
            return HTTPStatus.OK, "Thank you: go back to the terminal and close this page."
        self.answer = {"error": query.get("error", "")}
        return HTTPStatus.OK, "Consent was not given: go back to the terminal."

    def handle_error(self, request: object, client_address: object) -> None:
        """Ignore a browser that disconnects early: a traceback would show the code."""


class _Handler(BaseHTTPRequestHandler):
    server: _Listener
    timeout = _IDLE_SECONDS

    def do_GET(self) -> None:
        status, message = self.server.respond(self.path)
        body = message.encode()
        self.send_response(status)
        self.send_header("Content-Type", "text/plain; charset=utf-8")
        self.send_header("Content-Length", str(len(body)))
        # The address bar holds the code, which must not reach another page as its referrer.
        self.send_header("Referrer-Policy", "no-referrer")
        self.send_header("Connection", "close")
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Log nothing: the request line holds the code."""

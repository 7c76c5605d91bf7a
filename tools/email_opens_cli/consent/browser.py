"""Consent in a browser on this machine (RFC 8252), for an application that has a secret.

The vendor redirects the browser to a port of the loopback interface. `state` proves that the
redirect answers this request; PKCE (RFC 7636, S256) proves that the program that redeems the code
is the one that requested it.
"""

import base64
import errno
import hashlib
import secrets
import socket
import time
from collections.abc import Callable
from contextlib import suppress
from datetime import datetime, timedelta
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from io import BytesIO
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit

from email_opens.account import Tokens
from email_opens.errors import InvalidInput
from email_opens.ports import Clock
from email_opens_cli.consent.application import (
    SCOPES,
    Application,
    AuthorizationServer,
    expired,
    refusal,
)

HOST = "127.0.0.1"
"""The address on which it listens and to which the browser is redirected. `localhost` may also
resolve to ::1, where another program of this machine could listen and receive the code."""
PATH = "/connected"
LONGEST_WAIT = timedelta(minutes=10)

_ACCEPT_SECONDS = 0.2
"""How long the listener waits for a connection before it checks the deadline."""
_REQUEST_SECONDS = 5.0
"""How long a whole request may take; browsers open connections before they need them."""
_MOST_REQUEST = 65_536
_MOST_CONNECTIONS = 32
"""If there are more, the oldest is closed."""
_MOST_CODE = 4096


def redirect_uri(port: int) -> str:
    """Return the URI that the application must list at the vendor, character for character."""
    return f"http://{HOST}:{port}{PATH}"


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
            f"Port {port} {problem}: choose another with --port, and add its address to the "
            "application's redirect URIs."
        ) from None


class _Listener(ThreadingHTTPServer):
    """Accepts the redirect of the browser, and refuses every other request.

    Each connection has a thread, so that a slow one delays no other.
    """

    daemon_threads = True
    block_on_close = False

    def __init__(self, port: int, state: str) -> None:
        super().__init__((HOST, port), _Handler)
        self.timeout = _ACCEPT_SECONDS
        self.state = state
        self.answer: dict[str, str] = {}
        self._connections: list[socket.socket] = []

    def wait(self, clock: Clock, deadline: datetime) -> dict[str, str]:
        """Return the `code` or the `error` of the redirect."""
        while not self.answer:
            if clock.now() >= deadline:
                raise expired()
            self.handle_request()
        return self.answer

    def process_request(self, request: Any, client_address: Any) -> None:
        self._connections.append(request)
        if len(self._connections) > _MOST_CONNECTIONS:
            with suppress(OSError):  # Its thread may have closed it.
                self._connections.pop(0).shutdown(socket.SHUT_RDWR)
        super().process_request(request, client_address)

    def read(self, target: str) -> tuple[int, str, dict[str, str]]:
        """Return the status, a message for the person, and the answer that a request contains."""
        parts = urlsplit(target)
        query = dict(parse_qsl(parts.query))
        if parts.path != PATH:
            return HTTPStatus.NOT_FOUND, "There is nothing here.", {}
        if not secrets.compare_digest(query.get("state", "").encode(), self.state.encode()):
            return HTTPStatus.BAD_REQUEST, "This is not the expected redirect.", {}
        if 0 < len(query.get("code", "")) <= _MOST_CODE:
            thanks = "Thank you: go back to the terminal and close this page."
            return HTTPStatus.OK, thanks, {"code": query["code"]}
        denied = "Consent was not given: go back to the terminal."
        return HTTPStatus.OK, denied, {"error": query.get("error", "")}

    def handle_error(self, request: object, client_address: object) -> None:
        """Ignore a browser that disconnects early: a traceback would show the code."""


class _Handler(BaseHTTPRequestHandler):
    server: _Listener
    timeout = _REQUEST_SECONDS

    def setup(self) -> None:
        super().setup()
        self.rfile.close()
        self.rfile = BytesIO(_head(self.connection, _REQUEST_SECONDS))

    def do_GET(self) -> None:
        status, message, answer = self.server.read(self.path)
        body = message.encode()
        try:
            self.send_response(status)
            self.send_header("Content-Type", "text/plain; charset=utf-8")
            self.send_header("Content-Length", str(len(body)))
            # The address bar holds the code, which must not reach another page as its referrer.
            self.send_header("Referrer-Policy", "no-referrer")
            self.send_header("Connection", "close")
            self.end_headers()
            self.wfile.write(body)
        finally:
            # Set last, or the program could end before the person has received the message.
            self.server.answer = self.server.answer or answer

    def log_message(self, *_: object) -> None:
        """Log nothing: the request line holds the code."""


def _head(connection: socket.socket, seconds: float) -> bytes:
    """Read a request up to its blank line; return nothing if it does not arrive in time."""
    deadline, head = time.monotonic() + seconds, b""
    while b"\r\n\r\n" not in head and len(head) < _MOST_REQUEST:
        left = deadline - time.monotonic()
        if left <= 0:
            return b""
        connection.settimeout(left)
        try:
            chunk = connection.recv(_MOST_REQUEST)
        except OSError:
            return b""
        if not chunk:
            return b""
        head += chunk
    return head

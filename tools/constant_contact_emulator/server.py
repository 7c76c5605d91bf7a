"""The vendor on localhost, over real HTTP."""

import socket
import sys
from datetime import datetime
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Event, Lock, Thread
from typing import Any, NamedTuple, Self
from urllib.parse import parse_qsl, urlsplit

from constant_contact_emulator.api import Api
from constant_contact_emulator.behaviour import Behaviour
from constant_contact_emulator.clocks import Clock, system_clock
from constant_contact_emulator.control import PREFIX, control
from constant_contact_emulator.faults import Fault, Faults, Kind
from constant_contact_emulator.limits import Limits
from constant_contact_emulator.replies import Ending, Reply, Request, not_found
from constant_contact_emulator.tokens import DEFAULT_SCOPE, Authorization, Grant
from constant_contact_emulator.world import DEFAULT_ACCOUNT, World

_OAUTH = "/oauth2/default/v1"


class Logged(NamedTuple):
    """A request that was answered, or (status 0) whose connection was dropped."""

    time: datetime
    method: str
    path: str
    """With its query."""
    status: int


class Emulator:
    """Serves a world from the moment it is made until it is closed.

    Limits are the vendor's unless `Limits.off()` or others are handed in.
    """

    def __init__(
        self,
        *,
        clock: Clock = system_clock,
        port: int = 0,
        seed: int = 1,
        behaviour: Behaviour | None = None,
        limits: Limits | None = None,
        rotating: bool = True,
    ) -> None:
        self.world = World(clock, seed=seed, behaviour=behaviour)
        self.limits = limits or Limits()
        self.faults = Faults()
        self.requests: list[Logged] = []
        self._closing = Event()
        self._server = _Server(self, port)
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}"
        self.auth_url = self.url + _OAUTH
        self.authorization = Authorization(
            self.world, rotating=rotating, activate_url=f"{self.url}/activate"
        )
        self._api = Api(self.world, self.authorization, self.limits)
        self._thread = Thread(target=self._server.serve_forever, args=(0.01,), daemon=True)
        self._thread.start()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the port and every connection; what hangs is let go."""
        self._closing.set()
        self._server.shutdown()
        self._server.close_connections()
        self._server.server_close()
        self._thread.join()

    def connect(
        self,
        account_id: str = DEFAULT_ACCOUNT,
        *,
        client_id: str | None = None,
        client_secret: str | None = None,
        scope: str = DEFAULT_SCOPE,
    ) -> Grant:
        """Connect an account without any HTTP; its client is made if it is not there."""
        key = client_id or f"{account_id}-key"
        if key not in self.authorization.clients:
            self.authorization.add_client(key, secret=client_secret, account_id=account_id)
        return self.authorization.issue(key, scope=scope)

    def credentials(self, account_id: str = DEFAULT_ACCOUNT, **how: str) -> dict[str, str]:
        """Connect an account and return what its credentials parameter holds."""
        grant = self.connect(account_id, **how)
        held = {
            "client_id": grant.client_id,
            "refresh_token": grant.refresh_token,
            "access_token": grant.access_token,
            "expires_at": grant.expires_at.isoformat().replace("+00:00", "Z"),
        }
        return held | ({"client_secret": grant.client_secret} if grant.client_secret else {})

    def answer(self, request: Request) -> Reply:
        """Answer a request: hooks, then faults, then the path."""
        if request.path.startswith(PREFIX):
            return control(self, request)
        fault = self.faults.take(request.method, request.target)
        reply = self._worked(request, fault)
        status = 0 if reply.ending is Ending.DROPPED else reply.status
        self.requests.append(
            Logged(self.world.clock(), request.method, request.target, int(status))
        )
        return reply

    def _worked(self, request: Request, fault: Fault | None) -> Reply:
        if fault is not None and fault.kind is Kind.HANG:
            self._closing.wait(fault.seconds)
        self.world.announce(request.method, request.target)
        instead = fault.instead() if fault else None
        if instead is not None:
            return instead
        reply = self._routed(request)
        whole = reply.status == HTTPStatus.OK and isinstance(reply.payload, dict)
        return fault.spoil(request, reply) if fault and whole else reply

    def _routed(self, request: Request) -> Reply:
        if request.path.startswith("/v3/"):
            return self._api.answer(request)
        form = dict(parse_qsl(request.body.decode("utf-8", "replace")))
        match request.method, request.path.removeprefix(_OAUTH):
            case "POST", "/token":
                client = form.get("client_id") or request.headers.get("authorization", "")
                refusal = self.limits.refuse_token(client, self.world.clock())
                return refusal or self.authorization.token(request, request.query | form)
            case "POST", "/device/authorize":
                return self.authorization.begin_device(request.query | form)
            case "GET", "/activate":
                return self._activated(request)
            case _:
                return not_found()

    def _activated(self, request: Request) -> Reply:
        try:
            self.authorization.approve(request.query.get("user_code", ""))
        except KeyError:
            return not_found()
        return Reply(payload=b"The account is connected.", media="text/plain")


class _Server(ThreadingHTTPServer):
    daemon_threads = False
    block_on_close = True
    request_queue_size = 128

    def __init__(self, emulator: Emulator, port: int) -> None:
        self.emulator = emulator
        self._open: set[socket.socket] = set()
        self._lock = Lock()
        super().__init__(("127.0.0.1", port), _Handler)

    def process_request(self, request: Any, client_address: Any) -> None:
        with self._lock:
            self._open.add(request)
        super().process_request(request, client_address)

    def shutdown_request(self, request: Any) -> None:
        with self._lock:
            self._open.discard(request)
        super().shutdown_request(request)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Say nothing of clients that went away; show what is the emulator's own fault."""
        if not isinstance(sys.exception(), OSError):
            super().handle_error(request, client_address)

    def close_connections(self) -> None:
        with self._lock:
            for connection in self._open:
                try:
                    connection.shutdown(socket.SHUT_RDWR)
                except OSError:  # the client was faster
                    continue


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    server: _Server

    def _handle(self) -> None:
        length = int(self.headers.get("content-length") or 0)
        parts = urlsplit(self.path)
        request = Request(
            self.command,
            self.path,
            parts.path,
            dict(parse_qsl(parts.query, keep_blank_values=True)),
            {name.lower(): value for name, value in self.headers.items()},
            self.rfile.read(length) if length else b"",
        )
        self._send(self.server.emulator.answer(request))

    # The base class looks its methods up by these names.
    do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = _handle  # noqa: N815

    def _send(self, reply: Reply) -> None:
        if reply.ending is Ending.DROPPED:
            self.close_connection = True
            return
        body = reply.body()
        headers = {
            "Content-Type": reply.media,
            "x-eig-tracking-id": "emulated",
            "Content-Length": str(len(body)),
        } | reply.headers
        if reply.ending is Ending.CUT:
            body = body[: len(body) // 2]
            self.close_connection = True
        phrase = HTTPStatus(reply.status).phrase
        head = f"HTTP/1.1 {int(reply.status)} {phrase}\r\n"
        head += "".join(f"{name}: {value}\r\n" for name, value in headers.items())
        self.connection.sendall(head.encode("latin-1") + b"\r\n" + body)

    def log_message(self, *_: object) -> None:
        """The request log is the emulator's."""

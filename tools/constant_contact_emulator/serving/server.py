"""The vendor on localhost, over HTTP."""

import socket
import sys
from email.utils import format_datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Event, Lock, Thread
from typing import Any, Self
from urllib.parse import parse_qsl, urlsplit

from constant_contact_emulator.access.limits import Limits
from constant_contact_emulator.messages import Drip, Ending, Reply, Request
from constant_contact_emulator.serving.control import PREFIX, control
from constant_contact_emulator.serving.vendor import OAUTH, Vendor
from constant_contact_emulator.serving.wire import written_slowly, written_whole
from constant_contact_emulator.world.behaviour import Behaviour
from constant_contact_emulator.world.clocks import Clock, system_clock


class Emulator(Vendor):
    """Serves a world from its construction until it is closed."""

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
        self._closing = Event()
        self._server = _Server(self, port)
        self.port = self._server.server_address[1]
        self.url = f"http://127.0.0.1:{self.port}"
        self.auth_url = self.url + OAUTH
        super().__init__(
            clock=clock,
            seed=seed,
            behaviour=behaviour,
            limits=limits,
            rotating=rotating,
            activate_url=f"{self.url}/activate",
            hang=self._closing.wait,
        )
        self._thread = Thread(target=self._server.serve_forever, args=(0.01,), daemon=True)
        self._thread.start()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the port and every connection, hanging requests included."""
        self._closing.set()
        self._server.shutdown()
        self._server.close_connections()
        self._server.server_close()
        self._thread.join()

    def waits(self, seconds: float) -> bool:
        """Wait for a slow reply; return whether the emulator is being closed."""
        return self._closing.wait(seconds)

    def answer(self, request: Request) -> Reply:
        """Answer a request to the control endpoint or to the vendor."""
        if request.path.startswith(PREFIX):
            return control(self, request)
        return super().answer(request)


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
        """Report the emulator's own errors, but not clients that disconnect."""
        if not isinstance(sys.exception(), OSError):
            super().handle_error(request, client_address)

    def close_connections(self) -> None:
        with self._lock:
            for connection in self._open:
                try:
                    connection.shutdown(socket.SHUT_RDWR)
                except OSError:  # the client has disconnected
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

    # The base class finds a method by these names.
    do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = _handle  # noqa: N815

    def _send(self, reply: Reply) -> None:
        if reply.ending is Ending.DROPPED:
            self.close_connection = True
            return
        body = reply.body()
        headers = {
            "Content-Type": reply.media,
            "Date": format_datetime(self.server.emulator.world.clock(), usegmt=True),
            "x-eig-tracking-id": "emulated",
        } | reply.headers
        if reply.drip:
            self._send_slowly(reply.drip, written_slowly(reply.status, headers, body, reply.drip))
            return
        written = written_whole(reply.status, headers, body)
        if reply.ending is Ending.CUT:
            written = written[: len(written) - len(body) + len(body) // 2]
            self.close_connection = True
        self.connection.sendall(written)

    def _send_slowly(self, drip: Drip, parts: list[bytes]) -> None:
        self.connection.sendall(parts[0])
        for part in parts[1:]:
            if self.server.emulator.waits(drip.seconds):
                self.close_connection = True
                return
            self.connection.sendall(part)

    def log_message(self, *_: object) -> None:
        """Write no access log: `Emulator.requests` has the requests."""

"""A TCP proxy between the function and its servers, which injects a fault into a chosen call.

Several proxies share one `Calls`, so that a call is identified by its name and its number,
whichever server it is for.
"""

import re
import socket
import struct
import sys
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from enum import StrEnum
from io import BufferedIOBase
from socketserver import StreamRequestHandler, ThreadingTCPServer
from threading import Event, Lock, Thread
from typing import Any, NamedTuple, Self
from urllib.parse import urlsplit

LATE_SECONDS = 30
"""Longer than the function waits for any reply."""
UPSTREAM_SECONDS = 60
"""A server that does not reply within this time fails the call, so that no thread waits forever."""

# The name of a call in AWS's JSON protocols, with its table if it has one, and in SNS's protocol.
_TARGET = re.compile(rb"^x-amz-target: *\w+\.(\w+)", re.IGNORECASE | re.MULTILINE)
_TABLE = re.compile(rb"(Tracking|Ledger)Table")
_ACTION = re.compile(rb"^Action=(\w+)|&Action=(\w+)")
_LENGTH = re.compile(rb"^content-length: *(\d+)", re.IGNORECASE | re.MULTILINE)
_NO_LENGTH = re.compile(rb"^transfer-encoding:", re.IGNORECASE | re.MULTILINE)
_BY_RESET = struct.pack("ii", 1, 0)
"""SO_LINGER: how a socket is closed."""


class Fault(StrEnum):
    """What happens to a call; the first two also kill the process that makes it."""

    KILLED_BEFORE = "killed before"
    """The process ends before the request reaches the server."""
    KILLED_AFTER = "killed after"
    """The server processes the request, and the process ends before the reply."""
    RESET_BEFORE = "reset before"
    """The connection is reset before the request reaches the server."""
    RESET_AFTER = "reset after"
    """The server processes the request, and the connection is reset instead of a reply."""
    CUT = "cut"
    """The connection ends in the middle of the reply's body."""
    CUT_HEAD = "cut in the head"
    """The connection ends in the middle of the headers, so the reply seems to have no body."""
    TWICE = "twice"
    """The server receives the request twice, and the second reply is returned."""
    LATE = "late"
    """The server processes the request, and the reply comes after the timeout."""


class Point(NamedTuple):
    """A call of an invocation, and the fault that happens there."""

    call: str
    number: int
    """Among the calls of that name, from 1."""
    fault: Fault


class Message(NamedTuple):
    """A request or a reply, as sent over the wire."""

    head: bytes
    body: bytes


@dataclass(slots=True)
class Calls:
    """The calls of one invocation, in order. Thread-safe."""

    point: Point | None = None
    kill: Callable[[], None] = lambda: None
    made: list[str] = field(default_factory=list)
    until_point: list[str] = field(default_factory=list)
    """The calls up to and including the one at the point."""
    _count: Counter[str] = field(default_factory=Counter)
    _lock: Lock = field(default_factory=Lock)

    def make(self, name: str) -> Fault | None:
        """Count a call; return its fault if it is the call at the point."""
        with self._lock:
            self.made.append(name)
            self._count[name] += 1
            if self.point is None or (name, self._count[name]) != self.point[:2]:
                return None
            self.until_point = list(self.made)
            return self.point.fault


class Proxy:
    """Forwards each request to one server until the `with` ends."""

    def __init__(self, upstream_url: str) -> None:
        parts = urlsplit(upstream_url)
        self.calls = Calls()
        """May be replaced between two invocations."""
        self.closing = Event()
        self.upstream = (parts.hostname, parts.port)
        self._server = _Server(self)
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}"
        self._thread = Thread(target=self._server.serve_forever, args=(0.01,), daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        """Stop when all messages under way have arrived; the function must have ended before."""
        self.closing.set()
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


class _Server(ThreadingTCPServer):
    daemon_threads = False
    block_on_close = True
    request_queue_size = 32

    def __init__(self, proxy: Proxy) -> None:
        self.proxy = proxy
        super().__init__(("127.0.0.1", 0), _Connection)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Ignore the errors that a killed function causes."""
        if not isinstance(sys.exception(), OSError):
            super().handle_error(request, client_address)


class _Connection(StreamRequestHandler):
    disable_nagle_algorithm = True
    server: _Server

    def handle(self) -> None:
        with socket.create_connection(self.server.proxy.upstream, UPSTREAM_SECONDS) as upstream:
            upstream.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            with upstream.makefile("rb") as replies:
                alive = True
                while alive and (request := read(self.rfile)):
                    alive = self._forward(request, upstream, replies)

    def _forward(self, request: Message, upstream: socket.socket, replies: BufferedIOBase) -> bool:
        """Forward a call, with its fault if any; return whether the connection stays open."""
        fault = self.server.proxy.calls.make(name_of(request))
        if fault in (Fault.KILLED_BEFORE, Fault.RESET_BEFORE):
            self._inject(fault, request)
            return False
        reply = None
        for _ in range(2 if fault is Fault.TWICE else 1):
            upstream.sendall(request.head + request.body)
            reply = read(replies)
        if reply is None:
            return False
        if fault is None or fault is Fault.TWICE:
            self.connection.sendall(reply.head + reply.body)
            return True
        self._inject(fault, reply)
        return False

    def _inject(self, fault: Fault, message: Message) -> None:
        match fault:
            case Fault.KILLED_BEFORE | Fault.KILLED_AFTER:
                self.server.proxy.calls.kill()
            case Fault.RESET_BEFORE | Fault.RESET_AFTER:
                self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _BY_RESET)
                # Close now: the server would shut the connection down in order first.
                self.rfile.close()
                self.connection.close()
            case Fault.CUT:
                self.connection.sendall(message.head + message.body[: len(message.body) // 2])
            case Fault.CUT_HEAD:
                self.connection.sendall(message.head[: len(message.head) // 2])
            case Fault.LATE:
                self.server.proxy.closing.wait(LATE_SECONDS)
            case Fault.TWICE:
                raise AssertionError("A request that is sent twice is forwarded unchanged.")


def read(stream: BufferedIOBase) -> Message | None:
    """Read a request or a reply; return None if the other side has closed, even midway.

    Raises:
        ValueError: the message is chunked; none of these servers sends such messages.
    """
    lines = []
    while (line := stream.readline()) not in (b"\r\n", b""):
        lines.append(line)
    if not line:
        return None
    head = b"".join([*lines, line])
    if _NO_LENGTH.search(head):
        raise ValueError("The proxy cannot read a chunked message.")
    length = _LENGTH.search(head)
    length_bytes = int(length[1]) if length else 0
    body = stream.read(length_bytes)
    # Drop half a request of a killed process: its server would wait for the rest.
    return Message(head, body) if len(body) == length_bytes else None


def name_of(request: Message) -> str:
    """Return the name of a call, such as `Query LedgerTable` or `GET …/tracking/opens`."""
    target, action = _TARGET.search(request.head), _ACTION.search(request.body)
    if target:
        table = _TABLE.search(request.body)
        return (target[1] + (b" " + table[0] if table else b"")).decode()
    if action:
        return (action[1] or action[2]).decode()
    method, path, _ = request.head.decode("latin-1").split(" ", 2)
    return f"{method} …/{'/'.join(urlsplit(path).path.split('/')[-2:])}"

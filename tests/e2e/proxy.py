"""A TCP proxy between the function and its servers, and what becomes of a chosen call.

Several proxies share the `Calls` that they count, so that a call is known by its name and its
number, whichever server it is for.
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
"""Longer than the function waits for any answer."""

# Of AWS's JSON protocols, with the table where there is one; of SNS's; of the vendor's.
_TARGET = re.compile(rb"^x-amz-target: *\w+\.(\w+)", re.IGNORECASE | re.MULTILINE)
_TABLE = re.compile(rb"(Tracking|Ledger)Table")
_ACTION = re.compile(rb"^Action=(\w+)|&Action=(\w+)")
_LENGTH = re.compile(rb"^content-length: *(\d+)", re.IGNORECASE | re.MULTILINE)
_NO_LENGTH = re.compile(rb"^transfer-encoding:", re.IGNORECASE | re.MULTILINE)
_BY_RESET = struct.pack("ii", 1, 0)
"""SO_LINGER: how a socket is closed."""


class Fault(StrEnum):
    """What becomes of a call; the first two of the process that makes it, too."""

    KILLED_BEFORE = "killed before"
    """The process is gone before the request reaches the server."""
    KILLED_AFTER = "killed after"
    """The server has worked the request, and the process is gone before the reply."""
    RESET_BEFORE = "reset before"
    """The connection is reset, and the server never sees the request."""
    RESET_AFTER = "reset after"
    """The server has worked the request, and the connection is reset instead of a reply."""
    CUT = "cut"
    """The connection ends in the middle of the reply's body."""
    CUT_HEAD = "cut in the head"
    """It ends in the middle of the reply's headers, which so seem to have no body."""
    TWICE = "twice"
    """The server gets the request twice, and the second reply is the one that comes."""
    LATE = "late"
    """The server has worked the request, and the reply comes when nobody waits for it."""


class Point(NamedTuple):
    """A call of an invocation, and what becomes of it."""

    call: str
    number: int
    """Of the calls of that name, from 1."""
    fault: Fault


class Message(NamedTuple):
    """A request or a reply, as it is on the wire."""

    head: bytes
    body: bytes


@dataclass(slots=True)
class Calls:
    """The calls of one invocation, in the order in which they were made. Thread-safe."""

    point: Point | None = None
    kill: Callable[[], None] = lambda: None
    made: list[str] = field(default_factory=list)
    until_point: list[str] = field(default_factory=list)
    """Those made until the point, and that one."""
    _count: Counter[str] = field(default_factory=Counter)
    _lock: Lock = field(default_factory=Lock)

    def make(self, name: str) -> Fault | None:
        """Count a call; return what becomes of it, if it is the one."""
        with self._lock:
            self.made.append(name)
            self._count[name] += 1
            if self.point is None or (name, self._count[name]) != self.point[:2]:
                return None
            self.until_point = list(self.made)
            return self.point.fault


class Proxy:
    """Passes each request on to one server, for as long as the `with`."""

    def __init__(self, upstream_url: str) -> None:
        parts = urlsplit(upstream_url)
        self.calls = Calls()
        """Settable between two invocations."""
        self.closing = Event()
        self.upstream = (parts.hostname, parts.port)
        self._server = _Server(self)
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}"
        self._thread = Thread(target=self._server.serve_forever, args=(0.01,), daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        """End when what is on its way has arrived; the function must be gone by then."""
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
        """Say nothing of a function that went away."""
        if not isinstance(sys.exception(), OSError):
            super().handle_error(request, client_address)


class _Connection(StreamRequestHandler):
    disable_nagle_algorithm = True
    server: _Server

    def handle(self) -> None:
        with socket.create_connection(self.server.proxy.upstream) as upstream:
            upstream.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            with upstream.makefile("rb") as replies:
                alive = True
                while alive and (request := read(self.rfile)):
                    alive = self._pass_on(request, upstream, replies)

    def _pass_on(self, request: Message, upstream: socket.socket, replies: BufferedIOBase) -> bool:
        """Let a call become what its point says; say whether the connection lives on."""
        fault = self.server.proxy.calls.make(name_of(request))
        if fault in (Fault.KILLED_BEFORE, Fault.RESET_BEFORE):
            self._spoil(fault, request)
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
        self._spoil(fault, reply)
        return False

    def _spoil(self, fault: Fault, message: Message) -> None:
        match fault:
            case Fault.KILLED_BEFORE | Fault.KILLED_AFTER:
                self.server.proxy.calls.kill()
            case Fault.RESET_BEFORE | Fault.RESET_AFTER:
                self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _BY_RESET)
                # Here and now: the server would say goodbye first.
                self.rfile.close()
                self.connection.close()
            case Fault.CUT:
                self.connection.sendall(message.head + message.body[: len(message.body) // 2])
            case Fault.CUT_HEAD:
                self.connection.sendall(message.head[: len(message.head) // 2])
            case Fault.LATE:
                self.server.proxy.closing.wait(LATE_SECONDS)
            case Fault.TWICE:
                raise AssertionError("Nothing is spoilt.")


def read(stream: BufferedIOBase) -> Message | None:
    """Read a request or a reply; None where the other side has closed, be it in its middle.

    Raises:
        ValueError: its length is not told, which none of these servers does.
    """
    lines = []
    while (line := stream.readline()) not in (b"\r\n", b""):
        lines.append(line)
    if not line:
        return None
    head = b"".join([*lines, line])
    if _NO_LENGTH.search(head):
        raise ValueError("a message in chunks")
    length = _LENGTH.search(head)
    length_bytes = int(length[1]) if length else 0
    body = stream.read(length_bytes)
    # Half a request of a killed process: its server would wait for the rest.
    return Message(head, body) if len(body) == length_bytes else None


def name_of(request: Message) -> str:
    """Name a call as its server does, such as `Query LedgerTable` or `GET …/tracking/opens`."""
    target, action = _TARGET.search(request.head), _ACTION.search(request.body)
    if target:
        table = _TABLE.search(request.body)
        return (target[1] + (b" " + table[0] if table else b"")).decode()
    if action:
        return (action[1] or action[2]).decode()
    method, path, _ = request.head.decode("latin-1").split(" ", 2)
    return f"{method} …/{'/'.join(urlsplit(path).path.split('/')[-2:])}"

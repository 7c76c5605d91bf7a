"""The vendor's adapters over real sockets, with a clock whose sleeps take no time."""

import re
import socket
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import chain, repeat
from typing import Any

from constant_contact_emulator import Behaviour, Emulator, Fault, Kind, Limits
from email_opens.account import Tokens
from email_opens.adapters.vendor.access.tokens import TokenSource
from email_opens.adapters.vendor.api import VendorApi
from email_opens.adapters.vendor.report import ConstantContactReport
from email_opens.adapters.vendor.session import Session
from email_opens.adapters.vendor.transport import Pace
from email_opens.allowance.budget import Budget
from email_opens.allowance.outage import Outage
from email_opens.errors import AccountDisconnected
from email_opens.instants import utc
from email_opens.model import Page
from tests.fakes import FakeClock

OPENS = "/tracking/opens"
"""A part of the report's path."""
ACTIVITY = "5b1e0a52-0000-4000-8000-0000000000aa"


class Held:
    """The credentials of one account, and every pair that was stored."""

    def __init__(self, tokens: Tokens | None) -> None:
        self.tokens = tokens
        self.stored: list[Tokens] = []
        self.loads = 0
        self.on_rewrite: Callable[[], None] = lambda: None
        self.on_store: Callable[[], None] = lambda: None

    def load(self, account_id: str) -> Tokens:
        self.loads += 1
        if self.tokens is None:
            raise AccountDisconnected(f"Account “{account_id}” has no credentials.")
        return self.tokens

    def rewrite(self, account_id: str) -> Tokens:
        self.on_rewrite()
        return self.load(account_id)

    def store(self, account_id: str, tokens: Tokens) -> None:
        del account_id
        self.on_store()
        self.stored.append(tokens)
        self.tokens = tokens


@dataclass
class Vendor:
    """The emulator, an account that is connected to it, and the adapters that use them."""

    emulator: Emulator
    clock: FakeClock
    session: Session
    held: Held
    activity_id: str
    tokens: TokenSource = field(init=False)

    def __post_init__(self) -> None:
        self.tokens = TokenSource(
            "default", self.held, self.session, self.emulator.auth_url, self.clock
        )

    @property
    def before(self) -> datetime:
        return self.clock.now() + timedelta(minutes=1)

    def api(
        self,
        *,
        requests_per_second: int = 4,
        left: int = 1000,
        url: str | None = None,
        outage: Outage | None = None,
        pace: Pace | None = None,
    ) -> VendorApi:
        """Return a connection to the emulator, or to another server at `url`."""
        return VendorApi(
            self.session,
            url or self.emulator.url,
            self.tokens,
            self.clock,
            requests_per_second=requests_per_second,
            budget=Budget(left, outage=outage),
            pace=pace,
        )

    def report(self, *, requests_per_second: int = 4, left: int = 1000) -> ConstantContactReport:
        return ConstantContactReport(self.api(requests_per_second=requests_per_second, left=left))

    def read(
        self,
        report: ConstantContactReport | None = None,
        *,
        link: str | None = None,
        rows: int = 500,
    ) -> Page:
        return (report or self.report()).read(
            self.activity_id, link=link, rows=rows, before=self.before
        )

    def add_opens(self, count: int) -> None:
        for number in range(count):
            self.emulator.world.add_open(self.activity_id, number)

    def statuses(self, path: str) -> list[int]:
        """Return the statuses of the replies to requests for a path."""
        return [request.status for request in self.emulator.requests if path in request.path]


@contextmanager
def serving(
    *, secret: str | None = None, behaviour: Behaviour | None = None, rotating: bool = True
) -> Iterator[Vendor]:
    clock = FakeClock()
    with (
        Emulator(
            clock=clock.now, behaviour=behaviour, rotating=rotating, limits=Limits()
        ) as emulator,
        Session() as session,
    ):
        campaign = emulator.world.add_campaign(activity_id=ACTIVITY)
        emulator.world.send(campaign.activity_id)
        connected = emulator.credentials(**({"client_secret": secret} if secret else {}))
        held = Held(
            Tokens(
                client_id=connected["client_id"],
                client_secret=connected.get("client_secret"),
                refresh_token=connected["refresh_token"],
                access_token=connected["access_token"],
                expires_at=utc(connected["expires_at"]),
            )
        )
        yield Vendor(emulator, clock, session, held, campaign.activity_id)


def fault(vendor: Vendor, kind: Kind, **details: Any) -> Fault:
    """Let requests for the report fail."""
    return vendor.emulator.faults.add(kind, path=OPENS, **details)


def refreshed(vendor: Vendor) -> str:
    """Discard the stored token as if it were refused, and return the next one."""
    vendor.tokens.access_token(vendor.before)
    vendor.tokens.discard()
    return vendor.tokens.access_token(vendor.before)


class Stub:
    """A server that answers each request with the next raw reply, and repeats the last."""

    def __init__(self, *replies: Iterable[bytes], between: Callable[[], None]) -> None:
        self._replies = list(replies)
        self._between = between
        self._closing = False
        self.requests: list[bytes] = []
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self._listener.getsockname()[1]}"
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._thread.start()

    def answer(self, *replies: Iterable[bytes]) -> None:
        """Answer with these replies from now on."""
        self._replies = list(replies)

    def close(self) -> None:
        self._closing = True
        with socket.create_connection(self._listener.getsockname()):
            self._replies.clear()
        self._thread.join()
        self._listener.close()

    def _secured(self, connection: socket.socket) -> socket.socket:
        """Return what a connection is read and written through."""
        return connection

    def _serve(self) -> None:
        while True:
            accepted, _ = self._listener.accept()
            accepted.settimeout(5)
            if self._closing:
                accepted.close()
                return
            try:
                connection = self._secured(accepted)
            except OSError:  # the client does not trust the server
                accepted.close()
                continue
            with connection:
                request = _received(connection)
                if not request or not self._replies:
                    return
                self.requests.append(request)
                reply = self._replies.pop(0) if len(self._replies) > 1 else self._replies[0]
                try:
                    for part in reply:
                        if self._closing:
                            return
                        connection.sendall(part)
                        self._between()
                except OSError:  # the client closed the connection
                    continue


def _received(connection: socket.socket) -> bytes:
    """Return a request with its whole body, which may come after its headers."""
    request = connection.recv(65_536)
    head, _, body = request.partition(b"\r\n\r\n")
    length = re.search(rb"(?i)\r\ncontent-length: (\d+)", head)
    missing = int(length[1]) - len(body) if length else 0
    while missing > 0 and (more := connection.recv(missing)):
        request += more
        missing -= len(more)
    return request


@dataclass(frozen=True, slots=True)
class Drip:
    """A reply that never ends: `head`, and then one drop after the other."""

    head: bytes
    drop: bytes

    def __iter__(self) -> Iterator[bytes]:
        return chain([self.head], repeat(self.drop))


@contextmanager
def stub(*replies: Iterable[bytes], between: Callable[[], None] = lambda: None) -> Iterator[Stub]:
    server = Stub(*replies, between=between)
    try:
        yield server
    finally:
        server.close()


@contextmanager
def unaccepted() -> Iterator[str]:
    """Return the address of a server that accepts no connection, and refuses none."""
    with ExitStack() as sockets:
        listener = sockets.enter_context(socket.create_server(("127.0.0.1", 0), backlog=0))
        for _ in range(4):
            waiting = sockets.enter_context(socket.socket())
            waiting.setblocking(False)
            waiting.connect_ex(listener.getsockname())
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"


def raw(status: int, body: bytes = b"", *headers: str) -> list[bytes]:
    """Return a complete reply after which the connection is closed."""
    head = [f"HTTP/1.1 {status} X", f"Content-Length: {len(body)}", "Connection: close", *headers]
    return ["\r\n".join([*head, "", ""]).encode() + body]


def pause() -> None:
    """Let a few milliseconds pass between two parts of a reply.

    The client must receive the parts one by one; the server gets no notice of that.
    """
    time.sleep(0.01)  # The client gives no notice of what it has received.


def read_stub(vendor: Vendor, server: Stub, *, minutes: int = 1) -> Page:
    """Read a page from a stub, with a token of the emulator."""
    report = ConstantContactReport(vendor.api(url=server.url))
    before = vendor.clock.now() + timedelta(minutes=minutes)
    return report.read(ACTIVITY, link=None, rows=500, before=before)

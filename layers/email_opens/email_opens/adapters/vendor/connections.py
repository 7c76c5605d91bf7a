"""Connections whose every wait ends at one deadline, through a proxy too.

The time-outs of `requests` limit each silence: a server that sends a byte a second keeps a request
waiting for ever, in the status line or in any other part of its reply. Here every wait ends at one
deadline: for the host's name, the connection, the proxy's tunnel, TLS and each part of the reply,
body included.
"""

import io
import re
import socket
import time
from collections.abc import Callable, Iterable
from concurrent.futures import Future
from functools import partial
from http.client import HTTPResponse as RawResponse
from threading import Thread
from typing import Any

from urllib3 import HTTPConnectionPool, HTTPSConnectionPool
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.exceptions import ConnectTimeoutError
from urllib3.util.connection import allowed_gai_family, create_connection

CONNECT_SECONDS = 3.0
"""The limit on connecting to one address of a host, and on the TLS handshake."""

_REFUSED = re.compile(r"Tunnel connection failed: (\d{3})")
"""How `http.client` words a proxy's refusal."""


class Unconnected(OSError):
    """No connection could be made, so nothing was sent."""


class TunnelRefused(OSError):
    """The proxy has answered the request for a tunnel with another status than 200."""

    def __init__(self, status: int) -> None:
        super().__init__()
        self.status = status


def in_background[Result](work: Callable[[], Result], seconds: float) -> Result:
    """Return the result of work that cannot be interrupted, or stop waiting after `seconds`.

    Work that takes longer continues in a thread that does not keep the process from ending.

    Raises:
        TimeoutError: the work took longer.
        BaseException: what the work raised.
    """
    future = Future[Result]()

    def run() -> None:
        try:
            future.set_result(work())
        except BaseException as error:  # noqa: BLE001 - it is raised in the caller's thread
            future.set_exception(error)

    Thread(target=run, daemon=True).start()
    return future.result(timeout=seconds)


def _left(deadline: float) -> float:
    """Return the seconds until a deadline of the monotonic clock.

    Raises:
        TimeoutError: none are left.
    """
    seconds = deadline - time.monotonic()
    if seconds <= 0:
        raise TimeoutError
    return seconds


class _Arrivals(io.RawIOBase):
    """A stream of what a socket receives until a deadline."""

    def __init__(self, sock: socket.socket, deadline: float) -> None:
        self._socket = sock
        self._raw = sock.makefile("rb", buffering=0)
        self._deadline = deadline

    def makefile(self, _mode: str) -> io.BufferedReader:
        """Return a reader; `http.client` calls this method of a socket."""
        return io.BufferedReader(self)

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int | None:
        self._socket.settimeout(_left(self._deadline))
        return self._raw.readinto(buffer)

    def close(self) -> None:
        self._raw.close()
        super().close()


def _response(deadline: float, sock: socket.socket, **options: Any) -> RawResponse:
    arrivals: Any = _Arrivals(sock, deadline)
    return RawResponse(arrivals, **options)


class _Connection(HTTPConnection):
    """A connection whose `timeout` is the time left of the exchange, as urllib3 sets it."""

    def _new_conn(self) -> socket.socket:
        self._deadline = time.monotonic() + self._seconds
        try:
            return self._connected(self._addresses(), self._deadline)
        except TimeoutError as error:
            raise ConnectTimeoutError from error
        except (OSError, UnicodeError) as error:  # A name may be no host's.
            raise Unconnected from error

    def getresponse(self) -> Any:
        self.response_class: Any = partial(_response, time.monotonic() + self._seconds)
        return super().getresponse()

    @property
    def _seconds(self) -> float:
        if not isinstance(self.timeout, int | float):
            raise TypeError("A request of this session needs a timeout.")
        return self.timeout

    def _addresses(self) -> Iterable[str]:
        look_up = partial(
            socket.getaddrinfo,
            self._dns_host,
            self.port,
            allowed_gai_family(),
            socket.SOCK_STREAM,
        )
        return [str(found[4][0]) for found in in_background(look_up, self._seconds)]

    def _connected(self, addresses: Iterable[str], deadline: float) -> socket.socket:
        """Return a socket that is connected to the first address that answers."""
        failure = OSError()
        for address in addresses:
            seconds = min(CONNECT_SECONDS, _left(deadline))
            try:
                sock = create_connection(
                    (address, self.port), seconds, socket_options=self.socket_options
                )
            except OSError as error:
                failure = error
            else:
                # The limit on the TLS handshake, if there is one.
                sock.settimeout(min(CONNECT_SECONDS, _left(deadline)))
                return sock
        raise failure


class _SecureConnection(_Connection, HTTPSConnection):
    """The same over TLS, and through the tunnel of a proxy if there is one."""

    def _tunnel(self) -> None:
        self.response_class = partial(_response, self._deadline)
        try:
            super()._tunnel()
        except OSError as error:
            refused = _REFUSED.match(str(error))
            if refused is None:
                raise
            raise TunnelRefused(int(refused[1])) from None
        # The limit on the TLS handshake, since the proxy's reply was read until the deadline.
        self.sock.settimeout(min(CONNECT_SECONDS, _left(self._deadline)))


class _Pool(HTTPConnectionPool):
    ConnectionCls = _Connection


class _SecurePool(HTTPSConnectionPool):
    ConnectionCls = _SecureConnection


POOLS = {"http": _Pool, "https": _SecurePool}
"""The pools of these connections by the scheme of the address."""

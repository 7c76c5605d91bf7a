"""One exchange: it ends by its deadline, whatever the server sends or leaves unsent."""

import gzip
import os
import signal
import socket
import threading
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest

from email_opens.adapters.clock import SystemClock
from email_opens.adapters.vendor.connections import in_background
from email_opens.adapters.vendor.http import exchange
from email_opens.adapters.vendor.replies.reply import Reply, Unanswered
from email_opens.adapters.vendor.session import Session
from email_opens.ports import Clock
from tests.fakes import FakeClock
from tests.unit.adapters.vendor.sockets import Drip, pause, raw, stub, unaccepted

SECONDS = 0.15
MOST_BYTES = 1_000_000
WATCHDOG_SECONDS = 5
OK = b"HTTP/1.1 200 OK\r\n"
CHUNKED = OK + b"Transfer-Encoding: chunked\r\n\r\n"
ZIPPED = OK + b"Content-Encoding: gzip\r\nContent-Length: 100000\r\n\r\n"
SILENCE = Drip(b"", b"")
DRIPS = {
    "silence": SILENCE,
    "status line": Drip(b"HTTP/1.1 200 ", b"O"),
    "header": Drip(OK + b"X-Header: ", b"a"),
    "headers": Drip(OK, b"X-Header: a\r\n"),
    "100 Continue": Drip(b"", b"HTTP/1.1 100 Continue\r\n\r\n"),
    "header of 100 Continue": Drip(b"HTTP/1.1 100 Continue\r\n", b"X-Header: a\r\n"),
    "chunk size": Drip(CHUNKED, b"0"),
    "chunk extension": Drip(CHUNKED + b"5;extension=", b"a"),
    "chunks": Drip(CHUNKED, b"1\r\n \r\n"),
    "trailer": Drip(CHUNKED + b"2\r\n{}\r\n0\r\n", b"X-Trailer: a\r\n"),
    "gzip file name": Drip(ZIPPED + b"\x1f\x8b\x08\x08" + bytes(6), b"n"),
    "empty gzip members": Drip(ZIPPED, gzip.compress(b"")),
    "body": Drip(OK + b"Content-Length: 100000\r\n\r\n", b" "),
    "body of unknown length": Drip(OK + b"\r\n", b" "),
}
HANDSHAKES = {"silence": SILENCE, "server hello": Drip(b"\x16\x03\x03\x40\x00", b"\x02")}


class Interruption(Exception):
    """What the signal handler of a test raises."""


@pytest.fixture
def session() -> Iterator[Session]:
    with Session() as session:
        yield session


def get(
    session: Session, url: str, seconds: float = SECONDS, *, clock: Clock | None = None
) -> Reply:
    clock = clock or SystemClock()
    return exchange(
        session,
        "GET",
        url,
        headers={"Authorization": "Bearer secret"},
        clock=clock,
        before=clock.now() + timedelta(seconds=seconds),
        most_bytes=MOST_BYTES,
    )


def fault(session: Session, url: str) -> Unanswered:
    """Return the error of an exchange; fail, instead of waiting for ever, if it does not end."""
    faults: list[Unanswered] = []

    def run() -> None:
        try:
            get(session, url)
        except Unanswered as error:
            faults.append(error)

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    thread.join(WATCHDOG_SECONDS)
    assert not thread.is_alive(), "The exchange goes on after its deadline."
    (error,) = faults
    return error


def blocked(*_: Any, **__: Any) -> Any:
    """Look up a name for longer than any test takes."""
    threading.Event().wait()


class TestAnExchangeEndsByItsDeadline:
    @pytest.mark.parametrize("drip", DRIPS.values(), ids=DRIPS)
    def test_whatever_part_of_the_reply_drips(self, session: Session, drip: Drip) -> None:
        with stub(drip, between=pause) as server:
            assert fault(session, server.url).timed_out

    @pytest.mark.parametrize("drip", HANDSHAKES.values(), ids=HANDSHAKES)
    def test_while_tls_is_negotiated(self, session: Session, drip: Drip) -> None:
        with stub(drip, between=pause) as server:
            assert fault(session, server.url.replace("http:", "https:")).timed_out

    def test_while_it_connects(self, session: Session) -> None:
        with unaccepted() as address:
            assert fault(session, address).timed_out

    def test_while_the_host_is_looked_up(
        self, session: Session, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(socket, "getaddrinfo", blocked)
        assert fault(session, "http://vendor.example").timed_out

    def test_and_its_error_holds_no_token(self, session: Session) -> None:
        with stub(DRIPS["body"], between=pause) as server:
            error = fault(session, server.url)
        assert str(error) == "the request timed out"
        assert error.__context__ is error.__cause__ is None


class TestAfterATimeOut:
    def test_the_session_makes_a_new_connection(self, session: Session) -> None:
        with stub(DRIPS["chunks"], raw(200, b"{}"), between=pause) as server:
            assert fault(session, server.url).timed_out
            assert get(session, server.url, WATCHDOG_SECONDS).body == b"{}"

    @pytest.mark.parametrize("drip", DRIPS.values(), ids=DRIPS)
    def test_no_thread_is_left(self, session: Session, drip: Drip) -> None:
        with stub(drip, between=pause) as server:
            threads = set(threading.enumerate())
            fault(session, server.url)
            assert set(threading.enumerate()) <= threads


def test_a_reply_that_is_complete_in_time_is_returned_however_slowly_it_came(
    session: Session,
) -> None:
    parts = [bytes([byte]) for byte in CHUNKED + b"2;a=b\r\n{}\r\n0\r\nX-Trailer: a\r\n\r\n"]
    with stub(parts, between=lambda: None) as server:
        assert get(session, server.url, WATCHDOG_SECONDS).body == b"{}"


def test_a_reply_may_be_as_large_as_its_limit_and_no_larger(session: Session) -> None:
    with stub(raw(200, b" " * MOST_BYTES), raw(200, b" " * (MOST_BYTES + 1))) as server:
        assert len(get(session, server.url, WATCHDOG_SECONDS).body) == MOST_BYTES
        with pytest.raises(Unanswered, match=r"^the reply is too large$"):
            get(session, server.url, WATCHDOG_SECONDS)


def test_a_request_names_its_sender_and_asks_for_json(session: Session) -> None:
    with stub(raw(200)) as server:
        get(session, server.url, WATCHDOG_SECONDS)
    lines = server.requests[0].split(b"\r\n")
    assert {b"Accept: application/json", b"User-Agent: email-opens"} < set(lines)


@pytest.mark.parametrize("seconds", [0, -1])
def test_no_request_is_sent_from_the_deadline_on(session: Session, seconds: int) -> None:
    with stub(raw(200)) as server:
        with pytest.raises(Unanswered) as caught:
            get(session, server.url, seconds, clock=FakeClock())
        assert caught.value.timed_out
        assert server.requests == []


def test_a_failed_connection_does_not_count_as_a_time_out(session: Session) -> None:
    assert not fault(session, "http://127.0.0.1:9").timed_out


def test_a_host_without_an_address_does_not_count_as_a_time_out(
    session: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    def unknown(*_: Any, **__: Any) -> Any:
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", unknown)
    error = fault(session, "http://vendor.example")
    remedy = "check the network, or HTTPS_PROXY if it needs a proxy"
    assert (str(error), error.timed_out) == (f"the connection failed ({remedy})", False)


def test_the_next_address_of_a_host_is_tried_if_the_first_refuses(
    session: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    with stub(raw(200, b"{}")) as server:
        port = int(server.url.rpartition(":")[2])
        look_up, asked = socket.getaddrinfo, list[Any]()

        def two_addresses(host: str, port: int, family: int, kind: int) -> Any:
            asked.append((host, port, kind))
            hosts = ["127.0.0.2", "127.0.0.1"] if host == "vendor.example" else [host]
            return [found for each in hosts for found in look_up(each, port, family, kind)]

        monkeypatch.setattr(socket, "getaddrinfo", two_addresses)
        assert get(session, f"http://vendor.example:{port}", WATCHDOG_SECONDS).body == b"{}"
    assert asked[0] == ("vendor.example", port, socket.SOCK_STREAM)


class TestASignalInterruptsAnExchange:
    @pytest.fixture(autouse=True)
    def signalled(self) -> Iterator[None]:
        """Let a signal come while the exchange waits."""

        def interrupt(*_: object) -> None:
            raise Interruption

        former = signal.signal(signal.SIGUSR1, interrupt)
        timer = threading.Timer(SECONDS, os.kill, (os.getpid(), signal.SIGUSR1))
        timer.start()
        yield
        timer.join()
        signal.signal(signal.SIGUSR1, former)

    def test_that_waits_for_a_reply(self, session: Session) -> None:
        with stub(SILENCE, between=pause) as server, pytest.raises(Interruption):
            get(session, server.url, WATCHDOG_SECONDS)

    def test_that_waits_for_an_address(
        self, session: Session, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(socket, "getaddrinfo", blocked)
        with pytest.raises(Interruption):
            get(session, "http://vendor.example", WATCHDOG_SECONDS)


class TestWorkInTheBackground:
    def test_hands_over_its_result(self) -> None:
        assert in_background(lambda: 7, WATCHDOG_SECONDS) == 7

    @pytest.mark.parametrize("error", [OSError, KeyboardInterrupt, SystemExit])
    def test_hands_over_its_error(self, error: type[BaseException]) -> None:
        def fail() -> None:
            raise error

        with pytest.raises(error):
            in_background(fail, WATCHDOG_SECONDS)

    def test_does_not_keep_the_process_from_ending(self) -> None:
        threads = set(threading.enumerate())
        with pytest.raises(TimeoutError):
            in_background(blocked, 0.01)
        (left,) = set(threading.enumerate()) - threads
        assert left.daemon

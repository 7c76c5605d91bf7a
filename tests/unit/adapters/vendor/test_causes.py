"""The errors of failed requests: alone, since an error of `requests` holds the token it sent."""

from collections.abc import Callable, Iterable, Iterator
from datetime import timedelta

import pytest

from email_opens.adapters.clock import SystemClock
from email_opens.adapters.vendor.http import exchange
from email_opens.adapters.vendor.replies.counters import decode_counters
from email_opens.adapters.vendor.replies.reply import Unanswered
from email_opens.adapters.vendor.replies.rows import decode
from email_opens.adapters.vendor.session import Session
from email_opens.errors import EmailOpensError
from tests.contract.samples import NOON
from tests.unit.adapters.vendor.sockets import (
    ACTIVITY,
    Drip,
    Vendor,
    pause,
    raw,
    read_stub,
    serving,
    stub,
)

CLOSED = "http://127.0.0.1:9"
OK = b"HTTP/1.1 200 OK\r\n"
FAULTS: dict[str, Iterable[bytes]] = {
    "no reply": [b""],
    "no HTTP": [b"SSH-2.0-OpenSSH\r\n\r\n"],
    "a cut body": [OK + b"Content-Length: 100\r\n\r\n{"],
    "a cut chunk": [OK + b"Transfer-Encoding: chunked\r\n\r\n10\r\n{"],
    "no chunk size": [OK + b"Transfer-Encoding: chunked\r\n\r\nx\r\n"],
    "no gzip": [*raw(200, b"{}", "Content-Encoding: gzip")],
    "too large a body": [*raw(200, bytes(2000))],
    "a reply that is no JSON": [*raw(200, b"Bearer secret")],
    "a redirect": [*raw(302, b"", "Location: http://127.0.0.1:9/")],
}


@pytest.fixture
def session() -> Iterator[Session]:
    with Session() as session:
        yield session


@pytest.fixture
def vendor() -> Iterator[Vendor]:
    with serving() as vendor:
        yield vendor


def chained(work: Callable[[], object]) -> list[BaseException]:
    """Return the error that work raises, and all that a traceback or a log would show with it."""
    errors: list[BaseException] = []
    try:
        work()
    except Exception as caught:  # noqa: BLE001 - the test checks every error
        error: BaseException | None = caught
        while error:
            errors.append(error)
            error = error.__cause__ or error.__context__
    return errors


def request(session: Session, url: str, seconds: float = 5) -> None:
    clock = SystemClock()
    exchange(
        session,
        "GET",
        url,
        headers={"Authorization": "Bearer secret"},
        clock=clock,
        before=clock.now() + timedelta(seconds=seconds),
        most_bytes=1000,
    )


@pytest.mark.parametrize(
    "fault", [name for name in FAULTS if name not in ("a reply that is no JSON", "a redirect")]
)
def test_the_error_of_an_exchange_has_no_cause(session: Session, fault: str) -> None:
    with stub(FAULTS[fault]) as server:
        (error,) = chained(lambda: request(session, server.url))
    assert isinstance(error, Unanswered)


def test_the_error_of_a_refused_connection_has_no_cause(session: Session) -> None:
    (error,) = chained(lambda: request(session, CLOSED))
    assert isinstance(error, Unanswered)


def test_the_error_of_an_exchange_that_times_out_has_no_cause(session: Session) -> None:
    with stub(Drip(OK, b"X-Header: a\r\n"), between=pause) as server:
        (error,) = chained(lambda: request(session, server.url, seconds=0.05))
    assert isinstance(error, Unanswered)
    assert error.timed_out


@pytest.mark.parametrize("fault", FAULTS)
def test_the_error_of_a_read_is_about_the_product_alone(vendor: Vendor, fault: str) -> None:
    with stub(FAULTS[fault]) as server:
        errors = chained(lambda: read_stub(vendor, server))
    assert errors
    assert [error for error in errors if not isinstance(error, EmailOpensError | Unanswered)] == []


@pytest.mark.parametrize(
    "decoded",
    [lambda body: decode(body, ACTIVITY), lambda body: decode_counters(body, NOON)],
    ids=["a page", "counters"],
)
@pytest.mark.parametrize("body", [b"ann@example.org", b'"\xff"', b"[" * 20_000])
def test_the_error_of_a_decoder_has_no_cause(
    decoded: Callable[[bytes], object], body: bytes
) -> None:
    """The error of a decoder of JSON holds the document."""
    (error,) = chained(lambda: decoded(body))
    assert isinstance(error, ValueError)
    assert not hasattr(error, "doc")

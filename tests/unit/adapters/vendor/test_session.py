"""The network of a session: its proxy, its certificates, and what it never reads."""

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from email_opens.adapters.vendor.session import Session
from email_opens.config.network import Network
from email_opens.errors import AccountStopped, InvalidSettings
from tests.unit.adapters.vendor.secure_servers import (
    HOST,
    Authority,
    SecureStub,
    make_authority,
    proxy,
    secure_stub,
)
from tests.unit.adapters.vendor.sockets import Drip, pause, raw, stub, unaccepted
from tests.unit.adapters.vendor.test_http import (
    DRIPS,
    HANDSHAKES,
    WATCHDOG_SECONDS,
    fault,
    get,
)

TOKEN = b"Bearer secret"
EXPIRED = r"\(certificate has expired\): check the clock of this machine\.$"
ANSWERS = {
    "silence": Drip(b"", b""),
    "status line": Drip(b"HTTP/1.1 200 ", b"O"),
    "headers": Drip(b"HTTP/1.1 200 OK\r\n", b"X-Header: a\r\n"),
}


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return make_authority(tmp_path_factory.mktemp("authority"))


@pytest.fixture
def server(authority: Authority) -> Iterator[SecureStub]:
    with secure_stub(authority, raw(200, b"{}")) as server:
        yield server


def network(
    authority: Authority | None = None, address: str | None = None, not_proxied: str = ""
) -> Network:
    certificates = None if authority is None else str(authority.certificates)
    return Network(proxy=address, not_proxied=not_proxied, certificates=certificates)


def url(host: str = HOST) -> str:
    """Return an address whose host has no meaning but to a proxy."""
    return f"https://{host}:8443/v3"


class TestThroughAProxy:
    def test_a_request_reaches_the_host_in_a_tunnel(
        self, authority: Authority, server: SecureStub
    ) -> None:
        with (
            proxy(server.port) as tunnel,
            Session(network(authority, tunnel.address)) as session,
        ):
            assert get(session, url(), WATCHDOG_SECONDS).body == b"{}"
        (request,) = tunnel.requests
        assert request.startswith(b"CONNECT vendor.example:8443 HTTP/1.")
        assert TOKEN not in request
        assert TOKEN in server.requests[0]

    def test_only_the_proxy_receives_its_password(
        self, authority: Authority, server: SecureStub
    ) -> None:
        with proxy(server.port) as tunnel:
            address = tunnel.address.replace("://", "://user:pass@")
            with Session(network(authority, address)) as session:
                get(session, url(), WATCHDOG_SECONDS)
        assert b"Proxy-Authorization: Basic dXNlcjpwYXNz" in tunnel.requests[0]
        assert b"Proxy-Authorization" not in server.requests[0]

    def test_an_exchange_ends_by_its_deadline_while_it_connects_to_the_proxy(self) -> None:
        with unaccepted() as address, Session(network(None, address)) as session:
            assert fault(session, url()).timed_out

    @pytest.mark.parametrize("answer", ANSWERS.values(), ids=ANSWERS)
    def test_an_exchange_ends_by_its_deadline_while_the_proxy_answers(
        self, authority: Authority, server: SecureStub, answer: Drip
    ) -> None:
        with (
            proxy(server.port, answer, between=pause) as tunnel,
            Session(network(authority, tunnel.address)) as session,
        ):
            assert fault(session, url()).timed_out

    @pytest.mark.parametrize("drip", HANDSHAKES.values(), ids=HANDSHAKES)
    def test_an_exchange_ends_by_its_deadline_while_tls_is_negotiated(self, drip: Drip) -> None:
        with (
            stub(drip, between=pause) as server,
            proxy(int(server.url.rpartition(":")[2])) as tunnel,
            Session(network(None, tunnel.address)) as session,
        ):
            assert fault(session, url()).timed_out

    @pytest.mark.parametrize("part", ["headers", "body"])
    def test_an_exchange_ends_by_its_deadline_while_the_host_answers(
        self, authority: Authority, part: str
    ) -> None:
        with (
            secure_stub(authority, DRIPS[part], between=pause) as server,
            proxy(server.port) as tunnel,
            Session(network(authority, tunnel.address)) as session,
        ):
            assert fault(session, url()).timed_out

    @pytest.mark.parametrize(
        ("status", "remedy"),
        [
            (403, f"allow {HOST} there, or name it in NO_PROXY."),
            (407, "set HTTPS_PROXY to an address with a user and a password it accepts."),
        ],
    )
    def test_a_refusal_names_the_host_and_the_remedy(self, status: int, remedy: str) -> None:
        with (
            proxy(9, raw(status)) as tunnel,
            Session(network(None, tunnel.address.replace("://", "://user:pass@"))) as session,
            pytest.raises(AccountStopped) as refused,
        ):
            get(session, url(), WATCHDOG_SECONDS)
        assert str(refused.value) == (
            f"The proxy does not connect to {HOST} (it answered {status}): {remedy}"
        )
        assert refused.value.__context__ is refused.value.__cause__ is None

    @pytest.mark.parametrize("status", [500, 502])
    def test_a_host_that_the_proxy_cannot_reach_may_be_tried_again(self, status: int) -> None:
        with (
            proxy(9, raw(status)) as tunnel,
            Session(network(None, tunnel.address)) as session,
        ):
            assert str(fault(session, url())) == f"the proxy answered {status}"

    def test_a_proxy_that_does_not_listen_is_named(self) -> None:
        with Session(network(None, "http://127.0.0.1:9")) as session:
            error = fault(session, url())
        message = "the connection to the proxy failed (check HTTPS_PROXY)"
        assert (str(error), error.timed_out) == (message, False)

    def test_hosts_of_no_proxy_are_reached_directly(
        self, authority: Authority, server: SecureStub
    ) -> None:
        with (
            proxy(server.port) as tunnel,
            Session(network(authority, tunnel.address, "other.example,localhost")) as session,
            pytest.raises(AccountStopped, match="certificate of localhost is not trusted"),
        ):
            get(session, server.url.replace("http://127.0.0.1", "https://localhost"))
        assert tunnel.requests == []

    def test_requests_over_http_stay_on_this_machine(self) -> None:
        with (
            stub(raw(200, b"{}")) as server,
            Session(network(None, "http://127.0.0.1:9")) as session,
        ):
            assert get(session, server.url, WATCHDOG_SECONDS).body == b"{}"


class TestCertificates:
    @pytest.fixture
    def untrusted(self, tmp_path: Path) -> Iterator[SecureStub]:
        with secure_stub(make_authority(tmp_path), raw(200)) as server:
            yield server

    def test_of_an_unknown_authority_are_named_and_receive_no_token(
        self, authority: Authority, untrusted: SecureStub
    ) -> None:
        with (
            proxy(untrusted.port) as tunnel,
            Session(network(authority, tunnel.address)) as session,
            pytest.raises(AccountStopped) as refused,
        ):
            get(session, url(), WATCHDOG_SECONDS)
        assert str(refused.value).startswith(f"The certificate of {HOST} is not trusted (")
        assert str(refused.value).endswith(
            "): if your network replaces certificates, set SSL_CERT_FILE to a file with the "
            "certificate of its authority."
        )
        assert refused.value.__context__ is refused.value.__cause__ is None
        assert untrusted.requests == []

    def test_of_another_host_are_named(self, authority: Authority, server: SecureStub) -> None:
        with (
            proxy(server.port) as tunnel,
            Session(network(authority, tunnel.address)) as session,
            pytest.raises(AccountStopped, match=r"not valid for 'other.example'\)\.$"),
        ):
            get(session, url("other.example"), WATCHDOG_SECONDS)
        assert server.requests == []

    def test_that_have_expired_are_named(self, tmp_path: Path) -> None:
        expired = make_authority(tmp_path, valid=timedelta(minutes=-1))
        with (
            secure_stub(expired, raw(200)) as server,
            proxy(server.port) as tunnel,
            Session(network(expired, tunnel.address)) as session,
            pytest.raises(AccountStopped, match=EXPIRED),
        ):
            get(session, url(), WATCHDOG_SECONDS)

    @pytest.mark.parametrize(
        ("content", "problem"),
        [
            (None, "No such file or directory"),
            ("", "it holds no certificate"),
            ("no certificate", "it holds no certificate"),
        ],
    )
    def test_that_cannot_be_read_are_refused_before_a_request(
        self, tmp_path: Path, content: str | None, problem: str
    ) -> None:
        path = tmp_path / "authority.pem"
        if content is not None:
            path.write_text(content)
        with pytest.raises(InvalidSettings) as refused:
            Session(Network(certificates=str(path)))
        assert str(refused.value) == (
            f"The certificates {path} cannot be used ({problem}): set SSL_CERT_FILE or "
            "REQUESTS_CA_BUNDLE to a file of CA certificates in PEM format, or to nothing."
        )


class TestTheEnvironment:
    def test_is_not_read_but_through_the_settings(
        self, monkeypatch: pytest.MonkeyPatch, authority: Authority, server: SecureStub
    ) -> None:
        for name in ("HTTPS_PROXY", "https_proxy", "ALL_PROXY", "HTTP_PROXY"):
            monkeypatch.setenv(name, "http://127.0.0.1:9")
        monkeypatch.setenv("REQUESTS_CA_BUNDLE", "/nowhere")
        with proxy(server.port) as tunnel, Session(network(authority, tunnel.address)) as session:
            assert get(session, url(), WATCHDOG_SECONDS).status == 200

    def test_has_no_netrc_that_replaces_the_token(
        self, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
    ) -> None:
        netrc = tmp_path / "netrc"
        netrc.write_text("machine 127.0.0.1 login someone password else\n")
        monkeypatch.setenv("NETRC", str(netrc))
        with stub(raw(200)) as server, Session() as session:
            get(session, server.url, WATCHDOG_SECONDS)
        assert TOKEN in server.requests[0]

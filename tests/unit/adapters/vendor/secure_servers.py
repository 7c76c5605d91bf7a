"""A server over TLS and a proxy on localhost, with certificates that are made for the tests."""

import socket
import ssl
import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from tests.unit.adapters.vendor.sockets import Stub

HOST = "vendor.example"
"""The name in the certificate of the server."""
ESTABLISHED = b"HTTP/1.1 200 Connection established\r\n\r\n"

CA_USAGE = x509.KeyUsage(
    digital_signature=False,
    content_commitment=False,
    key_encipherment=False,
    data_encipherment=False,
    key_agreement=False,
    key_cert_sign=True,
    crl_sign=False,
    encipher_only=False,
    decipher_only=False,
)


@dataclass(frozen=True, slots=True)
class Authority:
    """A certificate authority, and a certificate for `HOST` that it has signed."""

    certificates: Path
    """The certificate of the authority itself, as SSL_CERT_FILE names it."""
    server: Path
    """The certificate and the key of the server."""


def make_authority(folder: Path, *, valid: timedelta = timedelta(days=1)) -> Authority:
    """Write an authority's files into a folder; `valid` may lie in the past."""
    now = datetime.now(UTC)
    root_key, key = (ec.generate_private_key(ec.SECP256R1()) for _ in range(2))
    root, name = (
        x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, text)])
        for text in ("Authority of the tests", HOST)
    )
    identified = x509.AuthorityKeyIdentifier.from_issuer_public_key(root_key.public_key())
    begins = min(now, now + valid) - timedelta(days=1)

    def signed(
        subject: x509.Name,
        public: ec.EllipticCurvePublicKey,
        extensions: Iterable[x509.ExtensionType],
        ends: datetime,
    ) -> bytes:
        builder = x509.CertificateBuilder(
            root, subject, public, x509.random_serial_number(), begins, ends
        )
        for extension in (*extensions, identified):
            # Python 3.13 refuses a root whose constraints are not critical.
            builder = builder.add_extension(extension, isinstance(extension, x509.BasicConstraints))
        return builder.sign(root_key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM)

    authority = Authority(folder / "authority.pem", folder / "server.pem")
    authority.certificates.write_bytes(
        signed(
            root,
            root_key.public_key(),
            [
                x509.BasicConstraints(ca=True, path_length=None),
                CA_USAGE,
                x509.SubjectKeyIdentifier.from_public_key(root_key.public_key()),
            ],
            now + timedelta(days=1),
        )
    )
    authority.server.write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
        + signed(
            name,
            key.public_key(),
            [x509.SubjectAlternativeName([x509.DNSName(HOST)])],
            now + valid,
        )
    )
    return authority


class Proxy:
    """A proxy that leads every tunnel to one port of this machine, whatever host is asked for.

    It answers with `answer`, or with each part of it, and records all that it receives in clear.
    """

    def __init__(self, port: int, answer: Iterable[bytes], between: Callable[[], None]) -> None:
        self.requests: list[bytes] = []
        self._port = port
        self._answer = answer
        self._between = between
        self._closing = False
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.address = f"http://127.0.0.1:{self._listener.getsockname()[1]}"
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._thread.start()

    def close(self) -> None:
        self._closing = True
        with socket.create_connection(self._listener.getsockname()):
            self._thread.join()
        self._listener.close()

    def _serve(self) -> None:
        while not self._closing:
            client, _ = self._listener.accept()
            with client, suppress(OSError):
                if self._closing:
                    return
                client.settimeout(5)
                request = client.recv(65_536)
                if not request:
                    continue
                self.requests.append(request)
                for part in self._answer:
                    if self._closing:
                        return
                    client.sendall(part)
                    self._between()
                self._forward(client)

    def _forward(self, client: socket.socket) -> None:
        with socket.create_connection(("127.0.0.1", self._port), timeout=5) as server:
            back = threading.Thread(target=_copy, args=(server, client), daemon=True)
            back.start()
            _copy(client, server)
            with suppress(OSError):
                server.shutdown(socket.SHUT_RDWR)
            back.join()


def _copy(source: socket.socket, target: socket.socket) -> None:
    with suppress(OSError):
        while chunk := source.recv(65_536):
            target.sendall(chunk)
    with suppress(OSError):
        target.shutdown(socket.SHUT_WR)


@contextmanager
def proxy(
    port: int,
    answer: Iterable[bytes] = (ESTABLISHED,),
    *,
    between: Callable[[], None] = lambda: None,
) -> Iterator[Proxy]:
    opened = Proxy(port, answer, between)
    try:
        yield opened
    finally:
        opened.close()


class SecureStub(Stub):
    """A `Stub` over TLS."""

    def __init__(
        self, authority: Authority, *replies: Iterable[bytes], between: Callable[[], None]
    ) -> None:
        self._context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self._context.load_cert_chain(authority.server)
        super().__init__(*replies, between=between)

    @property
    def port(self) -> int:
        return int(self.url.rpartition(":")[2])

    def _secured(self, connection: socket.socket) -> socket.socket:
        return self._context.wrap_socket(connection, server_side=True)


@contextmanager
def secure_stub(
    authority: Authority, *replies: Iterable[bytes], between: Callable[[], None] = lambda: None
) -> Iterator[SecureStub]:
    server = SecureStub(authority, *replies, between=between)
    try:
        yield server
    finally:
        server.close()

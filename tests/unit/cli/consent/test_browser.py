"""Consent in a browser on this machine: every redirect, and none."""

import socket
from collections.abc import Iterator
from contextlib import ExitStack
from datetime import timedelta
from threading import Thread, Timer
from urllib.parse import parse_qs, urlsplit

import pytest
import requests

from email_opens.account import Tokens
from email_opens.errors import AccountDisconnected, AccountStopped, InvalidInput
from email_opens_cli.consent import browser as code_flow
from email_opens_cli.consent.application import SCOPES, Application
from tests.integration.secrets_in_output import APP_SECRET
from tests.unit.cli.consent.consents import Portal, portal


@pytest.fixture
def at() -> Iterator[Portal]:
    with portal(APP_SECRET) as opened:
        yield opened


class Browser:
    """Visits addresses one after another, in another thread than the program that waits."""

    def __init__(self) -> None:
        self.strays: list[str] = []
        """Paths of the listener that are visited before the address for consent."""
        self.statuses: list[int] = []
        self.query: dict[str, list[str]] = {}
        self._visits = Thread()

    def show(self, address: str, redirect: str) -> None:
        self.query = parse_qs(urlsplit(address).query)
        origin = redirect.removesuffix(code_flow.PATH)
        addresses = [*(origin + stray for stray in self.strays), address]
        self._visits = Thread(target=self._visit, args=(addresses,), daemon=True)
        self._visits.start()

    def close(self) -> None:
        self._visits.join()

    def _visit(self, addresses: list[str]) -> None:
        with requests.Session() as session:
            session.trust_env = False
            for address in addresses:
                self.statuses.append(session.get(address, timeout=5).status_code)


def connect(at: Portal, browser: Browser, application: Application | None = None) -> Tokens:
    with ExitStack() as stack:
        stack.callback(browser.close)
        return code_flow.consent(
            at.server, application or at.application, port=0, show=browser.show
        )


def test_consent_gives_tokens_with_every_scope(at: Portal) -> None:
    assert at.scope(connect(at, Browser())) == SCOPES


def test_the_secret_is_returned_with_the_tokens(at: Portal) -> None:
    assert connect(at, Browser()).client_secret == APP_SECRET


def test_each_request_has_a_state_and_a_challenge_of_its_own(at: Portal) -> None:
    first, second = Browser(), Browser()
    connect(at, first)
    connect(at, second)
    for name in ("state", "code_challenge"):
        assert first.query[name] != second.query[name]


def test_the_secret_is_not_in_the_address(at: Portal) -> None:
    browser = Browser()
    connect(at, browser)
    assert APP_SECRET not in str(browser.query)


@pytest.mark.parametrize(
    ("stray", "status"),
    [
        ("/favicon.ico", 404),
        ("/connected?code=another", 400),
        ("/connected?code=another&state=guessed", 400),
        ("/connected?error=access_denied&state=%C3%A9", 400),
    ],
)
def test_a_stray_request_is_refused_and_the_wait_goes_on(
    at: Portal, stray: str, status: int
) -> None:
    browser = Browser()
    browser.strays = [stray]
    tokens = connect(at, browser)
    assert (browser.statuses, at.scope(tokens)) == ([status, 200], SCOPES)


@pytest.fixture
def connections(monkeypatch: pytest.MonkeyPatch) -> Iterator[ExitStack]:
    """Connections that the listener would hold for an hour; they are closed afterwards."""
    monkeypatch.setattr(code_flow, "_REQUEST_SECONDS", 3600)
    with ExitStack() as opened:
        yield opened


def connection(redirect: str) -> socket.socket:
    parts = urlsplit(redirect)
    return socket.create_connection((parts.hostname or "", parts.port or 0), timeout=30)


@pytest.mark.parametrize("sent", [b"", b"GET /connected?code=a HTTP/1.1\r\nHost: x"])
def test_a_slow_connection_does_not_delay_the_redirect(
    at: Portal, connections: ExitStack, sent: bytes
) -> None:
    browser = Browser()
    with ExitStack() as stack:

        def show(address: str, redirect: str) -> None:
            connections.enter_context(connection(redirect)).sendall(sent)
            browser.show(address, redirect)

        stack.callback(browser.close)
        tokens = code_flow.consent(at.server, at.application, port=0, show=show)
    assert at.scope(tokens) == SCOPES


def test_a_slow_connection_does_not_delay_the_end_of_the_wait(
    at: Portal, connections: ExitStack
) -> None:
    def show(_: str, redirect: str) -> None:
        connections.enter_context(connection(redirect)).sendall(b"GET /")
        at.clock.instant += timedelta(minutes=9, seconds=59)
        # The listener accepts it before it compares the time again.
        Timer(1, lambda: at.clock.sleep(1)).start()

    with pytest.raises(AccountDisconnected, match="Consent was not given in time"):
        code_flow.consent(at.server, at.application, port=0, show=show)


def test_the_oldest_of_too_many_connections_is_closed(
    at: Portal, connections: ExitStack, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(code_flow, "_MOST_CONNECTIONS", 2)
    browser, oldest = Browser(), list[socket.socket]()
    with ExitStack() as stack:

        def show(address: str, redirect: str) -> None:
            opened = [connections.enter_context(connection(redirect)) for _ in range(3)]
            oldest.append(opened[0])
            browser.show(address, redirect)

        stack.callback(browser.close)
        code_flow.consent(at.server, at.application, port=0, show=show)
    assert oldest[0].recv(1) == b""


def test_a_request_that_is_too_long_is_not_read_to_its_end(at: Portal) -> None:
    browser = Browser()
    with ExitStack() as stack:

        def show(address: str, redirect: str) -> None:
            sent = stack.enter_context(connection(redirect))
            sent.sendall(b"GET /connected?code=" + code_flow._MOST_REQUEST * b"a")
            browser.show(address, redirect)

        stack.callback(browser.close)
        tokens = code_flow.consent(at.server, at.application, port=0, show=show)
    assert at.scope(tokens) == SCOPES


def test_the_redirect_names_the_address_that_is_listened_on(at: Portal) -> None:
    browser = Browser()
    connect(at, browser)
    (redirect,) = browser.query["redirect_uri"]
    assert urlsplit(redirect).hostname == code_flow.HOST == "127.0.0.1"


def test_only_this_machine_can_reach_the_listener(at: Portal) -> None:
    def show(_: str, redirect: str) -> None:
        # A listener on all addresses would accept this one too.
        with pytest.raises(ConnectionRefusedError):
            socket.create_connection(("127.0.0.2", urlsplit(redirect).port or 0))
        at.clock.sleep(600)

    with pytest.raises(AccountDisconnected):
        code_flow.consent(at.server, at.application, port=0, show=show)


def test_a_denial_is_an_error(at: Portal) -> None:
    at.vendor.authorization.codes.denies = True
    with pytest.raises(AccountDisconnected, match="was denied"):
        connect(at, Browser())


def test_a_missing_redirect_is_an_error(at: Portal) -> None:
    def show(*_: str) -> None:
        at.clock.instant += timedelta(minutes=10)

    with pytest.raises(AccountDisconnected, match="Consent was not given in time"):
        code_flow.consent(at.server, at.application, port=0, show=show)


def test_a_wrong_secret_is_an_error(at: Portal) -> None:
    wrong = Application(client_id="an-app", client_secret="guessed")
    with pytest.raises(InvalidInput, match="does not know this client id and secret"):
        connect(at, Browser(), wrong)


def test_a_refusal_without_an_oauth_error_code_is_an_error_without_it(at: Portal) -> None:
    class UnknownRefusal(Browser):
        def show(self, address: str, redirect: str) -> None:
            state = parse_qs(urlsplit(address).query)["state"][0]
            super().show(f"{redirect}?error=%1b[2J&state={state}", redirect)

    with pytest.raises(AccountStopped) as caught:
        connect(at, UnknownRefusal())
    assert str(caught.value) == "Constant Contact refused to connect."


def test_a_taken_port_is_an_error(at: Portal) -> None:
    with (
        socket.create_server(("127.0.0.1", 0)) as taken,
        pytest.raises(InvalidInput, match="is taken"),
    ):
        code_flow.consent(
            at.server, at.application, port=taken.getsockname()[1], show=lambda *_: None
        )

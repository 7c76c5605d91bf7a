import base64
import re
import traceback
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import timedelta

import pytest

from constant_contact_emulator import Kind
from email_opens.account import Tokens
from email_opens.adapters.retry import MOST_SECONDS
from email_opens.adapters.vendor import http
from email_opens.adapters.vendor.oauth import (
    MARGIN,
    RECORDING,
    USUAL_LIFETIME,
    Renewed,
    TokenSource,
)
from email_opens.adapters.vendor.session import Session
from email_opens.errors import (
    AccountDisconnected,
    AccountStopped,
    InvalidInput,
    OutOfTime,
    Throttled,
)
from tests.fakes import FakeClock
from tests.unit.adapters.vendor.sockets import Drip, Held, Vendor, pause, raw, serving, stub

FRESH = b'{"access_token":"fresh-access","refresh_token":"fresh-refresh","expires_in":86400}'
SECRETS = re.compile("access-|refresh-|old-|fresh-")


@pytest.fixture
def vendor() -> Iterator[Vendor]:
    with serving() as vendor:
        yield vendor


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def held(clock: FakeClock) -> Held:
    tokens = Tokens(
        client_id="key",
        refresh_token="old-refresh",
        access_token="old-access",
        expires_at=clock.now(),
    )
    return Held(tokens)


@pytest.fixture
def session() -> Iterator[Session]:
    with Session() as session:
        yield session


def token_of(source: TokenSource, clock: FakeClock) -> str:
    return source.access_token(clock.now() + timedelta(minutes=1))


def refreshed(vendor: Vendor) -> str:
    """Discard the stored token as if it were refused, and return the next one."""
    vendor.tokens.access_token(vendor.before)
    vendor.tokens.discard()
    return vendor.tokens.access_token(vendor.before)


def test_a_valid_token_is_loaded_once_and_not_refreshed(vendor: Vendor) -> None:
    tokens = {vendor.tokens.access_token(vendor.before) for _ in range(3)}
    assert tokens == {vendor.held.tokens and vendor.held.tokens.access_token}
    assert (vendor.held.loads, vendor.emulator.requests) == (1, [])


def test_a_token_about_to_expire_is_refreshed_and_stored(vendor: Vendor) -> None:
    first = vendor.tokens.access_token(vendor.before)
    vendor.clock.sleep((timedelta(hours=24) - MARGIN).total_seconds())
    second = vendor.tokens.access_token(vendor.before)
    assert second != first
    assert [tokens.access_token for tokens in vendor.held.stored] == [second]


def test_a_refused_token_is_refreshed(vendor: Vendor) -> None:
    first = vendor.tokens.access_token(vendor.before)
    assert refreshed(vendor) != first


def test_a_refused_token_is_replaced_by_a_newer_stored_one(vendor: Vendor) -> None:
    vendor.tokens.access_token(vendor.before)
    newer = vendor.emulator.connect()
    assert vendor.held.tokens
    vendor.held.tokens = replace(
        vendor.held.tokens,
        access_token=newer.access_token,
        refresh_token=newer.refresh_token,
    )
    vendor.tokens.discard()
    assert vendor.tokens.access_token(vendor.before) == newer.access_token
    assert vendor.held.stored == []


def test_a_client_with_a_secret_uses_basic_authentication() -> None:
    with serving(secret="s3cret") as vendor:
        assert refreshed(vendor)


def test_the_secret_is_sent_in_the_header_and_never_in_the_form(
    held: Held, clock: FakeClock, session: Session
) -> None:
    assert held.tokens
    held.tokens = replace(held.tokens, client_secret="s3crét")
    with stub(raw(200, FRESH)) as server:
        token_of(TokenSource("default", held, session, server.url, clock), clock)
    expected = base64.b64encode("key:s3crét".encode())
    assert b"Basic " + expected in server.requests[0]
    assert b"client_id" not in server.requests[0]


def test_the_old_refresh_token_is_kept_if_the_reply_has_none(vendor: Vendor) -> None:
    vendor.emulator.authorization.names_refresh_token = False
    before = vendor.held.tokens
    assert refreshed(vendor)
    assert before
    assert vendor.held.stored[-1].refresh_token == before.refresh_token


def test_a_pair_that_could_not_be_stored_is_stored_before_it_is_used(vendor: Vendor) -> None:
    def down() -> None:
        raise OSError("the store is down")

    vendor.held.on_store = down
    with pytest.raises(OSError, match="down"):
        refreshed(vendor)
    vendor.held.on_store = lambda: None
    token = vendor.tokens.access_token(vendor.before)
    assert vendor.held.stored[-1].access_token == token
    assert vendor.statuses("/token") == [200]


class TestAStoreThatRefuses:
    """The refresh token is good for one refresh only."""

    @staticmethod
    def refusing(times: int = 1000) -> Callable[[], None]:
        """Return a function that refuses so many times, as a store does."""
        left = iter(range(times))

        def refuse() -> None:
            if next(left, None) is not None:
                raise AccountStopped("The store is down.")

        return refuse

    def source(
        self, vendor: Vendor, renewed: dict[str, Renewed], *, lasts: float = 60
    ) -> TokenSource:
        """Return the tokens of an invocation whose lease lasts so many seconds."""
        return TokenSource(
            "default",
            vendor.held,
            vendor.session,
            vendor.emulator.auth_url,
            vendor.clock,
            until=vendor.clock.now() + timedelta(seconds=lasts),
            renewed=renewed,
        )

    @pytest.fixture(autouse=True)
    def _expired(self, vendor: Vendor) -> None:
        vendor.clock.sleep(timedelta(days=1).total_seconds())

    def test_is_noticed_before_the_refresh_token_is_spent(self, vendor: Vendor) -> None:
        vendor.held.on_rewrite = self.refusing()
        with pytest.raises(AccountStopped, match="The store is down"):
            vendor.tokens.access_token(vendor.before)
        assert vendor.emulator.requests == []

    def test_is_asked_again_until_it_takes_the_new_pair(self, vendor: Vendor) -> None:
        vendor.held.on_store = self.refusing(5)
        token = vendor.tokens.access_token(vendor.before)
        assert [tokens.access_token for tokens in vendor.held.stored] == [token]
        assert vendor.statuses("/token") == [200]

    def test_is_asked_again_until_the_lease_ends(self, vendor: Vendor) -> None:
        vendor.held.on_store = self.refusing()
        started = vendor.clock.now()
        with pytest.raises(AccountStopped, match="could not be stored"):
            self.source(vendor, {}, lasts=50).access_token(started + timedelta(seconds=2))
        left = started + timedelta(seconds=50) - vendor.clock.now()
        assert RECORDING <= left <= RECORDING + timedelta(seconds=MOST_SECONDS)

    def test_gets_the_new_pair_from_the_next_invocation_of_the_process(
        self, vendor: Vendor
    ) -> None:
        renewed: dict[str, Renewed] = {}
        vendor.held.on_store = self.refusing()
        with pytest.raises(AccountStopped, match="keeps them in memory"):
            self.source(vendor, renewed).access_token(vendor.before)
        vendor.held.on_store = self.refusing(0)
        token = self.source(vendor, renewed).access_token(vendor.before)
        assert [tokens.access_token for tokens in vendor.held.stored] == [token]
        assert vendor.statuses("/token") == [200]

    def test_keeps_what_others_have_stored_since(self, vendor: Vendor) -> None:
        renewed: dict[str, Renewed] = {}
        vendor.held.on_store = self.refusing()
        with pytest.raises(AccountStopped):
            self.source(vendor, renewed).access_token(vendor.before)
        grant = vendor.emulator.connect()
        consented = Tokens(
            client_id=grant.client_id,
            refresh_token=grant.refresh_token,
            access_token=grant.access_token,
            expires_at=grant.expires_at,
        )
        vendor.held.tokens, vendor.held.on_store = consented, self.refusing(0)
        assert self.source(vendor, renewed).access_token(vendor.before) == consented.access_token
        assert (vendor.held.stored, renewed) == ([], {})

    def test_makes_an_error_that_names_the_command_for_a_rotating_token(
        self, vendor: Vendor
    ) -> None:
        vendor.held.on_store = self.refusing()
        with pytest.raises(AccountStopped, match=r"run `email-opens connect default`.*is down"):
            vendor.tokens.access_token(vendor.before)

    def test_makes_an_error_without_the_command_for_a_long_lived_token(self) -> None:
        with serving(rotating=False) as vendor:
            vendor.held.on_store = self.refusing()
            with pytest.raises(AccountStopped, match="the next turn requests others") as raised:
                refreshed(vendor)
        assert "email-opens connect" not in str(raised.value)

    def test_reports_a_pair_that_does_not_fit(self, vendor: Vendor) -> None:
        def too_large() -> None:
            raise InvalidInput("It is too large.")

        vendor.held.on_store = too_large
        with pytest.raises(AccountStopped, match=r"could not be stored: .* It is too large"):
            vendor.tokens.access_token(vendor.before)

    def test_an_access_token_that_does_not_fit_is_kept_in_memory(self, vendor: Vendor) -> None:
        renewed: dict[str, Renewed] = {}
        token = self.source(vendor, renewed).access_token(vendor.before)
        assert vendor.held.tokens
        vendor.held.tokens = replace(vendor.held.tokens, access_token=None)
        assert self.source(vendor, renewed).access_token(vendor.before) == token
        assert vendor.statuses("/token") == [200]


def test_a_lost_reply_of_a_rotating_token_disconnects_the_account(vendor: Vendor) -> None:
    vendor.emulator.faults.add(Kind.LOSE_REPLY, path="/token")
    with pytest.raises(AccountDisconnected, match="email-opens connect default"):
        refreshed(vendor)


def test_a_lost_reply_of_a_long_lived_token_is_requested_again() -> None:
    with serving(rotating=False) as vendor:
        vendor.emulator.faults.add(Kind.LOSE_REPLY, path="/token")
        assert refreshed(vendor)


def test_a_spent_refresh_token_is_replaced_by_one_stored_meanwhile(vendor: Vendor) -> None:
    vendor.tokens.access_token(vendor.before)
    vendor.tokens.discard()
    vendor.emulator.authorization.revoke()
    newer = vendor.emulator.connect()

    def store_newer_tokens(_method: str, _target: str) -> None:
        assert vendor.held.tokens
        vendor.held.tokens = replace(
            vendor.held.tokens,
            access_token=newer.access_token,
            refresh_token=newer.refresh_token,
        )

    vendor.emulator.world.before_request(store_newer_tokens)
    assert vendor.tokens.access_token(vendor.before) == newer.access_token


def test_a_spent_refresh_token_disconnects_the_account(vendor: Vendor) -> None:
    vendor.tokens.access_token(vendor.before)
    vendor.emulator.authorization.revoke()
    with pytest.raises(AccountDisconnected, match="email-opens connect default"):
        refreshed(vendor)
    assert vendor.statuses("/token") == [400]


def test_an_unknown_client_disconnects_the_account(vendor: Vendor) -> None:
    vendor.emulator.authorization.clients.clear()
    with pytest.raises(AccountDisconnected, match="invalid_client"):
        refreshed(vendor)


def test_a_throttled_refresh_waits_as_long_as_retry_after_requests(
    held: Held, clock: FakeClock, session: Session
) -> None:
    started = clock.now()
    with stub(raw(429, b"", "retry-after: 7"), raw(200, FRESH)) as server:
        source = TokenSource("default", held, session, server.url, clock)
        assert source.access_token(started + timedelta(minutes=1)) == "fresh-access"
    assert clock.now() == started + timedelta(seconds=7)


def test_a_refresh_that_stays_throttled_stops_the_account(
    held: Held, clock: FakeClock, session: Session
) -> None:
    with stub(raw(429)) as server, pytest.raises(Throttled):
        token_of(TokenSource("default", held, session, server.url, clock), clock)
    assert len(server.requests) == 4


@pytest.mark.parametrize(
    "broken",
    [
        raw(503),
        raw(200, b"<html>"),
        raw(200, b"[]"),
        raw(200, b'{"access_token":"fresh-\\u00e9"}'),
        raw(200, b'{"access_token":"fresh-\\nX-Header: 1"}'),
        raw(404, b"<html>"),
        [b"HTTP/1.1 200 OK\r\nContent-Length: 900\r\n\r\n{"],
    ],
)
def test_an_unusable_reply_is_retried(
    broken: list[bytes], held: Held, clock: FakeClock, session: Session
) -> None:
    with stub(broken, broken, broken, raw(200, FRESH)) as server:
        source = TokenSource("default", held, session, server.url, clock)
        assert token_of(source, clock) == "fresh-access"


def test_a_request_that_timed_out_is_retried(
    held: Held, clock: FakeClock, session: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(http, "READ_SECONDS", 0.1)
    with stub(Drip(b"HTTP/1.1 200 ", b"O"), raw(200, FRESH), between=pause) as server:
        source = TokenSource("default", held, session, server.url, clock)
        assert token_of(source, clock) == "fresh-access"


@pytest.mark.parametrize("broken", [raw(500), raw(200, b"{}"), raw(302, b"", "Location: /v3/")])
def test_the_account_stops_after_four_attempts(
    broken: list[bytes], held: Held, clock: FakeClock, session: Session
) -> None:
    with stub(broken) as server, pytest.raises(AccountStopped) as caught:
        token_of(TokenSource("default", held, session, server.url, clock), clock)
    assert len(server.requests) == 4
    assert not SECRETS.search("".join(traceback.format_exception(caught.value)))


def test_no_request_starts_when_no_time_is_left(held: Held, clock: FakeClock) -> None:
    with Session() as session, pytest.raises(OutOfTime):
        TokenSource("default", held, session, "http://127.0.0.1:9", clock).access_token(
            clock.now() + timedelta(seconds=0.5)
        )


def test_no_error_shows_a_token(held: Held, clock: FakeClock, session: Session) -> None:
    source = TokenSource("default", held, session, "http://127.0.0.1:9", clock)
    with pytest.raises(AccountStopped) as caught:
        token_of(source, clock)
    error: BaseException | None = caught.value
    while error:
        assert not SECRETS.search(f"{error!r} {source!r}")
        error = error.__cause__ or error.__context__


@pytest.mark.parametrize("expires_in", [b'"soon"', b"null", b"1e999", b"[]"])
def test_a_malformed_lifetime_is_taken_for_an_hour(
    expires_in: bytes, held: Held, clock: FakeClock, session: Session
) -> None:
    body = b'{"access_token":"fresh-access","expires_in":' + expires_in + b"}"
    with stub(raw(200, body)) as server:
        token_of(TokenSource("default", held, session, server.url, clock), clock)
    assert held.stored[-1].expires_at == clock.now() + USUAL_LIFETIME
    assert held.stored[-1].refresh_token == "old-refresh"


def test_an_error_names_the_command_that_connects_the_account_again(
    held: Held, clock: FakeClock, session: Session
) -> None:
    with stub(raw(400, b'{"error":"invalid_grant"}')) as server:
        source = TokenSource(
            "mine", held, session, server.url, clock, reconnect="watch --account {account_id}"
        )
        with pytest.raises(AccountDisconnected, match="run `watch --account mine`"):
            token_of(source, clock)

import re
import time
import traceback
from collections.abc import Callable, Iterator
from copy import replace
from datetime import timedelta
from functools import partial

import pytest

from constant_contact_emulator import Kind
from email_opens.account import Tokens
from email_opens.adapters.vendor import http
from email_opens.adapters.vendor.access.token_storage import REMEMBERED, Remembered
from email_opens.adapters.vendor.access.tokens import MARGIN, TokenSource
from email_opens.adapters.vendor.session import Session
from email_opens.errors import (
    AccountDisconnected,
    AccountStopped,
    OutOfTime,
    Throttled,
)
from tests.fakes import FakeClock
from tests.unit.adapters.vendor.sockets import (
    Drip,
    Held,
    Vendor,
    pause,
    raw,
    refreshed,
    serving,
    stub,
)

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


def test_a_valid_token_is_loaded_once_and_not_refreshed(vendor: Vendor) -> None:
    tokens = {vendor.tokens.access_token(vendor.before) for _ in range(3)}
    assert tokens == {vendor.held.tokens and vendor.held.tokens.access_token}
    assert (vendor.held.loads, vendor.emulator.requests) == (1, [])


class TestASecondInvocationOfAProcess:
    @pytest.fixture
    def remembered(self) -> dict[str, Remembered]:
        return {}

    @pytest.fixture
    def source(
        self,
        vendor: Vendor,
        remembered: dict[str, Remembered],
    ) -> Callable[[], TokenSource]:
        return lambda: TokenSource(
            "default",
            vendor.held,
            vendor.session,
            vendor.emulator.auth_url,
            vendor.clock,
            remembered=remembered,
        )

    def test_reads_no_credentials_for_minutes(
        self, vendor: Vendor, source: Callable[[], TokenSource]
    ) -> None:
        first = token_of(source(), vendor.clock)
        vendor.clock.sleep((REMEMBERED - timedelta(seconds=1)).total_seconds())
        assert token_of(source(), vendor.clock) == first
        assert vendor.held.loads == 1
        vendor.clock.sleep(1)
        assert token_of(source(), vendor.clock) == first
        assert vendor.held.loads == 2

    def test_reads_them_if_the_token_is_refused(
        self, vendor: Vendor, source: Callable[[], TokenSource]
    ) -> None:
        first = source()
        old = token_of(first, vendor.clock)
        second = source()
        token_of(second, vendor.clock)
        assert vendor.held.tokens
        newer = vendor.emulator.connect()
        vendor.held.tokens = replace(
            vendor.held.tokens,
            access_token=newer.access_token,
            refresh_token=newer.refresh_token,
        )
        second.discard()
        assert token_of(second, vendor.clock) == newer.access_token != old
        assert token_of(source(), vendor.clock) == newer.access_token

    def test_reads_them_if_the_token_has_expired_meanwhile(
        self, vendor: Vendor, source: Callable[[], TokenSource]
    ) -> None:
        vendor.clock.sleep(86_400 - MARGIN.total_seconds() - 60)
        token_of(source(), vendor.clock)
        newer = vendor.emulator.connect()
        assert vendor.held.tokens
        vendor.clock.sleep(60)
        vendor.held.tokens = replace(
            vendor.held.tokens,
            access_token=newer.access_token,
            expires_at=vendor.clock.now() + timedelta(hours=24),
        )
        assert token_of(source(), vendor.clock) == newer.access_token
        assert vendor.held.stored == []

    def test_finds_new_tokens_that_could_not_be_stored(
        self,
        vendor: Vendor,
        remembered: dict[str, Remembered],
        source: Callable[[], TokenSource],
    ) -> None:
        first = source()
        token_of(first, vendor.clock)

        def refuse() -> None:
            raise AccountStopped("The store is full.")

        vendor.held.on_store = refuse
        first.discard()
        with pytest.raises(AccountStopped):
            token_of(first, vendor.clock)
        assert remembered == {}


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


def test_the_old_refresh_token_is_kept_if_the_reply_has_none(vendor: Vendor) -> None:
    vendor.emulator.authorization.names_refresh_token = False
    before = vendor.held.tokens
    assert refreshed(vendor)
    assert before
    assert vendor.held.stored[-1].refresh_token == before.refresh_token


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
    loads = vendor.held.loads
    assert vendor.tokens.access_token(vendor.before) == newer.access_token
    assert vendor.held.loads == loads


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


@pytest.mark.parametrize(
    ("status", "body", "why"),
    [
        (400, b'{"error":"invalid_client"}', "invalid_client"),
        (403, b'{"error_key":"access_denied"}', "access_denied"),
        (401, b"", "401"),
    ],
)
def test_a_refusal_names_its_reason_and_the_remedy(
    status: int, body: bytes, why: str, held: Held, clock: FakeClock, session: Session
) -> None:
    with stub(raw(status, body)) as server:
        with pytest.raises(AccountDisconnected) as caught:
            token_of(TokenSource("default", held, session, server.url, clock), clock)
        assert len(server.requests) == 1
    assert str(caught.value) == (
        f"The vendor refused account “default” an access token ({why}): check the application's "
        "client id and secret, then run `email-opens connect default`."
    )


def test_a_refreshed_pair_is_loaded_once(vendor: Vendor) -> None:
    vendor.emulator.authorization.expire_access_tokens()
    refreshed(vendor)
    loads = vendor.held.loads
    vendor.tokens.access_token(vendor.before)
    assert vendor.held.loads == loads


@pytest.mark.parametrize("status", [500, 503])
def test_a_failed_refresh_waits_as_long_as_retry_after_requests(
    status: int, held: Held, clock: FakeClock, session: Session
) -> None:
    started = clock.now()
    with stub(raw(status, b"", "retry-after: 7"), raw(200, FRESH)) as server:
        source = TokenSource("default", held, session, server.url, clock)
        assert source.access_token(started + timedelta(minutes=1)) == "fresh-access"
    assert clock.now() == started + timedelta(seconds=7)


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


@pytest.mark.parametrize(
    ("broken", "why"),
    [
        (raw(500, b'{"error":"server_error"}'), "it answered 500"),
        (raw(200, b"{}"), "its reply is unusable"),
        (raw(302, b"", "Location: /v3/"), "it answered 302"),
    ],
)
def test_the_account_stops_after_four_attempts(
    broken: list[bytes], why: str, held: Held, clock: FakeClock, session: Session
) -> None:
    with stub(broken) as server, pytest.raises(AccountStopped) as caught:
        token_of(TokenSource("default", held, session, server.url, clock), clock)
    assert len(server.requests) == 4
    assert str(caught.value) == f"The vendor returned no access token: {why}."
    assert not SECRETS.search("".join(traceback.format_exception(caught.value)))


def test_no_request_starts_when_no_time_is_left(held: Held, clock: FakeClock) -> None:
    with Session() as session, pytest.raises(OutOfTime) as caught:
        TokenSource("default", held, session, "http://127.0.0.1:9", clock).access_token(
            clock.now() + timedelta(seconds=0.9)
        )
    assert str(caught.value) == "No time is left to request an access token."


def test_a_request_may_start_a_second_before_its_deadline(
    held: Held, clock: FakeClock, session: Session
) -> None:
    with stub(raw(200, FRESH)) as server:
        source = TokenSource("default", held, session, server.url, clock)
        assert source.access_token(clock.now() + timedelta(seconds=1)) == "fresh-access"


def test_new_tokens_are_awaited_until_the_lease_ends(
    held: Held, clock: FakeClock, session: Session
) -> None:
    """The vendor has replaced the old ones, and may never return these again."""
    (reply,) = raw(200, FRESH)
    until = clock.now() + timedelta(minutes=1)
    # The rest of the reply comes after the time in which a request may begin.
    with stub([reply[:20], reply[20:]], between=partial(time.sleep, 1.2)) as server:
        source = TokenSource("default", held, session, server.url, clock, until=until)
        assert source.access_token(clock.now() + timedelta(seconds=1)) == "fresh-access"


def test_no_error_shows_a_token(held: Held, clock: FakeClock, session: Session) -> None:
    source = TokenSource("default", held, session, "http://127.0.0.1:9", clock)
    with pytest.raises(AccountStopped) as caught:
        token_of(source, clock)
    error: BaseException | None = caught.value
    while error:
        assert not SECRETS.search(f"{error!r} {source!r}")
        error = error.__cause__ or error.__context__


def test_an_error_names_the_command_that_connects_the_account_again(
    held: Held, clock: FakeClock, session: Session
) -> None:
    with stub(raw(400, b'{"error":"invalid_grant"}')) as server:
        source = TokenSource(
            "mine", held, session, server.url, clock, reconnect="watch --account {account_id}"
        )
        with pytest.raises(AccountDisconnected, match="run `watch --account mine`"):
            token_of(source, clock)

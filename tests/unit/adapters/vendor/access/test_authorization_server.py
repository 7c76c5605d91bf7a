"""A client's authentication, and how long an access token is used, whatever its reply states."""

import base64
from collections.abc import Iterator
from copy import replace
from datetime import timedelta

import pytest

from email_opens.account import Tokens
from email_opens.adapters.vendor.access.authorization_server import USUAL_LIFETIME, read_grant
from email_opens.adapters.vendor.access.tokens import TokenSource
from email_opens.adapters.vendor.replies.reply import Reply
from email_opens.adapters.vendor.session import Session
from tests.contract.samples import NOON
from tests.fakes import FakeClock
from tests.unit.adapters.vendor.sockets import Held, raw, refreshed, serving, stub

DAY = timedelta(days=1)
DOCUMENTED = DAY
"""The longest lifetime that the vendor documents."""
UNUSED_FOR = 180 * DAY
"""The vendor's refresh tokens die when they are not used for so long."""
UNBOUNDED = [b"1e300", b"99999999999999999999", b"315360000", b'"315360000"']
"""Seconds: ten years or more."""


@pytest.fixture
def held() -> Held:
    return Held(Tokens(client_id="key", refresh_token="old-refresh"))


@pytest.fixture
def session() -> Iterator[Session]:
    with Session() as session:
        yield session


def reply(expires_in: bytes) -> Reply:
    return Reply(200, {}, b'{"access_token":"fresh","expires_in":' + expires_in + b"}")


@pytest.mark.parametrize("expires_in", UNBOUNDED)
def test_a_token_is_replaced_long_before_its_refresh_token_expires(expires_in: bytes) -> None:
    grant = read_grant(reply(expires_in), NOON)
    assert grant is not None
    assert grant.expires_at - NOON < UNUSED_FOR / 2


def test_a_documented_lifetime_is_accepted() -> None:
    grant = read_grant(reply(b"86400"), NOON)
    assert grant is not None
    assert grant.expires_at == NOON + DOCUMENTED


@pytest.mark.parametrize("expires_in", [b"0", b"-1", b"-99999999999"])
def test_a_lifetime_that_is_over_ends_at_once(expires_in: bytes) -> None:
    grant = read_grant(reply(expires_in), NOON)
    assert grant is not None
    assert grant.expires_at == NOON


@pytest.mark.parametrize("refresh", [b"null", b"7", b'""', b"[]"])
def test_a_refresh_token_that_is_no_text_is_none(refresh: bytes) -> None:
    grant = read_grant(Reply(200, {}, b'{"access_token":"a","refresh_token":%s}' % refresh), NOON)
    assert grant is not None
    assert grant.refresh_token is None


@pytest.mark.parametrize("expires_in", UNBOUNDED)
def test_a_bounded_lifetime_is_what_is_stored(expires_in: bytes, clock: FakeClock) -> None:
    held = Held(Tokens(client_id="key", refresh_token="old"))
    before = clock.now() + timedelta(minutes=1)
    with Session() as session, stub(raw(200, reply(expires_in).body)) as server:
        TokenSource("default", held, session, server.url, clock).access_token(before)
    (stored,) = held.stored
    assert stored.expires_at is not None
    assert stored.expires_at - clock.now() < UNUSED_FOR / 2


def test_a_client_with_a_secret_uses_basic_authentication() -> None:
    with serving(secret="s3cret") as vendor:
        assert refreshed(vendor)


def test_the_secret_is_sent_in_the_header_and_never_in_the_form(
    held: Held, clock: FakeClock, session: Session
) -> None:
    assert held.tokens
    held.tokens = replace(held.tokens, client_secret="s3crét")
    with stub(raw(200, reply(b"86400").body)) as server:
        source = TokenSource("default", held, session, server.url, clock)
        source.access_token(clock.now() + timedelta(minutes=1))
    expected = base64.b64encode("key:s3crét".encode())
    assert b"Authorization: Basic " + expected in server.requests[0].split(b"\r\n")
    assert b"client_id" not in server.requests[0]


@pytest.mark.parametrize("expires_in", [b'"soon"', b"null", b"1e999", b"[]"])
def test_a_malformed_lifetime_is_taken_for_an_hour(
    expires_in: bytes, held: Held, clock: FakeClock, session: Session
) -> None:
    with stub(raw(200, reply(expires_in).body)) as server:
        source = TokenSource("default", held, session, server.url, clock)
        source.access_token(clock.now() + timedelta(minutes=1))
    assert held.stored[-1].expires_at == clock.now() + USUAL_LIFETIME
    assert held.stored[-1].refresh_token == "old-refresh"

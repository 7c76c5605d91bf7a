"""Malformed token replies and stored credentials."""

import gzip
import json
import tracemalloc
from collections.abc import Iterator
from datetime import timedelta
from typing import Any, cast

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from email_opens.account import Tokens
from email_opens.adapters.aws.credentials import SsmCredentials
from email_opens.adapters.vendor.access.tokens import TokenSource
from email_opens.adapters.vendor.session import Session
from email_opens.errors import AccountDisconnected, AccountStopped
from tests.fakes import FakeClock
from tests.hostile.values import (
    ADDRESS,
    MEGABYTE,
    SECRET,
    bodies,
    instants_as_text,
    json_values,
    leaked,
    refusal,
    texts,
)
from tests.unit.adapters.vendor.sockets import Held, Stub, raw, stub

NAMES = ["client_id", "client_secret", "refresh_token", "access_token", "expires_at"]
GOOD = {"client_id": "key", "refresh_token": SECRET}
LIFETIMES = st.integers(-(10**10), 10**30) | json_values
"""In seconds; a lifetime that ends before the calendar begins has a test of its own."""

token_replies = st.fixed_dictionaries(
    {},
    optional={
        "access_token": texts | st.builds(lambda: "x" * 60_000),
        "refresh_token": texts | json_values,
        "expires_in": LIFETIMES,
        "error": texts,
        "error_description": st.just(f"{SECRET} of {ADDRESS}"),
    },
)
stored = bodies(
    st.dictionaries(st.sampled_from(NAMES), texts | instants_as_text | json_values).map(
        lambda changed: GOOD | changed
    )
    | json_values
).map(lambda body: body.decode(errors="replace"))


@pytest.fixture(scope="module")
def vendor() -> Iterator[Stub]:
    with stub(raw(200)) as vendor:
        yield vendor


@pytest.fixture(scope="module")
def session() -> Iterator[Session]:
    with Session() as session:
        yield session


def renewed(vendor: Stub, session: Session, *replies: list[bytes]) -> Held:
    """Request a token from a vendor that sends these replies; return the store."""
    vendor.answer(*replies)
    clock = FakeClock()
    held = Held(Tokens(client_id="key", refresh_token=SECRET))
    source = TokenSource("default", held, session, vendor.url, clock)
    assert source.access_token(clock.now() + timedelta(minutes=1)).isascii()
    return held


class OneParameter:
    """A Parameter Store with one value for every name."""

    def __init__(self, value: str) -> None:
        self._value = value

    def get_parameter(self, **_: object) -> dict[str, Any]:
        return {"Parameter": {"Value": self._value}}


def load(value: str) -> Tokens:
    return SsmCredentials(cast("Any", OneParameter(value)), "/email-opens/").load("mine")


@given(body=bodies(token_replies | json_values), status=st.sampled_from([200, 400, 401, 429, 503]))
def test_a_token_reply_gives_a_token_or_stops_the_account_without_leaking_it(
    vendor: Stub, session: Session, body: bytes, status: int
) -> None:
    error = refusal(AccountStopped, lambda: renewed(vendor, session, raw(status, body)))
    assert leaked(error) == []


@given(lifetime=LIFETIMES)
def test_a_token_with_any_lifetime_is_stored_with_its_expiry(
    vendor: Stub, session: Session, lifetime: object
) -> None:
    body = json.dumps({"access_token": "fresh", "expires_in": lifetime}).encode()
    (tokens,) = renewed(vendor, session, raw(200, body)).stored
    assert tokens.expires_at is not None


@pytest.mark.parametrize("refresh", [b"\xe9", b"\\ud800", "é".encode()])
def test_a_refresh_token_that_cannot_be_sent_is_not_stored(
    vendor: Stub, session: Session, refresh: bytes
) -> None:
    good = b'{"access_token":"fresh","refresh_token":"next"}'
    bad = good.replace(b"next", refresh)
    (tokens,) = renewed(vendor, session, raw(200, bad), raw(200, good)).stored
    assert tokens.refresh_token == "next"


def test_a_byte_in_a_field_of_a_token_reply_that_is_not_used_costs_nothing(
    vendor: Stub, session: Session
) -> None:
    body = b'{"access_token":"fresh","scope":"\xe9\t"}'
    (tokens,) = renewed(vendor, session, raw(200, body)).stored
    assert tokens.access_token == "fresh"


def test_a_token_that_expired_before_the_calendar_began_is_stored(
    vendor: Stub, session: Session
) -> None:
    renewed(vendor, session, raw(200, b'{"access_token":"fresh","expires_in":-100000000000}'))


def test_a_token_reply_of_a_megabyte_stops_the_account(vendor: Stub, session: Session) -> None:
    body = json.dumps({"access_token": "x" * MEGABYTE}).encode()
    with pytest.raises(AccountStopped, match="too large"):
        renewed(vendor, session, raw(200, body))


def test_a_small_reply_that_decompresses_to_much_is_not_decompressed_whole(
    vendor: Stub, session: Session
) -> None:
    packed = gzip.compress(bytes(100 * MEGABYTE))
    tracemalloc.start()
    try:
        with pytest.raises(AccountStopped, match="too large"):
            renewed(vendor, session, raw(200, packed, "Content-Encoding: gzip"))
        assert tracemalloc.get_traced_memory()[1] < 10 * MEGABYTE
    finally:
        tracemalloc.stop()


@given(stored)
@example(json.dumps(GOOD | {"client_id": "\ud800"}))
@example(json.dumps(GOOD | {"client_secret": "\udfff"}))
def test_stored_credentials_can_be_sent_or_the_error_names_the_command_to_replace_them(
    value: str,
) -> None:
    try:
        tokens = load(value)
    except AccountDisconnected as error:
        assert "email-opens connect mine" in str(error)  # noqa: PT017 - or they are valid
        return
    assert f"{tokens.client_id}:{tokens.client_secret}:{tokens.refresh_token}".encode()


@given(stored)
def test_the_error_of_unreadable_credentials_leaks_nothing(value: str) -> None:
    assert leaked(refusal(AccountDisconnected, lambda: load(value))) == []


@given(stored)
def test_the_repr_of_credentials_leaks_nothing(value: str) -> None:
    if refusal(AccountDisconnected, lambda: load(value)) is None:
        assert repr(load(value)) == "Tokens(…)"


def test_a_stored_token_that_expired_when_the_calendar_began_is_renewed(
    vendor: Stub, session: Session
) -> None:
    vendor.answer(raw(200, b'{"access_token":"fresh"}'))
    held = Held(
        load(json.dumps(GOOD | {"access_token": "old", "expires_at": "0001-01-01T00:00:00Z"}))
    )
    clock = FakeClock()
    source = TokenSource("mine", held, session, vendor.url, clock)
    assert source.access_token(clock.now() + timedelta(minutes=1)) == "fresh"

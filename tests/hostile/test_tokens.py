"""Token replies and stored credentials that are not what they should be."""

import gzip
import json
import tracemalloc
from collections.abc import Iterator
from datetime import timedelta
from typing import Any, cast

import pytest
import requests
from hypothesis import example, given
from hypothesis import strategies as st

from email_opens.adapters.aws.credentials import SsmCredentials
from email_opens.adapters.vendor.oauth import TokenSource
from email_opens.errors import AccountDisconnected, AccountStopped
from email_opens.model import Tokens
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
"""In seconds; one that ends before the calendar begins has a test of its own."""

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
def there() -> Iterator[Stub]:
    with stub(raw(200)) as there:
        yield there


@pytest.fixture(scope="module")
def session() -> Iterator[requests.Session]:
    with requests.Session() as session:
        session.trust_env = False
        yield session


def renewed(there: Stub, session: requests.Session, *replies: list[bytes]) -> Held:
    """Ask a vendor that answers so for a token, and return what was stored."""
    there.answer(*replies)
    clock = FakeClock()
    held = Held(Tokens(client_id="key", refresh_token=SECRET))
    source = TokenSource("default", held, session, there.url, clock)
    assert source.access_token(clock.now() + timedelta(minutes=1)).isascii()
    return held


class OneParameter:
    """A Parameter Store that holds this, whatever the name."""

    def __init__(self, value: str) -> None:
        self._value = value

    def get_parameter(self, **_: object) -> dict[str, Any]:
        return {"Parameter": {"Value": self._value}}


def loaded(value: str) -> Tokens:
    return SsmCredentials(cast("Any", OneParameter(value)), "/email-opens/").load("mine")


@given(body=bodies(token_replies | json_values), status=st.sampled_from([200, 400, 401, 429, 503]))
def test_a_token_reply_gives_a_token_or_stops_the_account_and_tells_nothing(
    there: Stub, session: requests.Session, body: bytes, status: int
) -> None:
    error = refusal(AccountStopped, lambda: renewed(there, session, raw(status, body)))
    assert leaked(error) == []


@given(lifetime=LIFETIMES)
def test_a_token_of_any_lifetime_is_stored_with_its_end(
    there: Stub, session: requests.Session, lifetime: object
) -> None:
    body = json.dumps({"access_token": "fresh", "expires_in": lifetime}).encode()
    (tokens,) = renewed(there, session, raw(200, body)).stored
    assert tokens.expires_at is not None


def test_a_token_that_ended_before_the_calendar_began_stops_nothing_else(
    there: Stub, session: requests.Session
) -> None:
    renewed(there, session, raw(200, b'{"access_token":"fresh","expires_in":-100000000000}'))


def test_a_token_reply_of_a_megabyte_stops_the_account(
    there: Stub, session: requests.Session
) -> None:
    body = json.dumps({"access_token": "x" * MEGABYTE}).encode()
    with pytest.raises(AccountStopped, match="too large"):
        renewed(there, session, raw(200, body))


def test_a_small_reply_that_unpacks_to_much_is_not_unpacked_whole(
    there: Stub, session: requests.Session
) -> None:
    packed = gzip.compress(bytes(100 * MEGABYTE))
    tracemalloc.start()
    try:
        with pytest.raises(AccountStopped, match="too large"):
            renewed(there, session, raw(200, packed, "Content-Encoding: gzip"))
        assert tracemalloc.get_traced_memory()[1] < 10 * MEGABYTE
    finally:
        tracemalloc.stop()


@given(stored)
@example(json.dumps(GOOD | {"client_id": "\ud800"}))
@example(json.dumps(GOOD | {"client_secret": "\udfff"}))
def test_stored_credentials_can_be_sent_or_name_the_way_to_others(value: str) -> None:
    try:
        tokens = loaded(value)
    except AccountDisconnected as error:
        assert "email-opens connect mine" in str(error)  # noqa: PT017 - or they are good
        return
    assert f"{tokens.client_id}:{tokens.client_secret}:{tokens.refresh_token}".encode()


@given(stored)
def test_credentials_that_cannot_be_read_are_not_told(value: str) -> None:
    assert leaked(refusal(AccountDisconnected, lambda: loaded(value))) == []


@given(stored)
def test_credentials_that_are_shown_are_not_told(value: str) -> None:
    if refusal(AccountDisconnected, lambda: loaded(value)) is None:
        assert repr(loaded(value)) == "Tokens(…)"


def test_a_stored_token_that_ended_when_the_calendar_began_is_renewed(
    there: Stub, session: requests.Session
) -> None:
    there.answer(raw(200, b'{"access_token":"fresh"}'))
    held = Held(
        loaded(json.dumps(GOOD | {"access_token": "old", "expires_at": "0001-01-01T00:00:00Z"}))
    )
    clock = FakeClock()
    source = TokenSource("mine", held, session, there.url, clock)
    assert source.access_token(clock.now() + timedelta(minutes=1)) == "fresh"

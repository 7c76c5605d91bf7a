"""Consent on another device: every way in which the wait ends."""

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest

from constant_contact_emulator import Kind
from email_opens.account import Tokens
from email_opens.errors import AccountDisconnected, AccountStopped, InvalidInput
from email_opens_cli.consent import device as device_flow
from email_opens_cli.consent.application import SCOPES, Application
from email_opens_cli.consent.device import Invitation
from tests.integration.secrets_in_output import secrets_in
from tests.unit.cli.consent.consents import Portal, portal

INVITATION = {
    "device_code": "device",
    "user_code": "ABCD",
    "verification_uri": "https://vendor.example/activate",
}


@pytest.fixture
def at() -> Iterator[Portal]:
    with portal() as opened:
        yield opened


def connect(at: Portal, *, consents_in_wait: int | None = None) -> Tokens:
    """Run the flow; the account's owner consents during the wait with this number."""

    def show(invitation: Invitation) -> None:
        if consents_in_wait is not None:
            at.clock.during[consents_in_wait] = lambda: at.vendor.authorization.approve(
                invitation.user_code
            )

    return device_flow.consent(at.server, at.application, show)


def refuse(at: Portal, code: str, *, times: int = 1) -> None:
    at.vendor.faults.add(Kind.STATUS, path="/token", status=400, body={"error": code}, times=times)


def test_consent_gives_tokens_with_every_scope(at: Portal) -> None:
    assert at.scope(connect(at, consents_in_wait=1)) == SCOPES


def test_tokens_expire_when_the_vendor_says(at: Portal) -> None:
    assert connect(at, consents_in_wait=1).expires_at == at.clock.now() + timedelta(hours=24)


def test_the_address_and_the_code_are_shown(at: Portal) -> None:
    shown: list[Invitation] = []

    def show(invitation: Invitation) -> None:
        shown.append(invitation)
        at.vendor.authorization.approve(invitation.user_code)

    device_flow.consent(at.server, at.application, show)
    assert shown[0].address == f"{at.vendor.url}/activate"
    assert shown[0].address_with_code == f"{at.vendor.url}/activate?user_code={shown[0].user_code}"


def test_the_vendor_is_polled_at_its_interval(at: Portal) -> None:
    connect(at, consents_in_wait=3)
    assert at.clock.waits == [5, 5, 5]


def test_slow_down_adds_five_seconds_to_every_later_interval(at: Portal) -> None:
    refuse(at, "slow_down")
    connect(at, consents_in_wait=3)
    assert at.clock.waits == [5, 10, 10]


def test_each_slow_down_adds_five_seconds(at: Portal) -> None:
    refuse(at, "slow_down", times=2)
    connect(at, consents_in_wait=3)
    assert at.clock.waits == [5, 10, 15]


def test_the_interval_doubles_while_the_vendor_drops_connections(at: Portal) -> None:
    at.vendor.faults.add(Kind.DROP, path="/token", times=4)
    connect(at, consents_in_wait=5)
    assert at.clock.waits == [5, 10, 20, 30, 30]


def test_a_throttled_poll_waits_as_long_as_retry_after_requests(at: Portal) -> None:
    at.vendor.faults.add(Kind.STATUS, path="/token", status=429, headers={"retry-after": "20"})
    connect(at, consents_in_wait=2)
    assert at.clock.waits == [5, 20]


def test_a_server_error_does_not_end_the_wait(at: Portal) -> None:
    at.vendor.faults.add(Kind.HTML, path="/token", times=3)
    assert at.scope(connect(at, consents_in_wait=2)) == SCOPES


def test_a_denial_is_an_error(at: Portal) -> None:
    with pytest.raises(AccountDisconnected, match="was denied"):
        device_flow.consent(
            at.server, at.application, lambda shown: at.vendor.authorization.deny(shown.user_code)
        )


def test_an_expired_code_is_an_error(at: Portal) -> None:
    refuse(at, "expired_token")
    with pytest.raises(AccountDisconnected, match="the code has expired"):
        connect(at)


def test_a_code_that_nobody_enters_expires(at: Portal) -> None:
    with pytest.raises(AccountDisconnected, match="the code has expired"):
        connect(at)


def test_the_wait_ends_before_the_code_expires(at: Portal) -> None:
    started = at.clock.now()
    with pytest.raises(AccountDisconnected):
        connect(at)
    assert at.clock.now() - started < timedelta(minutes=10)


def test_a_consent_whose_tokens_were_lost_is_an_error(at: Portal) -> None:
    at.vendor.faults.add(Kind.LOSE_REPLY, path="/token")
    with pytest.raises(AccountDisconnected, match="no longer accepts this consent"):
        connect(at, consents_in_wait=1)


def test_an_interrupted_wait_ends_at_once(at: Portal) -> None:
    def interrupt() -> None:
        raise KeyboardInterrupt

    at.clock.during[2] = interrupt
    with pytest.raises(KeyboardInterrupt):
        connect(at)


def test_an_unknown_client_id_is_an_error(at: Portal) -> None:
    with pytest.raises(InvalidInput, match="does not know this client id"):
        device_flow.consent(at.server, Application(client_id="nobody"), lambda _: None)


def test_an_application_that_may_not_use_the_device_flow_is_an_error(at: Portal) -> None:
    refuse(at, "unauthorized_client")
    with pytest.raises(InvalidInput, match="device flow"):
        connect(at)


def test_a_vendor_that_never_answers_is_an_error(at: Portal) -> None:
    at.vendor.faults.add(Kind.DROP, path="/device", times=4)
    with pytest.raises(AccountStopped, match="is unavailable"):
        connect(at)


def test_a_transient_failure_is_retried(at: Portal) -> None:
    at.vendor.faults.add(Kind.HTML, path="/device", times=3)
    at.vendor.faults.add(
        Kind.STATUS, path="/token", status=200, body={"access_token": "a", "refresh_token": "r"}
    )
    assert connect(at).refresh_token == "r"


@pytest.mark.parametrize(
    "changed",
    [
        {"device_code": None},
        {"user_code": "AB\x1b[2J"},
        {"user_code": 7},
        {"verification_uri": "javascript:alert()"},
        {"verification_uri": "https://vendor.example/\x1b]0;"},
    ],
)
def test_an_invitation_that_is_unsafe_to_print_is_refused(
    at: Portal, changed: dict[str, Any]
) -> None:
    at.vendor.faults.add(Kind.STATUS, path="/device", status=200, body=INVITATION | changed)
    with pytest.raises(AccountStopped, match="is unusable"):
        connect(at)


@pytest.mark.parametrize("body", ["", "nonsense", "[]", "null", "[" * 60_000])
def test_a_malformed_invitation_is_refused(at: Portal, body: str) -> None:
    at.vendor.faults.add(Kind.STATUS, path="/device", status=200, body=body)
    with pytest.raises(AccountStopped, match="is unusable"):
        connect(at)


@pytest.mark.parametrize("odd", [None, "soon", -1, 0, 1e9])
def test_a_malformed_interval_is_taken_for_the_default(at: Portal, odd: Any) -> None:
    body = INVITATION | {"interval": odd, "expires_in": odd}
    at.vendor.faults.add(Kind.STATUS, path="/device", status=200, body=body)
    refuse(at, "access_denied")
    with pytest.raises(AccountDisconnected):
        connect(at)
    assert at.clock.waits == [5]


def test_a_reply_without_a_refresh_token_is_refused(at: Portal) -> None:
    at.vendor.faults.add(Kind.STATUS, path="/token", status=200, body={"access_token": "a"})
    with pytest.raises(AccountDisconnected, match="offline_access"):
        connect(at)


@pytest.mark.parametrize("token", [None, "", 7, "a\nb", "é"])
def test_an_access_token_that_no_header_can_hold_is_refused(at: Portal, token: Any) -> None:
    body = {"access_token": token, "refresh_token": "r"}
    at.vendor.faults.add(Kind.STATUS, path="/token", status=200, body=body)
    with pytest.raises(AccountStopped, match="is unusable"):
        connect(at)


def test_the_error_of_a_refusal_repeats_nothing_of_the_reply(at: Portal) -> None:
    body = {"error": "refresh-0f6b2c1e-0000 bo@example.com", "error_description": "Bearer x"}
    at.vendor.faults.add(Kind.STATUS, path="/token", status=400, body=body)
    with pytest.raises(AccountStopped) as caught:
        connect(at)
    assert secrets_in(str(caught.value)) == []

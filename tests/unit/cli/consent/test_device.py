"""Consent on another device: every ending of the wait."""

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest

from constant_contact_emulator import Kind
from email_opens.errors import AccountDisconnected, AccountStopped, InvalidInput
from email_opens.model import Tokens
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
    """Follow the flow; the owner of the account consents during the wait of that number."""

    def show(invitation: Invitation) -> None:
        if consents_in_wait is not None:
            at.clock.during[consents_in_wait] = lambda: at.vendor.authorization.approve(
                invitation.user_code
            )

    return device_flow.consent(at.server, at.application, show)


def refuse(at: Portal, word: str, *, times: int = 1) -> None:
    at.vendor.faults.add(Kind.STATUS, path="/token", status=400, body={"error": word}, times=times)


def test_consent_gives_tokens_with_every_scope(at: Portal) -> None:
    assert at.scope(connect(at, consents_in_wait=1)) == SCOPES


def test_tokens_are_good_for_as_long_as_the_vendor_says(at: Portal) -> None:
    assert connect(at, consents_in_wait=1).expires_at == at.clock.now() + timedelta(hours=24)


def test_a_person_is_shown_address_and_code(at: Portal) -> None:
    shown: list[Invitation] = []

    def show(invitation: Invitation) -> None:
        shown.append(invitation)
        at.vendor.authorization.approve(invitation.user_code)

    device_flow.consent(at.server, at.application, show)
    assert shown[0].address == f"{at.vendor.url}/activate"
    assert shown[0].address_with_code == f"{at.vendor.url}/activate?user_code={shown[0].user_code}"


def test_the_vendor_is_asked_no_sooner_than_its_interval(at: Portal) -> None:
    connect(at, consents_in_wait=3)
    assert at.clock.waits == [5, 5, 5]


def test_slow_down_adds_five_seconds_for_good(at: Portal) -> None:
    refuse(at, "slow_down")
    connect(at, consents_in_wait=3)
    assert at.clock.waits == [5, 10, 10]


def test_each_slow_down_adds_more(at: Portal) -> None:
    refuse(at, "slow_down", times=2)
    connect(at, consents_in_wait=3)
    assert at.clock.waits == [5, 10, 15]


def test_a_vendor_that_drops_connections_is_asked_ever_more_seldom(at: Portal) -> None:
    at.vendor.faults.add(Kind.DROP, path="/token", times=4)
    connect(at, consents_in_wait=5)
    assert at.clock.waits == [5, 10, 20, 30, 30]


def test_a_throttled_question_waits_as_long_as_it_was_asked_to(at: Portal) -> None:
    at.vendor.faults.add(Kind.STATUS, path="/token", status=429, headers={"retry-after": "20"})
    connect(at, consents_in_wait=2)
    assert at.clock.waits == [5, 20]


def test_a_server_error_ends_nothing(at: Portal) -> None:
    at.vendor.faults.add(Kind.HTML, path="/token", times=3)
    assert at.scope(connect(at, consents_in_wait=2)) == SCOPES


def test_a_denial_is_told(at: Portal) -> None:
    with pytest.raises(AccountDisconnected, match="was denied"):
        device_flow.consent(
            at.server, at.application, lambda one: at.vendor.authorization.deny(one.user_code)
        )


def test_a_code_that_the_vendor_calls_expired_is_told(at: Portal) -> None:
    refuse(at, "expired_token")
    with pytest.raises(AccountDisconnected, match="the code has expired"):
        connect(at)


def test_a_code_that_nobody_enters_is_told_to_have_expired(at: Portal) -> None:
    with pytest.raises(AccountDisconnected, match="the code has expired"):
        connect(at)


def test_nobody_is_waited_for_beyond_the_end_of_the_code(at: Portal) -> None:
    began = at.clock.now()
    with pytest.raises(AccountDisconnected):
        connect(at)
    assert at.clock.now() - began < timedelta(minutes=10)


def test_a_consent_whose_tokens_were_lost_on_the_way_is_told(at: Portal) -> None:
    at.vendor.faults.add(Kind.LOSE_REPLY, path="/token")
    with pytest.raises(AccountDisconnected, match="no longer takes this consent"):
        connect(at, consents_in_wait=1)


def test_an_interrupted_wait_ends_at_once(at: Portal) -> None:
    def interrupt() -> None:
        raise KeyboardInterrupt

    at.clock.during[2] = interrupt
    with pytest.raises(KeyboardInterrupt):
        connect(at)


def test_an_unknown_client_id_is_told(at: Portal) -> None:
    with pytest.raises(InvalidInput, match="does not know this client id"):
        device_flow.consent(at.server, Application(client_id="nobody"), lambda _: None)


def test_an_application_that_is_not_for_devices_is_told(at: Portal) -> None:
    refuse(at, "unauthorized_client")
    with pytest.raises(InvalidInput, match="device flow"):
        connect(at)


def test_a_vendor_that_does_not_answer_is_told(at: Portal) -> None:
    at.vendor.faults.add(Kind.DROP, path="/device", times=4)
    with pytest.raises(AccountStopped, match="cannot be asked"):
        connect(at)


def test_a_vendor_that_answers_at_last_is_enough(at: Portal) -> None:
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
def test_an_invitation_that_cannot_be_shown_is_refused(at: Portal, changed: dict[str, Any]) -> None:
    at.vendor.faults.add(Kind.STATUS, path="/device", status=200, body=INVITATION | changed)
    with pytest.raises(AccountStopped, match="cannot be used"):
        connect(at)


@pytest.mark.parametrize("body", ["", "nonsense", "[]", "null", "[" * 60_000])
def test_an_invitation_that_is_none_is_refused(at: Portal, body: str) -> None:
    at.vendor.faults.add(Kind.STATUS, path="/device", status=200, body=body)
    with pytest.raises(AccountStopped, match="cannot be used"):
        connect(at)


@pytest.mark.parametrize("odd", [None, "soon", -1, 0, 1e9])
def test_an_odd_interval_is_the_usual_one(at: Portal, odd: Any) -> None:
    body = INVITATION | {"interval": odd, "expires_in": odd}
    at.vendor.faults.add(Kind.STATUS, path="/device", status=200, body=body)
    refuse(at, "access_denied")
    with pytest.raises(AccountDisconnected):
        connect(at)
    assert at.clock.waits == [5]


def test_tokens_without_one_to_refresh_are_refused(at: Portal) -> None:
    at.vendor.faults.add(Kind.STATUS, path="/token", status=200, body={"access_token": "a"})
    with pytest.raises(AccountDisconnected, match="offline_access"):
        connect(at)


@pytest.mark.parametrize("token", [None, "", 7, "a\nb", "é"])
def test_an_access_token_that_no_request_could_hold_is_refused(at: Portal, token: Any) -> None:
    body = {"access_token": token, "refresh_token": "r"}
    at.vendor.faults.add(Kind.STATUS, path="/token", status=200, body=body)
    with pytest.raises(AccountStopped, match="cannot be used"):
        connect(at)


def test_no_refusal_holds_what_the_vendor_said(at: Portal) -> None:
    body = {"error": "refresh-0f6b2c1e-0000 bo@example.com", "error_description": "Bearer x"}
    at.vendor.faults.add(Kind.STATUS, path="/token", status=400, body=body)
    with pytest.raises(AccountStopped) as told:
        connect(at)
    assert secrets_in(str(told.value)) == []

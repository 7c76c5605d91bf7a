"""Consent in a browser, and which client may redeem its code."""

import base64
import hashlib
from datetime import timedelta
from urllib.parse import parse_qs, urlsplit

import pytest
import requests

from tests.unit.emulator.client import EmulatorClient

REDIRECT_URI = "http://localhost:1/connected"
VERIFIER = "v" * 43
CHALLENGE = base64.urlsafe_b64encode(hashlib.sha256(VERIFIER.encode()).digest())
PARAMETERS = {
    "client_id": "an-app",
    "response_type": "code",
    "redirect_uri": REDIRECT_URI,
    "scope": "campaign_data",
    "state": "first",
    "code_challenge": CHALLENGE.rstrip(b"=").decode(),
    "code_challenge_method": "S256",
}


@pytest.fixture(autouse=True)
def _application(client: EmulatorClient) -> None:
    client.emulator.authorization.add_client("an-app", secret="s3cret")


def visit(client: EmulatorClient, **changed: str) -> requests.Response:
    url = f"{client.emulator.auth_url}/authorize"
    return client.session.get(url, params=PARAMETERS | changed, allow_redirects=False, timeout=5)


def redirect_parameters(reply: requests.Response) -> dict[str, str]:
    """Return the parameters of the redirect to the application."""
    assert reply.status_code == 302
    location = reply.headers["Location"]
    assert location.startswith(REDIRECT_URI)
    return {name: values[0] for name, values in parse_qs(urlsplit(location).query).items()}


def redemption(code: str, **changed: str) -> dict[str, str]:
    form = {
        "grant_type": "authorization_code",
        "code": code,
        "redirect_uri": REDIRECT_URI,
        "code_verifier": VERIFIER,
    }
    return form | changed


def redeem(client: EmulatorClient, code: str, **changed: str) -> requests.Response:
    return client.post("/token", redemption(code, **changed), ("an-app", "s3cret"))


def test_a_code_is_redeemed_for_valid_tokens(client: EmulatorClient) -> None:
    pair = redeem(client, redirect_parameters(visit(client))["code"]).json()
    client.authorize(pair["access_token"])
    assert client.get("/v3/emails").status_code == 200


def test_a_code_comes_with_the_state_of_the_request(client: EmulatorClient) -> None:
    assert redirect_parameters(visit(client, state="second"))["state"] == "second"


def test_a_code_can_be_redeemed_once(client: EmulatorClient) -> None:
    code = redirect_parameters(visit(client))["code"]
    redeem(client, code)
    assert redeem(client, code).json()["error"] == "invalid_grant"


def test_a_code_expires_after_five_minutes(client: EmulatorClient) -> None:
    code = redirect_parameters(visit(client))["code"]
    client.clock.advance(timedelta(minutes=5))
    assert redeem(client, code).json()["error"] == "invalid_grant"


@pytest.mark.parametrize(
    "changed", [{"code_verifier": "w" * 43}, {"redirect_uri": "http://localhost:2/connected"}]
)
def test_a_code_is_refused_with_another_verifier_or_address(
    client: EmulatorClient, changed: dict[str, str]
) -> None:
    code = redirect_parameters(visit(client))["code"]
    assert redeem(client, code, **changed).json()["error"] == "invalid_grant"


def test_a_code_is_refused_to_another_client(client: EmulatorClient) -> None:
    client.emulator.authorization.add_client("another")
    code = redirect_parameters(visit(client))["code"]
    reply = client.post("/token", redemption(code, client_id="another"))
    assert reply.json()["error"] == "invalid_grant"


@pytest.mark.parametrize(
    "changed",
    [
        {"response_type": "token"},
        {"state": ""},
        {"code_challenge": "short"},
        {"code_challenge_method": "plain"},
    ],
)
def test_an_invalid_request_gets_no_code(client: EmulatorClient, changed: dict[str, str]) -> None:
    assert redirect_parameters(visit(client, **changed))["error"] == "invalid_request"


def test_a_denial_redirects_with_an_error(client: EmulatorClient) -> None:
    client.emulator.authorization.codes.denies = True
    assert redirect_parameters(visit(client))["error"] == "access_denied"


@pytest.mark.parametrize("changed", [{"client_id": "unknown"}, {"redirect_uri": "javascript:1"}])
def test_an_unknown_client_or_address_is_not_redirected(
    client: EmulatorClient, changed: dict[str, str]
) -> None:
    reply = visit(client, **changed)
    assert (reply.status_code, "Location" in reply.headers) == (400, False)

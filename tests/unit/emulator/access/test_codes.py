"""The authorization server: consent in a browser, and who may redeem its code."""

import base64
import hashlib
from datetime import timedelta
from urllib.parse import parse_qs, urlsplit

import pytest
import requests

from tests.unit.emulator.conftest import Vendor

REDIRECT_URI = "http://localhost:1/connected"
VERIFIER = "v" * 43
CHALLENGE = base64.urlsafe_b64encode(hashlib.sha256(VERIFIER.encode()).digest())
ASKED = {
    "client_id": "an-app",
    "response_type": "code",
    "redirect_uri": REDIRECT_URI,
    "scope": "campaign_data",
    "state": "mine",
    "code_challenge": CHALLENGE.rstrip(b"=").decode(),
    "code_challenge_method": "S256",
}


@pytest.fixture(autouse=True)
def _application(vendor: Vendor) -> None:
    vendor.emulator.authorization.add_client("an-app", secret="s3cret")


def visit(vendor: Vendor, **changed: str) -> requests.Response:
    url = f"{vendor.emulator.auth_url}/authorize"
    return vendor.session.get(url, params=ASKED | changed, allow_redirects=False, timeout=5)


def sent_back(reply: requests.Response) -> dict[str, str]:
    """Return what the browser takes back to the application."""
    assert reply.status_code == 302
    location = reply.headers["Location"]
    assert location.startswith(REDIRECT_URI)
    return {name: values[0] for name, values in parse_qs(urlsplit(location).query).items()}


def redeem(vendor: Vendor, code: str, **changed: str) -> requests.Response:
    form = {
        "grant_type": "authorization_code",
        "code": code,
        "redirect_uri": REDIRECT_URI,
        "code_verifier": VERIFIER,
    }
    url = f"{vendor.emulator.auth_url}/token"
    return vendor.post(url, form | changed, auth=("an-app", "s3cret"))


def test_a_code_is_redeemed_for_a_pair_that_works(vendor: Vendor) -> None:
    pair = redeem(vendor, sent_back(visit(vendor))["code"]).json()
    vendor.headers["Authorization"] = f"Bearer {pair['access_token']}"
    assert vendor.get("/v3/emails").status_code == 200


def test_a_code_comes_with_the_state_of_its_asker(vendor: Vendor) -> None:
    assert sent_back(visit(vendor, state="another"))["state"] == "another"


def test_a_code_works_once(vendor: Vendor) -> None:
    code = sent_back(visit(vendor))["code"]
    redeem(vendor, code)
    assert redeem(vendor, code).json()["error"] == "invalid_grant"


def test_a_code_ends_after_five_minutes(vendor: Vendor) -> None:
    code = sent_back(visit(vendor))["code"]
    vendor.clock.advance(timedelta(minutes=5))
    assert redeem(vendor, code).json()["error"] == "invalid_grant"


@pytest.mark.parametrize(
    "changed", [{"code_verifier": "w" * 43}, {"redirect_uri": "http://localhost:2/connected"}]
)
def test_a_code_is_nothing_to_whoever_did_not_ask(vendor: Vendor, changed: dict[str, str]) -> None:
    code = sent_back(visit(vendor))["code"]
    assert redeem(vendor, code, **changed).json()["error"] == "invalid_grant"


def test_a_code_is_nothing_to_another_client(vendor: Vendor) -> None:
    vendor.emulator.authorization.add_client("another")
    code = sent_back(visit(vendor))["code"]
    form = {
        "grant_type": "authorization_code",
        "client_id": "another",
        "code": code,
        "redirect_uri": REDIRECT_URI,
        "code_verifier": VERIFIER,
    }
    reply = vendor.post(f"{vendor.emulator.auth_url}/token", form)
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
def test_a_request_without_its_proofs_gets_no_code(vendor: Vendor, changed: dict[str, str]) -> None:
    assert sent_back(visit(vendor, **changed))["error"] == "invalid_request"


def test_a_denial_is_sent_back(vendor: Vendor) -> None:
    vendor.emulator.authorization.codes.denies = True
    assert sent_back(visit(vendor))["error"] == "access_denied"


@pytest.mark.parametrize("changed", [{"client_id": "nobody"}, {"redirect_uri": "javascript:1"}])
def test_a_stranger_is_sent_nowhere(vendor: Vendor, changed: dict[str, str]) -> None:
    reply = visit(vendor, **changed)
    assert (reply.status_code, "Location" in reply.headers) == (400, False)

"""The authorization server: refreshing, and consent on another device."""

from datetime import timedelta

import pytest
import requests

from constant_contact_emulator import Grant, Kind
from tests.unit.emulator.conftest import Vendor

DEVICE_GRANT = "urn:ietf:params:oauth:grant-type:device_code"


def refresh(vendor: Vendor, grant: Grant, token: str | None = None) -> requests.Response:
    form = {"grant_type": "refresh_token", "refresh_token": token or grant.refresh_token}
    auth = (grant.client_id, grant.client_secret) if grant.client_secret else None
    if auth is None:
        form["client_id"] = grant.client_id
    return vendor.post(f"{vendor.emulator.auth_url}/token", form, auth=auth)


def works(vendor: Vendor, access_token: str) -> bool:
    vendor.headers["Authorization"] = f"Bearer {access_token}"
    return vendor.get("/v3/emails").status_code == 200


@pytest.mark.parametrize("secret", [None, "s3cret"])
def test_a_refresh_gives_a_pair_that_works(vendor: Vendor, secret: str | None) -> None:
    grant = vendor.emulator.connect(client_id="an-app", client_secret=secret)
    pair = refresh(vendor, grant).json()
    assert works(vendor, pair["access_token"])
    assert pair["expires_in"] == 86_400
    assert pair["token_type"] == "Bearer"


def test_a_client_with_a_secret_must_give_it(vendor: Vendor) -> None:
    grant = vendor.emulator.connect(client_id="an-app", client_secret="s3cret")
    form = {"grant_type": "refresh_token", "refresh_token": grant.refresh_token}
    url = f"{vendor.emulator.auth_url}/token"
    named = vendor.post(url, form | {"client_id": "an-app"})
    wrong = vendor.post(url, form, auth=("an-app", "guess"))
    assert (named.status_code, wrong.status_code) == (401, 401)


def test_a_rotating_refresh_token_works_once(vendor: Vendor) -> None:
    grant = vendor.emulator.connect()
    pair = refresh(vendor, grant).json()
    again = refresh(vendor, grant)
    assert again.status_code == 400
    assert again.json()["error"] == "invalid_grant"
    assert refresh(vendor, grant, pair["refresh_token"]).status_code == 200


def test_a_long_lived_refresh_token_comes_back(vendor: Vendor) -> None:
    vendor.emulator.authorization.rotating = False
    grant = vendor.emulator.connect()
    tokens = [refresh(vendor, grant).json()["refresh_token"] for _ in range(2)]
    assert tokens == [grant.refresh_token] * 2


def test_a_reply_may_leave_the_refresh_token_out(vendor: Vendor) -> None:
    vendor.emulator.authorization.names_refresh_token = False
    grant = vendor.emulator.connect()
    assert "refresh_token" not in refresh(vendor, grant).json()
    assert refresh(vendor, grant).status_code == 200


def test_a_lost_reply_has_rotated_the_token_all_the_same(vendor: Vendor) -> None:
    grant = vendor.emulator.connect()
    vendor.emulator.faults.add(Kind.LOSE_REPLY, path="/token")
    with pytest.raises(requests.exceptions.ConnectionError):
        refresh(vendor, grant)
    assert refresh(vendor, grant).status_code == 400


@pytest.mark.parametrize(("days", "status"), [(179, 200), (181, 400)])
def test_a_refresh_token_dies_after_180_days_unused(vendor: Vendor, days: int, status: int) -> None:
    grant = vendor.emulator.connect()
    vendor.clock.advance(timedelta(days=days))
    assert refresh(vendor, grant).status_code == status


def test_an_access_token_ends_after_a_day(vendor: Vendor) -> None:
    grant = vendor.emulator.connect()
    vendor.clock.advance(timedelta(hours=23, minutes=59))
    before = works(vendor, grant.access_token)
    vendor.clock.advance(timedelta(minutes=1))
    assert (before, works(vendor, grant.access_token)) == (True, False)


def test_a_disconnected_application_has_no_token_that_works(vendor: Vendor) -> None:
    grant = vendor.emulator.connect()
    vendor.emulator.authorization.revoke()
    assert not works(vendor, grant.access_token)
    assert refresh(vendor, grant).status_code == 400


def test_credentials_are_what_a_parameter_holds(vendor: Vendor) -> None:
    held = vendor.emulator.credentials(client_id="an-app", client_secret="s3cret")
    assert set(held) == {
        "client_id",
        "client_secret",
        "refresh_token",
        "access_token",
        "expires_at",
    }
    assert held["expires_at"] == "2026-03-03T14:00:30Z"


class TestDevice:
    @pytest.fixture(autouse=True)
    def _begin(self, vendor: Vendor) -> None:
        vendor.emulator.authorization.add_client("an-app")
        form = {
            "client_id": "an-app",
            "response_type": "code",
            "scope": "campaign_data",
            "state": "x",
        }
        reply = vendor.post(f"{vendor.emulator.auth_url}/device/authorize", form)
        self.vendor, self.begun = vendor, reply.json()

    def ask(self) -> requests.Response:
        form = {
            "grant_type": DEVICE_GRANT,
            "client_id": "an-app",
            "device_code": self.begun["device_code"],
        }
        self.vendor.clock.advance(timedelta(seconds=self.begun["interval"]))
        return self.vendor.post(f"{self.vendor.emulator.auth_url}/token", form)

    def test_begins_with_what_a_person_needs(self) -> None:
        assert self.begun["expires_in"] == 600
        assert self.begun["interval"] == 5
        assert self.begun["verification_uri_complete"].endswith(self.begun["user_code"])

    def test_is_pending_until_the_owner_consents(self) -> None:
        assert self.ask().json()["error"] == "authorization_pending"
        self.vendor.session.get(self.begun["verification_uri_complete"], timeout=5)
        pair = self.ask().json()
        assert works(self.vendor, pair["access_token"])

    def test_gives_a_token_that_is_refreshed_without_a_secret(self) -> None:
        self.vendor.emulator.authorization.approve(self.begun["user_code"])
        pair = self.ask().json()
        form = {
            "grant_type": "refresh_token",
            "refresh_token": pair["refresh_token"],
            "client_id": "an-app",
        }
        assert self.vendor.post(f"{self.vendor.emulator.auth_url}/token", form).ok

    def test_code_works_once(self) -> None:
        self.vendor.emulator.authorization.approve(self.begun["user_code"])
        self.ask()
        assert self.ask().json()["error"] == "invalid_grant"

    def test_is_told_to_slow_down(self) -> None:
        self.ask()
        self.vendor.clock.advance(timedelta(seconds=-4))
        assert self.ask().json()["error"] == "slow_down"

    def test_is_told_when_the_owner_denies(self) -> None:
        self.vendor.emulator.authorization.deny(self.begun["user_code"])
        assert self.ask().json()["error"] == "access_denied"

    def test_code_ends_after_ten_minutes(self) -> None:
        self.vendor.clock.advance(timedelta(minutes=10))
        assert self.ask().json()["error"] == "expired_token"


def test_an_unknown_client_gets_no_device_code(vendor: Vendor) -> None:
    url = f"{vendor.emulator.auth_url}/device/authorize"
    assert vendor.post(url, {"client_id": "nobody"}).json() == {"error": "invalid_client"}


def test_an_unknown_grant_type_is_refused(vendor: Vendor) -> None:
    grant = vendor.emulator.connect()
    form = {"grant_type": "client_credentials", "client_id": grant.client_id}
    reply = vendor.post(f"{vendor.emulator.auth_url}/token", form)
    assert reply.json() == {"error": "unsupported_grant_type"}

"""Consent on another device, such as a telephone."""

from datetime import timedelta

import pytest
import requests

from tests.unit.emulator.client import EmulatorClient

DEVICE_GRANT = "urn:ietf:params:oauth:grant-type:device_code"
PARAMETERS = {
    "client_id": "an-app",
    "response_type": "code",
    "scope": "campaign_data",
    "state": "x",
}


class Device:
    """A device flow that has begun."""

    def __init__(self, client: EmulatorClient) -> None:
        client.emulator.authorization.add_client("an-app")
        self.client = client
        self.codes = client.post("/device/authorize", PARAMETERS).json()

    def poll(self) -> requests.Response:
        """Wait for the interval, and request the tokens."""
        self.client.clock.advance(timedelta(seconds=self.codes["interval"]))
        form = {
            "grant_type": DEVICE_GRANT,
            "client_id": "an-app",
            "device_code": self.codes["device_code"],
        }
        return self.client.post("/token", form)

    def approve(self) -> None:
        self.client.emulator.authorization.approve(self.codes["user_code"])


@pytest.fixture
def device(client: EmulatorClient) -> Device:
    return Device(client)


def test_a_device_flow_begins_with_a_code_and_an_address_for_the_owner(device: Device) -> None:
    assert device.codes["expires_in"] == 600
    assert device.codes["interval"] == 5
    assert device.codes["verification_uri_complete"].endswith(device.codes["user_code"])


def test_a_poll_is_pending_until_the_owner_consents(client: EmulatorClient, device: Device) -> None:
    assert device.poll().json()["error"] == "authorization_pending"
    client.session.get(device.codes["verification_uri_complete"], timeout=5)
    client.authorize(device.poll().json()["access_token"])
    assert client.get("/v3/emails").status_code == 200


def test_a_token_of_a_device_is_refreshed_without_a_secret(
    client: EmulatorClient, device: Device
) -> None:
    device.approve()
    form = {
        "grant_type": "refresh_token",
        "refresh_token": device.poll().json()["refresh_token"],
        "client_id": "an-app",
    }
    assert client.post("/token", form).ok


def test_a_device_code_can_be_redeemed_once(device: Device) -> None:
    device.approve()
    device.poll()
    assert device.poll().json()["error"] == "invalid_grant"


def test_a_hasty_poll_must_slow_down(client: EmulatorClient, device: Device) -> None:
    device.poll()
    client.clock.advance(timedelta(seconds=-4))
    assert device.poll().json()["error"] == "slow_down"


def test_a_poll_is_refused_when_the_owner_denies_consent(
    client: EmulatorClient, device: Device
) -> None:
    client.emulator.authorization.deny(device.codes["user_code"])
    assert device.poll().json()["error"] == "access_denied"


def test_a_device_code_expires_after_ten_minutes(client: EmulatorClient, device: Device) -> None:
    client.clock.advance(timedelta(minutes=10))
    assert device.poll().json()["error"] == "expired_token"


def test_a_device_code_is_refused_to_another_client(client: EmulatorClient, device: Device) -> None:
    client.emulator.authorization.add_client("another")
    form = {
        "grant_type": DEVICE_GRANT,
        "client_id": "another",
        "device_code": device.codes["device_code"],
    }
    assert client.post("/token", form).json()["error"] == "invalid_grant"


def test_an_unknown_client_gets_no_device_code(client: EmulatorClient) -> None:
    reply = client.post("/device/authorize", {"client_id": "unknown"})
    assert reply.json() == {"error": "invalid_client"}

"""Tokens: refreshing, expiry and revocation."""

from datetime import timedelta

import pytest
import requests

from constant_contact_emulator import Grant, Kind
from tests.unit.emulator.client import EmulatorClient


def refresh(client: EmulatorClient, grant: Grant, token: str | None = None) -> requests.Response:
    form = {"grant_type": "refresh_token", "refresh_token": token or grant.refresh_token}
    auth = (grant.client_id, grant.client_secret) if grant.client_secret else None
    if auth is None:
        form["client_id"] = grant.client_id
    return client.post("/token", form, auth)


def works(client: EmulatorClient, access_token: str) -> bool:
    client.authorize(access_token)
    return client.get("/v3/emails").status_code == 200


@pytest.mark.parametrize("secret", [None, "s3cret"])
def test_a_refresh_returns_valid_tokens(client: EmulatorClient, secret: str | None) -> None:
    grant = client.emulator.connect(client_id="an-app", client_secret=secret)
    pair = refresh(client, grant).json()
    assert works(client, pair["access_token"])
    assert pair["expires_in"] == 86_400
    assert pair["token_type"] == "Bearer"


def test_a_client_with_a_secret_must_send_it(client: EmulatorClient) -> None:
    grant = client.emulator.connect(client_id="an-app", client_secret="s3cret")
    form = {"grant_type": "refresh_token", "refresh_token": grant.refresh_token}
    missing = client.post("/token", form | {"client_id": "an-app"})
    wrong = client.post("/token", form, ("an-app", "guess"))
    assert (missing.status_code, wrong.status_code) == (401, 401)


def test_a_rotating_refresh_token_works_once(client: EmulatorClient) -> None:
    grant = client.emulator.connect()
    pair = refresh(client, grant).json()
    second = refresh(client, grant)
    assert second.status_code == 400
    assert second.json()["error"] == "invalid_grant"
    assert refresh(client, grant, pair["refresh_token"]).status_code == 200


def test_a_long_lived_refresh_token_stays_the_same(client: EmulatorClient) -> None:
    client.emulator.authorization.rotating = False
    grant = client.emulator.connect()
    tokens = [refresh(client, grant).json()["refresh_token"] for _ in range(2)]
    assert tokens == [grant.refresh_token] * 2


def test_a_reply_without_a_refresh_token_leaves_the_old_one_valid(client: EmulatorClient) -> None:
    client.emulator.authorization.names_refresh_token = False
    grant = client.emulator.connect()
    assert "refresh_token" not in refresh(client, grant).json()
    assert refresh(client, grant).status_code == 200


def test_a_lost_reply_rotates_the_token_nevertheless(client: EmulatorClient) -> None:
    grant = client.emulator.connect()
    client.emulator.faults.add(Kind.LOSE_REPLY, path="/token")
    with pytest.raises(requests.exceptions.ConnectionError):
        refresh(client, grant)
    assert refresh(client, grant).status_code == 400


@pytest.mark.parametrize(("days", "status"), [(179, 200), (181, 400)])
def test_a_refresh_token_expires_after_180_days_unused(
    client: EmulatorClient, days: int, status: int
) -> None:
    grant = client.emulator.connect()
    client.clock.advance(timedelta(days=days))
    assert refresh(client, grant).status_code == status


def test_an_access_token_expires_after_a_day(client: EmulatorClient) -> None:
    grant = client.emulator.connect()
    client.clock.advance(timedelta(hours=23, minutes=59))
    before = works(client, grant.access_token)
    client.clock.advance(timedelta(minutes=1))
    assert (before, works(client, grant.access_token)) == (True, False)


def test_revocation_makes_every_token_invalid(client: EmulatorClient) -> None:
    grant = client.emulator.connect()
    client.emulator.authorization.revoke()
    assert not works(client, grant.access_token)
    assert refresh(client, grant).status_code == 400


def test_credentials_have_the_fields_of_the_parameter(client: EmulatorClient) -> None:
    credentials = client.emulator.credentials(client_id="an-app", client_secret="s3cret")
    assert set(credentials) == {
        "client_id",
        "client_secret",
        "refresh_token",
        "access_token",
        "expires_at",
    }
    assert credentials["expires_at"] == "2026-03-03T14:00:30Z"


def test_an_unknown_grant_type_is_refused(client: EmulatorClient) -> None:
    grant = client.emulator.connect()
    form = {"grant_type": "client_credentials", "client_id": grant.client_id}
    reply = client.post("/token", form)
    assert reply.json() == {"error": "unsupported_grant_type"}

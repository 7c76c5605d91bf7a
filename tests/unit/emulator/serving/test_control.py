"""The control endpoint, which serves tests in other processes."""

from typing import Any

import pytest

from constant_contact_emulator import Paging
from tests.unit.emulator.client import EmulatorClient, opens_path


def control(client: EmulatorClient, method: str, action: str, /, **details: Any) -> Any:
    url = f"{client.emulator.url}/_control/{action}"
    reply = client.session.request(method, url, json=details or None, timeout=5)
    assert reply.status_code == 200, reply.text
    return reply.json()


def test_campaigns_and_rows_can_be_added_and_counted(client: EmulatorClient) -> None:
    campaign = control(client, "POST", "campaigns", name="Spring", sent=True)
    activity_id = campaign["activity"]
    control(client, "POST", "opens", activity=activity_id, count=3)
    control(
        client,
        "POST",
        "opens",
        activity=activity_id,
        opens=[{"contact_id": "c", "created_time": "2026-03-02T12:00:00Z", "device_type": None}],
    )
    control(client, "POST", "rows", activity=activity_id, row={"broken": True})
    assert control(client, "POST", "withdraw", activity=activity_id) == {"withdrawn": 1}
    assert control(client, "GET", f"rows?activity={activity_id}") == {"rows": 4}
    (listed,) = control(client, "GET", "campaigns")
    assert listed["name"] == "Spring"


def test_a_send_can_be_simulated(client: EmulatorClient) -> None:
    campaign = control(client, "POST", "campaigns", contacts=100, sent_at="2026-01-01T00:00:00Z")
    assert (
        control(client, "GET", f"rows?activity={campaign['activity']}")["rows"]
        == campaign["rows"]
        > 0
    )


def test_a_campaign_can_be_resent(client: EmulatorClient) -> None:
    campaign = control(client, "POST", "campaigns")
    resend = control(client, "POST", "resend", campaign=campaign["campaign"])
    assert client.get(opens_path(resend["activity"])).status_code == 200


def test_faults_can_be_queued_and_cleared(client: EmulatorClient) -> None:
    control(client, "POST", "faults", kind="status", status=503, times=2)
    assert client.get("/v3/emails").status_code == 503
    assert control(client, "GET", "faults") == {"faults": 1}
    control(client, "DELETE", "faults")
    assert client.get("/v3/emails").status_code == 200


def test_requests_can_be_read_and_cleared(client: EmulatorClient) -> None:
    client.get("/v3/emails")
    client.get("/v3/account/summary")
    (logged,) = control(client, "GET", "requests?path=summary")
    assert logged["status"] == 200
    control(client, "DELETE", "requests")
    assert control(client, "GET", "requests") == []


def test_behaviour_can_be_changed(client: EmulatorClient) -> None:
    control(client, "POST", "behaviour", paging="keyset", unknown_fields=True, link_lifetime=60)
    behaviour = client.emulator.world.behaviour
    assert (behaviour.paging, behaviour.unknown_fields) == (Paging.KEYSET, True)


def test_limits_can_be_set(client: EmulatorClient) -> None:
    control(client, "POST", "limits", per_day=0)
    assert client.get("/v3/emails").status_code == 429


def test_tokens_can_be_expired_and_revoked(client: EmulatorClient) -> None:
    credentials = control(client, "POST", "connect", account="other")
    client.authorize(credentials["access_token"])
    assert client.get("/v3/emails").status_code == 200
    control(client, "POST", "expire")
    assert client.get("/v3/emails").status_code == 401
    control(client, "POST", "revoke")


@pytest.mark.parametrize("action", ["approve", "deny"])
def test_a_device_can_be_approved_or_denied(client: EmulatorClient, action: str) -> None:
    client.emulator.authorization.add_client("an-app")
    user_code = client.post("/device/authorize", {"client_id": "an-app"}).json()["user_code"]
    assert control(client, "GET", "devices") == {"user_codes": [user_code]}
    control(client, "POST", action, user_code=user_code)
    assert control(client, "GET", "devices") == {"user_codes": []}


def test_the_clock_can_be_advanced(client: EmulatorClient) -> None:
    assert control(client, "POST", "clock", seconds=90) == {"now": "2026-03-02T14:02:00+00:00"}


@pytest.mark.parametrize(
    ("name", "details"),
    [
        ("faults", {"kind": "nonsense"}),
        ("faults", {"kind": "status", "colour": "red"}),
        ("behaviour", {"paging": "nonsense"}),
        ("behaviour", {"colour": "red"}),
        ("opens", {"activity": "nonsense"}),
        ("opens", {}),
    ],
)
def test_an_invalid_request_gets_an_error(
    client: EmulatorClient, name: str, details: dict[str, str]
) -> None:
    url = f"{client.emulator.url}/_control/{name}"
    reply = client.session.post(url, json=details, timeout=5)
    assert reply.status_code == 400
    assert reply.json()["error"]


def test_an_unknown_action_gets_a_list_of_the_actions(client: EmulatorClient) -> None:
    reply = client.session.get(f"{client.emulator.url}/_control/nonsense", timeout=5)
    assert reply.status_code == 404
    assert "POST /_control/faults" in reply.json()["known"]

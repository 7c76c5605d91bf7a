"""The control endpoint, which serves tests in other processes."""

from base64 import b64encode
from datetime import timedelta
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


def test_rows_can_be_odd_revised_and_erased(client: EmulatorClient) -> None:
    activity_id = client.send_activity()
    opens = [{"contact": 0, "odd": "tab"}, {"contact": 1, "device_type": None}]
    control(client, "POST", "opens", activity=activity_id, opens=opens)
    row = b64encode(b'{"a":\x01}').decode()
    control(client, "POST", "rows", activity=activity_id, row_base64=row, at="2020-01-01T00:00Z")
    revised = control(client, "POST", "revise", activity=activity_id, device_type="mobile")
    first, second = client.emulator.world.contacts(2)
    erased = control(client, "POST", "erase", contact_id=first.contact_id)
    assert (revised, erased) == ({"revised": 1}, {"erased": 1})
    body = client.get(opens_path(activity_id)).content
    assert b'"Rea\tder"' in body
    assert b'{"a":\x01}' in body
    assert str(first.email_address).encode() not in body
    assert str(second.email_address).encode() in body


def test_a_counter_can_be_odd_and_then_normal_again(client: EmulatorClient) -> None:
    campaign_id, _ = client.send_campaign(0)
    path = f"/v3/reports/stats/email_campaigns/{campaign_id}"
    control(client, "POST", "counter", campaign=campaign_id, stats={"em_opens_all": None})
    odd = client.get(path).json()["results"][0]["stats"]["em_opens_all"]
    control(client, "POST", "counter", campaign=campaign_id, without=["em_opens_all"])
    missing = client.get(path).json()["results"][0]["stats"]
    control(client, "POST", "counter", campaign=campaign_id)
    sound = client.get(path).json()["results"][0]["stats"]["em_opens_all"]
    assert (odd, "em_opens_all" in missing, sound) == (None, False, 1)


def test_an_action_can_wait_for_a_request(client: EmulatorClient) -> None:
    _, activity_id = client.send_campaign(0, 1, 2)
    later = {"action": "POST withdraw", "path": "/opens", "details": {"activity": activity_id}}
    control(client, "POST", "later", nth=2, **later)
    assert [len(client.walk(activity_id)) for _ in range(3)] == [3, 2, 2]


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


def test_a_send_and_a_resend_can_be_scheduled_and_unscheduled(client: EmulatorClient) -> None:
    campaign = control(client, "POST", "campaigns", sent=False)
    path = f"/v3/emails/activities/{campaign['activity']}"
    at = "2100-01-01T00:00:00Z"
    for named, resource in (
        ({"activity": campaign["activity"]}, "schedules"),
        ({"campaign": campaign["campaign"]}, "non_opener_resends"),
    ):
        control(client, "POST", "schedule", at=at, **named)
        assert len(client.get(f"{path}/{resource}").json()) == 1
        control(client, "POST", "schedule", **named)
        assert client.get(f"{path}/{resource}").json() == []


def test_faults_can_be_queued_and_cleared(client: EmulatorClient) -> None:
    control(client, "POST", "faults", kind="status", status=503, times=2)
    assert client.get("/v3/emails").status_code == 503
    assert control(client, "GET", "faults") == {"faults": 1}
    control(client, "DELETE", "faults")
    assert client.get("/v3/emails").status_code == 200
    body = b64encode(b"\xff").decode()
    control(client, "POST", "faults", kind="status", status=200, body_base64=body, for_seconds=60)
    assert [client.get("/v3/emails").content for _ in range(2)] == [b"\xff", b"\xff"]


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
    control(client, "POST", "limits", per_day=0, turns_late=60, through_gateway=True)
    assert client.get("/v3/emails").json() == {"message": "Limit Exceeded"}
    assert client.emulator.limits.turns_late == timedelta(minutes=1)


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
        ("rows", {"activity": "nonsense"}),
        ("later", {"action": "POST nonsense", "path": "/"}),
    ],
)
def test_an_invalid_request_gets_an_error(
    client: EmulatorClient, name: str, details: dict[str, str]
) -> None:
    url = f"{client.emulator.url}/_control/{name}"
    reply = client.session.post(url, json=details, timeout=5)
    assert reply.status_code == 400
    assert reply.json()["error"]


def test_the_actions_are_listed_with_what_they_do(client: EmulatorClient) -> None:
    known = control(client, "GET", "")["known"]
    assert len(known) > 20
    assert all(known.values())


def test_an_unknown_action_gets_a_list_of_the_actions(client: EmulatorClient) -> None:
    reply = client.session.get(f"{client.emulator.url}/_control/nonsense", timeout=5)
    assert reply.status_code == 404
    assert "POST /_control/faults" in reply.json()["known"]

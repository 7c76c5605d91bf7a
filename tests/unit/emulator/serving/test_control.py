"""The control endpoint, for tests in other processes."""

from typing import Any

import pytest

from constant_contact_emulator import Paging
from tests.unit.emulator.conftest import Vendor, opens_path


def do(vendor: Vendor, method: str, action: str, /, **details: Any) -> Any:
    url = f"{vendor.emulator.url}/_control/{action}"
    reply = vendor.session.request(method, url, json=details or None, timeout=5)
    assert reply.status_code == 200, reply.text
    return reply.json()


def test_a_world_can_be_filled_and_counted(vendor: Vendor) -> None:
    made = do(vendor, "POST", "campaigns", name="Spring", sent=True)
    activity_id = made["activity"]
    do(vendor, "POST", "opens", activity=activity_id, count=3)
    do(
        vendor,
        "POST",
        "opens",
        activity=activity_id,
        opens=[{"contact_id": "c", "created_time": "2026-03-02T12:00:00Z", "device_type": None}],
    )
    do(vendor, "POST", "rows", activity=activity_id, row={"broken": True})
    assert do(vendor, "POST", "withdraw", activity=activity_id) == {"withdrawn": 1}
    assert do(vendor, "GET", f"rows?activity={activity_id}") == {"rows": 4}
    (listed,) = do(vendor, "GET", "campaigns")
    assert listed["name"] == "Spring"


def test_a_send_can_be_simulated_from_outside(vendor: Vendor) -> None:
    made = do(vendor, "POST", "campaigns", contacts=100, sent_at="2026-01-01T00:00:00Z")
    assert do(vendor, "GET", f"rows?activity={made['activity']}")["rows"] == made["rows"] > 0


def test_a_resend_can_be_made_from_outside(vendor: Vendor) -> None:
    made = do(vendor, "POST", "campaigns")
    again = do(vendor, "POST", "resend", campaign=made["campaign"])
    assert vendor.get(opens_path(again["activity"])).status_code == 200


def test_faults_can_be_queued_and_cleared(vendor: Vendor) -> None:
    do(vendor, "POST", "faults", kind="status", status=503, times=2)
    assert vendor.get("/v3/emails").status_code == 503
    assert do(vendor, "GET", "faults") == {"faults": 1}
    do(vendor, "DELETE", "faults")
    assert vendor.get("/v3/emails").status_code == 200


def test_requests_can_be_read_and_forgotten(vendor: Vendor) -> None:
    vendor.get("/v3/emails")
    vendor.get("/v3/account/summary")
    (logged,) = do(vendor, "GET", "requests?path=summary")
    assert logged["status"] == 200
    do(vendor, "DELETE", "requests")
    assert do(vendor, "GET", "requests") == []


def test_behaviour_can_be_changed(vendor: Vendor) -> None:
    do(vendor, "POST", "behaviour", paging="keyset", unknown_fields=True, link_lifetime=60)
    behaviour = vendor.emulator.world.behaviour
    assert (behaviour.paging, behaviour.unknown_fields) == (Paging.KEYSET, True)


def test_limits_can_be_set(vendor: Vendor) -> None:
    do(vendor, "POST", "limits", per_day=0)
    assert vendor.get("/v3/emails").status_code == 429


def test_tokens_can_be_made_expired_and_revoked(vendor: Vendor) -> None:
    held = do(vendor, "POST", "connect", account="other")
    vendor.headers["Authorization"] = f"Bearer {held['access_token']}"
    assert vendor.get("/v3/emails").status_code == 200
    do(vendor, "POST", "expire")
    assert vendor.get("/v3/emails").status_code == 401
    do(vendor, "POST", "revoke")


@pytest.mark.parametrize("answer", ["approve", "deny"])
def test_a_device_can_be_answered(vendor: Vendor, answer: str) -> None:
    vendor.emulator.authorization.add_client("an-app")
    url = f"{vendor.emulator.auth_url}/device/authorize"
    user_code = vendor.post(url, {"client_id": "an-app"}).json()["user_code"]
    assert do(vendor, "GET", "devices") == {"user_codes": [user_code]}
    do(vendor, "POST", answer, user_code=user_code)
    assert do(vendor, "GET", "devices") == {"user_codes": []}


def test_the_clock_can_be_moved(vendor: Vendor) -> None:
    assert do(vendor, "POST", "clock", seconds=90) == {"now": "2026-03-02T14:02:00+00:00"}


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
def test_what_is_wrong_is_told(vendor: Vendor, name: str, details: dict[str, str]) -> None:
    url = f"{vendor.emulator.url}/_control/{name}"
    reply = vendor.session.post(url, json=details, timeout=5)
    assert reply.status_code == 400
    assert reply.json()["error"]


def test_an_unknown_action_is_answered_with_the_known_ones(vendor: Vendor) -> None:
    reply = vendor.session.get(f"{vendor.emulator.url}/_control/nonsense", timeout=5)
    assert reply.status_code == 404
    assert "POST /_control/faults" in reply.json()["known"]

"""Faults on demand."""

from threading import Thread

import pytest
import requests

from constant_contact_emulator import Kind
from tests.unit.emulator.client import EmulatorClient, next_link, opens_path


@pytest.fixture
def path(client: EmulatorClient) -> str:
    activity_id = client.send_activity()
    for number in range(5):
        client.emulator.world.add_open(activity_id, number)
    return opens_path(activity_id, limit=2)


@pytest.mark.parametrize("status", [500, 502, 503, 504])
def test_a_server_error_applies_once_by_default(
    client: EmulatorClient, path: str, status: int
) -> None:
    client.emulator.faults.add(Kind.STATUS, status=status)
    assert [client.get(path).status_code for _ in range(2)] == [status, 200]


def test_a_fault_applies_from_the_nth_request_for_the_given_times(
    client: EmulatorClient, path: str
) -> None:
    client.emulator.faults.add(Kind.STATUS, nth=2, times=2)
    assert [client.get(path).status_code for _ in range(4)] == [200, 500, 500, 200]


def test_a_fault_applies_only_to_its_path(client: EmulatorClient, path: str) -> None:
    client.emulator.faults.add(Kind.STATUS, path="/v3/emails")
    assert client.get(path).status_code == 200
    assert client.get("/v3/emails").status_code == 500


def test_faults_apply_in_the_order_in_which_they_were_added(
    client: EmulatorClient, path: str
) -> None:
    client.emulator.faults.add(Kind.STATUS, status=502)
    client.emulator.faults.add(Kind.STATUS, status=503)
    assert [client.get(path).status_code for _ in range(3)] == [502, 503, 200]


@pytest.mark.parametrize(
    ("kind", "status", "body"),
    [
        (Kind.UNAUTHORIZED, 401, {"error_key": "unauthorized", "error_message": "Unauthorized"}),
        (Kind.THROTTLED, 429, {"error_key": "throttled", "error_message": "Too Many Requests"}),
        (
            Kind.QUOTA_EXCEEDED,
            429,
            {"error_key": "quota_exceeded", "error_message": "Limit Exceeded"},
        ),
        (
            Kind.FORBIDDEN,
            403,
            {
                "error_key": "access_denied",
                "error_message": "Request forbidden due to insufficient user privileges.",
            },
        ),
    ],
)
def test_a_refusal_has_the_vendors_body(
    client: EmulatorClient, path: str, kind: Kind, status: int, body: dict[str, str]
) -> None:
    client.emulator.faults.add(kind)
    reply = client.get(path)
    assert (reply.status_code, reply.json()) == (status, body)


def test_a_fault_can_have_a_body_and_headers(client: EmulatorClient, path: str) -> None:
    client.emulator.faults.add(
        Kind.STATUS, status=503, body={"message": "later"}, headers={"Retry-After": "7"}
    )
    reply = client.get(path)
    assert (reply.json(), reply.headers["Retry-After"]) == ({"message": "later"}, "7")


def test_an_html_page_is_not_json(client: EmulatorClient, path: str) -> None:
    client.emulator.faults.add(Kind.HTML, status=200)
    reply = client.get(path)
    assert reply.headers["Content-Type"] == "text/html"
    with pytest.raises(requests.exceptions.JSONDecodeError):
        reply.json()


def test_a_reply_can_have_an_empty_body(client: EmulatorClient, path: str) -> None:
    client.emulator.faults.add(Kind.EMPTY)
    reply = client.get(path)
    assert (reply.status_code, reply.content) == (200, b"")


def test_a_truncated_body_ends_the_connection(client: EmulatorClient, path: str) -> None:
    client.emulator.faults.add(Kind.CUT)
    with pytest.raises(requests.exceptions.RequestException):
        client.get(path)


@pytest.mark.parametrize("kind", [Kind.DROP, Kind.LOSE_REPLY])
def test_a_dropped_connection_has_no_reply(client: EmulatorClient, path: str, kind: Kind) -> None:
    client.emulator.faults.add(kind)
    with pytest.raises(requests.exceptions.ConnectionError):
        client.get(path)
    assert client.emulator.requests[-1].status == 0


def test_a_hanging_request_makes_the_client_time_out(client: EmulatorClient, path: str) -> None:
    client.emulator.faults.add(Kind.HANG, seconds=0.2)
    with pytest.raises(requests.exceptions.Timeout):
        client.get(path, timeout=0.05)


def test_closing_ends_hanging_requests(client: EmulatorClient, path: str) -> None:
    client.emulator.faults.add(Kind.HANG, seconds=600)
    request = Thread(target=_get_until_closed, args=(client, path), daemon=True)
    request.start()
    client.emulator.close()
    request.join(timeout=5)
    assert not request.is_alive()


def _get_until_closed(client: EmulatorClient, path: str) -> None:
    try:
        client.get(path, timeout=30)
    except requests.exceptions.ConnectionError:
        return


@pytest.mark.parametrize("status", [400, 404])
def test_an_expired_link_does_not_affect_the_first_page(
    client: EmulatorClient, path: str, status: int
) -> None:
    client.emulator.faults.add(Kind.EXPIRED_LINK, status=status)
    head = client.get(path)
    href = next_link(head.json())
    assert href
    assert (head.status_code, client.get(href).status_code) == (200, status)


def test_a_next_link_can_lead_to_another_host(client: EmulatorClient, path: str) -> None:
    client.emulator.faults.add(Kind.FOREIGN_LINK)
    href = next_link(client.get(path).json())
    assert href
    assert href.startswith("https://elsewhere.example/v3/")


def test_a_next_link_can_lead_to_its_own_page(client: EmulatorClient, path: str) -> None:
    client.emulator.faults.add(Kind.LOOP_LINK)
    assert next_link(client.get(path).json()) == path


def test_an_empty_page_can_have_a_next_link(client: EmulatorClient, path: str) -> None:
    client.emulator.faults.add(Kind.EMPTY_PAGE)
    page = client.get(path).json()
    assert page["tracking_activities"] == []
    assert next_link(page)


def test_a_token_can_expire_during_a_walk(client: EmulatorClient, path: str) -> None:
    href = next_link(client.get(path).json())
    assert href
    client.emulator.authorization.expire_access_tokens()
    assert client.get(href).status_code == 401
    client.connect()
    assert client.get(href).status_code == 200

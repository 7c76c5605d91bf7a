"""What goes wrong on demand."""

from threading import Thread

import pytest
import requests

from constant_contact_emulator import Kind
from tests.unit.emulator.conftest import Vendor, next_link, opens_path


@pytest.fixture
def path(vendor: Vendor) -> str:
    activity_id = vendor.activity()
    for number in range(5):
        vendor.emulator.world.add_open(activity_id, number)
    return opens_path(activity_id, limit=2)


@pytest.mark.parametrize("status", [500, 502, 503, 504])
def test_a_server_error_strikes_once_and_then_the_vendor_answers(
    vendor: Vendor, path: str, status: int
) -> None:
    vendor.emulator.faults.add(Kind.STATUS, status=status)
    assert [vendor.get(path).status_code for _ in range(2)] == [status, 200]


def test_a_fault_strikes_the_nth_request_as_often_as_it_is_told(vendor: Vendor, path: str) -> None:
    vendor.emulator.faults.add(Kind.STATUS, nth=2, times=2)
    assert [vendor.get(path).status_code for _ in range(4)] == [200, 500, 500, 200]


def test_a_fault_strikes_only_the_path_that_it_names(vendor: Vendor, path: str) -> None:
    vendor.emulator.faults.add(Kind.STATUS, path="/v3/emails")
    assert vendor.get(path).status_code == 200
    assert vendor.get("/v3/emails").status_code == 500


def test_the_first_of_two_faults_strikes_first(vendor: Vendor, path: str) -> None:
    vendor.emulator.faults.add(Kind.STATUS, status=502)
    vendor.emulator.faults.add(Kind.STATUS, status=503)
    assert [vendor.get(path).status_code for _ in range(3)] == [502, 503, 200]


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
    vendor: Vendor, path: str, kind: Kind, status: int, body: dict[str, str]
) -> None:
    vendor.emulator.faults.add(kind)
    reply = vendor.get(path)
    assert (reply.status_code, reply.json()) == (status, body)


def test_a_fault_may_bring_its_own_body_and_headers(vendor: Vendor, path: str) -> None:
    vendor.emulator.faults.add(
        Kind.STATUS, status=503, body={"message": "later"}, headers={"Retry-After": "7"}
    )
    reply = vendor.get(path)
    assert (reply.json(), reply.headers["Retry-After"]) == ({"message": "later"}, "7")


def test_a_page_of_html_is_no_json(vendor: Vendor, path: str) -> None:
    vendor.emulator.faults.add(Kind.HTML, status=200)
    reply = vendor.get(path)
    assert reply.headers["Content-Type"] == "text/html"
    with pytest.raises(requests.exceptions.JSONDecodeError):
        reply.json()


def test_a_body_may_be_empty(vendor: Vendor, path: str) -> None:
    vendor.emulator.faults.add(Kind.EMPTY)
    reply = vendor.get(path)
    assert (reply.status_code, reply.content) == (200, b"")


def test_a_cut_body_ends_the_connection(vendor: Vendor, path: str) -> None:
    vendor.emulator.faults.add(Kind.CUT)
    with pytest.raises(requests.exceptions.RequestException):
        vendor.get(path)


@pytest.mark.parametrize("kind", [Kind.DROP, Kind.LOSE_REPLY])
def test_a_dropped_connection_has_no_reply(vendor: Vendor, path: str, kind: Kind) -> None:
    vendor.emulator.faults.add(kind)
    with pytest.raises(requests.exceptions.ConnectionError):
        vendor.get(path)
    assert vendor.emulator.requests[-1].status == 0


def test_a_client_that_is_made_to_wait_gives_up(vendor: Vendor, path: str) -> None:
    vendor.emulator.faults.add(Kind.HANG, seconds=0.2)
    with pytest.raises(requests.exceptions.Timeout):
        vendor.get(path, timeout=0.05)


def test_closing_lets_go_of_what_hangs(vendor: Vendor, path: str) -> None:
    vendor.emulator.faults.add(Kind.HANG, seconds=600)
    waiting = Thread(target=_ignoring_the_end, args=(vendor, path))
    waiting.start()
    vendor.emulator.close()
    waiting.join(timeout=5)
    assert not waiting.is_alive()


def _ignoring_the_end(vendor: Vendor, path: str) -> None:
    try:
        vendor.get(path, timeout=30)
    except requests.exceptions.ConnectionError:
        return


@pytest.mark.parametrize("status", [400, 404])
def test_an_expired_link_leaves_the_head_alone(vendor: Vendor, path: str, status: int) -> None:
    vendor.emulator.faults.add(Kind.EXPIRED_LINK, status=status)
    head = vendor.get(path)
    href = next_link(head.json())
    assert href
    assert (head.status_code, vendor.get(href).status_code) == (200, status)


def test_a_foreign_link_leads_to_another_host(vendor: Vendor, path: str) -> None:
    vendor.emulator.faults.add(Kind.FOREIGN_LINK)
    href = next_link(vendor.get(path).json())
    assert href
    assert href.startswith("https://elsewhere.example/v3/")


def test_a_link_may_lead_in_a_loop(vendor: Vendor, path: str) -> None:
    vendor.emulator.faults.add(Kind.LOOP_LINK)
    assert next_link(vendor.get(path).json()) == path


def test_an_empty_page_may_have_a_next_link(vendor: Vendor, path: str) -> None:
    vendor.emulator.faults.add(Kind.EMPTY_PAGE)
    page = vendor.get(path).json()
    assert page["tracking_activities"] == []
    assert next_link(page)


def test_a_token_may_end_in_the_midst_of_a_walk(vendor: Vendor, path: str) -> None:
    href = next_link(vendor.get(path).json())
    assert href
    vendor.emulator.authorization.expire_access_tokens()
    assert vendor.get(href).status_code == 401
    vendor.connect()
    assert vendor.get(href).status_code == 200


def test_a_users_missing_privilege_answers_403(vendor: Vendor, path: str) -> None:
    vendor.emulator.world.behaviour.privileged = False
    assert vendor.get(path).status_code == 403
    assert vendor.get("/v3/emails").status_code == 200

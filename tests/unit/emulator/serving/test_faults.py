"""Faults on demand."""

import json
from datetime import timedelta
from threading import Thread

import pytest
import requests

from constant_contact_emulator import Kind, Paging, Place
from constant_contact_emulator.messages import Drip
from constant_contact_emulator.serving.wire import written_slowly
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


def test_a_fault_can_apply_to_all_requests_of_one_activity(
    client: EmulatorClient, path: str
) -> None:
    healthy = opens_path(client.send_activity())
    fault = client.emulator.faults.add(Kind.FORBIDDEN, path=path, times=None)
    assert [client.get(path).status_code for _ in range(3)] == [403] * 3
    assert client.get(healthy).status_code == 200
    client.emulator.faults.remove(fault)
    assert client.get(path).status_code == 200


def test_an_outage_lasts_for_its_time_by_the_worlds_clock(
    client: EmulatorClient, path: str
) -> None:
    client.emulator.faults.add(Kind.STATUS, status=503, path="/", for_seconds=600)
    statuses = [client.get(path).status_code, client.post("/token", {}).status_code]
    client.clock.advance(timedelta(seconds=599))
    statuses.append(client.get(path).status_code)
    client.clock.advance(timedelta(seconds=1))
    statuses.append(client.get(path).status_code)
    assert statuses == [503, 503, 503, 200]
    assert len(client.emulator.faults) == 0


@pytest.mark.parametrize(
    "body", [{"message": "Forbidden"}, {"message": "Missing Authentication Token"}]
)
def test_the_gateway_refuses_with_a_body_of_its_own(
    client: EmulatorClient, path: str, body: dict[str, str]
) -> None:
    client.emulator.faults.add(Kind.GATEWAY, body=body if len(body["message"]) > 9 else None)
    reply = client.get(path)
    assert (reply.status_code, reply.json()) == (403, body)
    assert "x-amz-apigw-id" in reply.headers


def test_a_reply_can_have_exact_bytes(client: EmulatorClient, path: str) -> None:
    client.emulator.faults.add(Kind.STATUS, status=200, body=b"{\xff\t")
    assert client.get(path).content == b"{\xff\t"


@pytest.mark.parametrize("paging", Paging)
@pytest.mark.parametrize("status", [302, 400, 403, 410, 422, 500])
def test_links_can_be_refused_below_a_row(
    client: EmulatorClient, path: str, paging: Paging, status: int
) -> None:
    client.emulator.world.behaviour.paging = paging
    client.emulator.faults.add(Kind.STATUS, status=status, below_row=4, times=None)
    statuses, href = [], next_link(client.get(path).json())
    while href:
        reply = client.get(href)
        statuses.append(reply.status_code)
        href = next_link(reply.json()) if reply.status_code == 200 else None
    assert statuses == [200, status]


@pytest.mark.parametrize(("kind", "rows"), [(Kind.ENDLESS_LINK, 2), (Kind.ENDLESS_EMPTY_PAGES, 0)])
def test_cursors_can_be_ever_new_over_the_same_page(
    client: EmulatorClient, path: str, kind: Kind, rows: int
) -> None:
    client.emulator.faults.add(kind, times=None)
    links, pages, page = set(), [], client.get(path).json()
    for _ in range(5):
        href = next_link(page)
        assert href
        links.add(href)
        page = client.get(href).json()
        pages.append(page["tracking_activities"])
    assert len(links) == 5
    assert all(page == pages[0] and len(page) == rows for page in pages)


def test_cursors_can_be_ever_new_below_a_row(client: EmulatorClient, path: str) -> None:
    client.emulator.faults.add(Kind.ENDLESS_LINK, times=None, below_row=2)
    first, pages = client.get(path).json(), []
    href = next_link(first)
    for _ in range(3):
        assert href
        page = client.get(href).json()
        href = next_link(page)
        pages.append(page["tracking_activities"])
    assert pages[0] == pages[1] == pages[2] != first["tracking_activities"]


def test_a_next_link_can_name_another_activity(client: EmulatorClient, path: str) -> None:
    other = client.send_activity()
    client.emulator.faults.add(Kind.OTHER_LINK, activity=other)
    href = next_link(client.get(path).json())
    assert href
    assert href.startswith(f"/v3/reports/email_reports/{other}/tracking/opens?next=")


@pytest.mark.parametrize("place", Place)
def test_a_reply_that_drips_is_whole_in_the_end(
    client: EmulatorClient, path: str, place: Place
) -> None:
    whole = client.get(path).content
    client.emulator.faults.add(Kind.DRIP, place=place, length=7)
    assert client.get(path).content == whole


@pytest.mark.parametrize("place", Place)
def test_a_reply_drips_byte_by_byte_at_the_chosen_place(place: Place) -> None:
    body = json.dumps({"rows": list(range(20))}).encode()
    first, *dripping = written_slowly(
        200, {"X-Header": "value"}, body, Drip(place, seconds=1, length=30)
    )
    slow = [part for part in dripping if len(part) == 1]
    assert len(slow) == {Place.BODY: len(body), Place.LAST_BYTE: 1, Place.CONTINUE: 50}.get(
        place, 30
    )
    assert (b"X-Header" in first) == (
        place not in (Place.STATUS_LINE, Place.HEADERS, Place.CONTINUE)
    )


def test_closing_ends_dripping_replies(client: EmulatorClient, path: str) -> None:
    client.emulator.faults.add(Kind.DRIP, place="headers", seconds=600)
    request = Thread(target=_get_until_closed, args=(client, path))
    request.start()
    client.emulator.close()
    request.join(timeout=5)
    assert not request.is_alive()

"""The API as a whole: authorization, unknown paths, other accounts, and the log."""

from uuid import uuid4

from tests.unit.emulator.client import START, EmulatorClient, opens_path


def test_a_request_without_a_token_is_unauthorized(client: EmulatorClient) -> None:
    client.headers.clear()
    assert client.get("/v3/emails").status_code == 401


def test_unknown_paths_and_activities_are_not_found(client: EmulatorClient) -> None:
    for path in ("/v3/nothing", "/elsewhere", opens_path(str(uuid4()))):
        assert client.get(path).status_code == 404


def test_an_account_cannot_read_another_accounts_campaigns(client: EmulatorClient) -> None:
    campaign_id, activity_id = client.send_campaign(0)
    client.connect("another")
    assert client.get(opens_path(activity_id)).status_code == 404
    assert client.get(f"/v3/emails/{campaign_id}").status_code == 404
    assert client.get("/v3/emails").json()["campaigns"] == []


def test_a_user_without_the_privilege_cannot_read_reports(client: EmulatorClient) -> None:
    client.emulator.world.behaviour.privileged = False
    assert client.get(opens_path(client.send_activity())).status_code == 403
    assert client.get("/v3/emails").status_code == 200


def test_requests_are_logged(client: EmulatorClient) -> None:
    client.get("/v3/emails")
    (logged,) = client.emulator.requests
    assert (logged.time, logged.method, logged.path, logged.status) == (
        START,
        "GET",
        "/v3/emails",
        200,
    )

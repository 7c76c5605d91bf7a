"""The account's summary and its user's privileges."""

from tests.unit.emulator.client import EmulatorClient


def test_the_account_summary_requires_its_scope(client: EmulatorClient) -> None:
    assert client.get("/v3/account/summary").json()["organization_name"]
    client.connect("narrow", scope="campaign_data offline_access")
    assert client.get("/v3/account/summary").status_code == 403


def test_the_privileges_require_no_scope(client: EmulatorClient) -> None:
    client.connect("narrow", scope="offline_access")
    names = {entry["privilege_name"] for entry in client.get("/v3/account/user/privileges").json()}
    assert names >= {"campaign:create", "ui:campaign:metrics"}


def test_the_privileges_of_a_user_who_may_not_read_reports_lack_the_metrics(
    client: EmulatorClient,
) -> None:
    client.emulator.world.behaviour.privileged = False
    names = {entry["privilege_name"] for entry in client.get("/v3/account/user/privileges").json()}
    assert "ui:campaign:metrics" not in names

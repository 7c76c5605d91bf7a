"""The account's summary."""

from tests.unit.emulator.client import EmulatorClient


def test_the_account_summary_requires_its_scope(client: EmulatorClient) -> None:
    assert client.get("/v3/account/summary").json()["organization_name"]
    client.connect("narrow", scope="campaign_data offline_access")
    assert client.get("/v3/account/summary").status_code == 403

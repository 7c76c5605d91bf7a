"""The account's summary and its user's privileges."""

import pytest

from tests.unit.emulator.client import EmulatorClient


def test_the_account_summary_requires_its_scope(client: EmulatorClient) -> None:
    assert client.get("/v3/account/summary").json()["organization_name"]
    client.connect("narrow", scope="campaign_data offline_access")
    assert client.get("/v3/account/summary").status_code == 403


@pytest.mark.parametrize("privileged", [True, False])
def test_the_privileges_require_no_scope_and_say_whether_metrics_may_be_read(
    client: EmulatorClient, privileged: bool
) -> None:
    client.connect("narrow", scope="offline_access")
    client.emulator.world.behaviour.privileged = privileged
    listed = client.get("/v3/account/user/privileges").json()
    names = [privilege["privilege_name"] for privilege in listed]
    assert ("ui:campaign:metrics" in names) == privileged

"""Discovery's role grants exactly the calls that its adapters make."""

from tests.integration.deployment import Deployment
from tests.integration.discovery import discovery as discovery  # noqa: PLC0414 - a fixture
from tests.integration.test_permissions import Calls, granted
from tests.integration.test_permissions import calls as calls  # noqa: PLC0414 - a fixture


def test_the_role_grants_exactly_the_calls_that_are_made(
    calls: Calls, discovery: Deployment
) -> None:
    campaign = discovery.vendor.world.add_campaign()
    discovery.vendor.world.send(campaign.activity_id)
    discovery.vendor.authorization.expire_access_tokens()
    discovery.invoke()  # refreshes, reads activities, adds one, stores the seen campaigns
    assert calls.grants == granted("DiscoverCampaignsRole")

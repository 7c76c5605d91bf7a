"""Discovery's role may do what its adapters really ask of AWS, and nothing else."""

from tests.integration.deployed import Deployed
from tests.integration.discovered import discovery as discovery  # noqa: PLC0414 - a fixture
from tests.integration.test_permissions import Asked, granted
from tests.integration.test_permissions import asked as asked  # noqa: PLC0414 - a fixture


def test_the_role_grants_what_is_asked(asked: Asked, discovery: Deployed) -> None:
    campaign = discovery.vendor.world.add_campaign()
    discovery.vendor.world.send(campaign.activity_id)
    discovery.vendor.authorization.expire_access_tokens()
    discovery.invoke()  # refreshes its token, reads the activities, adds one, keeps its looks
    assert asked.grants == granted("DiscoverCampaignsRole")

"""The connection to the vendor that the adapters of one lease share."""

from collections.abc import Iterator
from datetime import timedelta

import pytest

from email_opens.adapters.vendor.campaigns import ConstantContactCampaigns
from email_opens.adapters.vendor.report import ConstantContactReport
from email_opens.errors import OutOfTime
from tests.unit.adapters.vendor.sockets import Vendor, serving


@pytest.fixture
def vendor() -> Iterator[Vendor]:
    with serving() as vendor:
        yield vendor


class TestAdaptersOfOneConnection:
    def test_share_its_pace(self, vendor: Vendor) -> None:
        api, started = vendor.api(requests_per_second=4), vendor.clock.now()
        vendor.read(ConstantContactReport(api))
        ConstantContactCampaigns(api).names(before=vendor.before)
        vendor.read(ConstantContactReport(api))
        assert vendor.clock.now() - started == timedelta(seconds=0.5)

    def test_share_its_budget(self, vendor: Vendor) -> None:
        api = vendor.api(left=2)
        report, campaigns = ConstantContactReport(api), ConstantContactCampaigns(api)
        vendor.read(report)
        campaigns.names(before=vendor.before)
        with pytest.raises(OutOfTime, match="budget"):
            vendor.read(report)
        assert report.requests == campaigns.requests == api.requests == 2

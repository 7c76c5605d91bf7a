from collections.abc import Iterator

import pytest
import requests

from constant_contact_emulator import Kind
from email_opens.adapters.vendor.report import MOST_BYTES
from email_opens.errors import ReportUnavailable
from tests.unit.adapters.vendor.sockets import ACTIVITY, Vendor, raw, read_stub, serving, stub

UNKNOWN = "5b1e0a52-0000-4000-8000-0000000000ff"


@pytest.fixture
def vendor() -> Iterator[Vendor]:
    with serving() as vendor:
        yield vendor


def test_a_reply_that_is_too_large_is_abandoned(vendor: Vendor) -> None:
    with (
        stub(raw(200, b" " * (MOST_BYTES + 1))) as server,
        pytest.raises(ReportUnavailable, match="too large"),
    ):
        read_stub(vendor, server)


def test_one_connection_serves_a_walk(vendor: Vendor) -> None:
    report, sockets = vendor.report(), set[str]()
    vendor.add_opens(3)
    for _ in range(3):
        vendor.read(report)
        pool = vendor.session.get_adapter(vendor.emulator.url)
        assert isinstance(pool, requests.adapters.HTTPAdapter)
        for key in pool.poolmanager.pools.keys():  # noqa: SIM118 - not a dictionary
            sockets.add(str(pool.poolmanager.pools[key].num_connections))
    assert sockets == {"1"}


class TestTheCounterOfAnActivity:
    def test_counts_every_open_with_one_request(self, vendor: Vendor) -> None:
        vendor.add_opens(3)
        report = vendor.report()
        assert report.count_activity(ACTIVITY, vendor.before) == 3
        assert report.requests == 1

    @pytest.mark.parametrize("activity_id", [UNKNOWN, "not/an id"])
    def test_is_none_for_an_unknown_activity(self, vendor: Vendor, activity_id: str) -> None:
        assert vendor.report().count_activity(activity_id, vendor.before) is None

    @pytest.mark.parametrize("kind", [Kind.DROP, Kind.HTML, Kind.EMPTY, Kind.QUOTA_EXCEEDED])
    def test_is_none_if_its_only_request_fails(self, vendor: Vendor, kind: Kind) -> None:
        vendor.emulator.faults.add(kind)
        report = vendor.report()
        assert report.count_activity(ACTIVITY, vendor.before) is None
        assert report.requests == 1

    def test_is_none_without_a_request_left(self, vendor: Vendor) -> None:
        assert vendor.report(left=0).count_activity(ACTIVITY, vendor.before) is None

"""The connection to the vendor that the adapters of one lease share."""

from collections.abc import Iterator
from datetime import timedelta

import pytest

from constant_contact_emulator import Kind
from email_opens.adapters.vendor.campaigns import ConstantContactCampaigns
from email_opens.adapters.vendor.report import ConstantContactReport
from email_opens.errors import AccountStopped, OutOfTime, ReportUnavailable
from tests.unit.adapters.vendor.sockets import ACTIVITY, Vendor, serving

PATH = "/v3/reports/summary_reports/email_campaign_summaries?limit=1"
UNKNOWN = "5b1e0a52-0000-4000-8000-0000000000ff"


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


class TestASingleReply:
    @pytest.mark.parametrize("status", [200, 401, 403, 404, 429, 503])
    def test_is_returned_whatever_its_status(self, vendor: Vendor, status: int) -> None:
        vendor.emulator.faults.add(Kind.STATUS, status=status, body={"some": "thing"})
        reply = vendor.api().reply(PATH, vendor.before)
        assert (reply.status, reply.json()) == (status, {"some": "thing"})
        assert vendor.statuses(PATH) == [status]

    def test_keeps_the_pace(self, vendor: Vendor) -> None:
        api, started = vendor.api(requests_per_second=4), vendor.clock.now()
        for _ in range(3):
            api.reply(PATH, vendor.before)
        assert vendor.clock.now() - started == timedelta(seconds=0.5)

    def test_is_spent_from_the_budget(self, vendor: Vendor) -> None:
        api = vendor.api(left=1)
        api.reply(PATH, vendor.before)
        with pytest.raises(OutOfTime, match="budget"):
            api.reply(PATH, vendor.before)
        assert api.requests == len(vendor.statuses(PATH)) == 1

    def test_is_not_requested_in_the_last_second(self, vendor: Vendor) -> None:
        with pytest.raises(OutOfTime, match="No time"):
            vendor.api().reply(PATH, vendor.clock.now() + timedelta(seconds=0.9))
        assert vendor.emulator.requests == []

    def test_is_requested_with_a_new_token_when_the_old_one_has_expired(
        self, vendor: Vendor
    ) -> None:
        vendor.clock.sleep(timedelta(hours=24).total_seconds())
        assert vendor.api().reply(PATH, vendor.before).status == 200
        assert len(vendor.held.stored) == 1

    def test_that_does_not_come_is_an_error_without_the_token(self, vendor: Vendor) -> None:
        vendor.emulator.faults.add(Kind.DROP)
        with pytest.raises(
            ReportUnavailable, match="did not answer: the connection failed"
        ) as caught:
            vendor.api().reply(PATH, vendor.before)
        assert caught.value.__context__ is caught.value.__cause__ is None

    def test_needs_a_token(self, vendor: Vendor) -> None:
        vendor.held.tokens = None
        with pytest.raises(AccountStopped, match="no credentials"):
            vendor.api().reply(PATH, vendor.before)


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

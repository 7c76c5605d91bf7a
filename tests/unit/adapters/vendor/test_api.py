"""The connection to the vendor that the adapters of one lease share."""

from collections.abc import Iterator
from contextlib import nullcontext
from datetime import timedelta

import pytest

from constant_contact_emulator import Kind
from email_opens.adapters.vendor.api import VendorApi
from email_opens.adapters.vendor.campaigns import ConstantContactCampaigns
from email_opens.adapters.vendor.report import ConstantContactReport
from email_opens.allowance.outage import IN_A_ROW, LESS_TELLING_IN_A_ROW, PAUSES, Outage
from email_opens.errors import (
    AccountDisconnected,
    AccountResting,
    AccountStopped,
    ActivityForbidden,
    OutOfTime,
    QuotaExceeded,
    ReportUnavailable,
    VendorUnavailable,
)
from tests.unit.adapters.vendor.sockets import ACTIVITY, OPENS, Vendor, fault, serving

PATH = "/v3/reports/summary_reports/email_campaign_summaries?limit=1"
PRIVILEGES = "/v3/account/user/privileges"


def add_status(vendor: Vendor, status: int, headers: dict[str, str]) -> None:
    vendor.emulator.faults.add(Kind.STATUS, status=status, headers=headers)


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

    @pytest.mark.parametrize("status", [429, 503])
    def test_lets_the_account_rest_if_it_asks_for_that(self, vendor: Vendor, status: int) -> None:
        api, started = vendor.api(), vendor.clock.now()
        add_status(vendor, status, {"Retry-After": "30"})
        api.reply(PATH, vendor.before)
        with pytest.raises(AccountResting, match=rf"The vendor answered {status} ") as caught:
            api.reply(PATH, vendor.before)
        assert caught.value.until == started + timedelta(seconds=30)

    @pytest.mark.parametrize(
        ("status", "headers"), [(429, {}), (503, {}), (500, {"Retry-After": "30"})]
    )
    def test_lets_no_account_rest_that_need_not(
        self, vendor: Vendor, status: int, headers: dict[str, str]
    ) -> None:
        api = vendor.api()
        add_status(vendor, status, headers)
        api.reply(PATH, vendor.before)
        assert api.reply(PATH, vendor.before).status == 200

    @pytest.mark.parametrize(("status", "rests"), [(429, True), (503, False)])
    def test_after_an_answer_lets_the_account_rest_for_its_pace_alone(
        self, vendor: Vendor, status: int, rests: bool
    ) -> None:
        api = vendor.api()
        api.reply(PATH, vendor.before)
        add_status(vendor, status, {"Retry-After": "30"})
        api.reply(PATH, vendor.before)
        with pytest.raises(AccountResting) if rests else nullcontext():
            api.reply(PATH, vendor.before)

    def test_needs_a_token(self, vendor: Vendor) -> None:
        vendor.held.tokens = None
        with pytest.raises(AccountStopped, match="no credentials"):
            vendor.api().reply(PATH, vendor.before)


def test_a_refused_token_is_renewed_and_the_request_repeated(vendor: Vendor) -> None:
    vendor.emulator.authorization.expire_access_tokens()
    report = vendor.report()
    vendor.read(report)
    assert vendor.statuses(OPENS) == [401, 200]
    assert (report.requests, len(vendor.held.stored)) == (2, 1)


def test_a_second_refused_token_disconnects_the_account(vendor: Vendor) -> None:
    vendor.emulator.faults.add(Kind.UNAUTHORIZED, times=3)
    with pytest.raises(AccountDisconnected, match="email-opens connect default"):
        vendor.read()
    assert (len(vendor.statuses(OPENS)), len(vendor.statuses(PRIVILEGES))) == (2, 1)


def test_a_report_that_is_unauthorized_on_its_own_fails_alone(vendor: Vendor) -> None:
    fault(vendor, Kind.UNAUTHORIZED, times=9)
    report = vendor.report()
    for _ in range(2):
        with pytest.raises(ActivityForbidden, match="401 unauthorized"):
            vendor.read(report)
    assert (vendor.statuses(OPENS), vendor.statuses(PRIVILEGES)) == ([401, 401, 401], [200])
    assert len(vendor.held.stored) == 1


def test_a_report_that_failed_before_costs_no_new_token(vendor: Vendor) -> None:
    fault(vendor, Kind.UNAUTHORIZED, times=9)
    api = vendor.api(outage=Outage(known=frozenset([ACTIVITY])))
    with pytest.raises(ActivityForbidden):
        vendor.read(ConstantContactReport(api))
    assert (api.requests, vendor.held.stored) == (2, [])


def test_a_report_that_failed_before_is_read_with_a_new_token_if_the_old_one_is_refused(
    vendor: Vendor,
) -> None:
    vendor.emulator.authorization.expire_access_tokens()
    api = vendor.api(outage=Outage(known=frozenset([ACTIVITY])))
    vendor.read(ConstantContactReport(api))
    assert len(vendor.held.stored) == 1


def test_the_vendor_is_asked_about_the_account_once(vendor: Vendor) -> None:
    fault(vendor, Kind.FORBIDDEN, times=9)
    report = vendor.report()
    for _ in range(3):
        with pytest.raises(ActivityForbidden, match=r"403 access_denied \(x-eig"):
            vendor.read(report)
    assert vendor.statuses(PRIVILEGES) == [200]
    assert report.requests == 4


def test_an_account_whose_token_is_refused_for_every_question_is_disconnected(
    vendor: Vendor,
) -> None:
    fault(vendor, Kind.FORBIDDEN, times=9)
    vendor.emulator.faults.add(Kind.UNAUTHORIZED, path=PRIVILEGES, times=9)
    with pytest.raises(AccountDisconnected, match="also refused a new access token"):
        vendor.read()
    assert len(vendor.held.stored) == 1


class TestReportsThatAreRefusedInARow:
    def refused(self, vendor: Vendor, api: VendorApi, times: int) -> None:
        """Read the reports of so many activities, each of which is refused alone."""
        fault(vendor, Kind.FORBIDDEN, times=99)
        report = ConstantContactReport(api)
        for number in range(times):
            with pytest.raises(ActivityForbidden):
                report.read(f"refused-{number}", link=None, rows=500, before=vendor.before)

    def test_pause_the_account_after_three_if_nothing_is_known_of_it(self, vendor: Vendor) -> None:
        vendor.emulator.faults.add(Kind.HTML, path=PRIVILEGES)
        api = vendor.api()
        self.refused(vendor, api, IN_A_ROW - 1)
        with pytest.raises(VendorUnavailable) as caught:
            vendor.read(ConstantContactReport(api))
        assert caught.value.until == vendor.clock.now() + PAUSES[0]
        assert str(caught.value).startswith(
            "Requests pause while the vendor is unavailable. The vendor refuses to return the "
            "report: it answered 403 access_denied"
        )

    def test_pause_an_account_that_the_vendor_serves_after_twelve(self, vendor: Vendor) -> None:
        api = vendor.api()
        self.refused(vendor, api, LESS_TELLING_IN_A_ROW - 1)
        with pytest.raises(VendorUnavailable) as caught:
            vendor.read(ConstantContactReport(api))
        assert caught.value.until == vendor.clock.now() + PAUSES[0]


def test_the_question_about_the_account_is_paid_from_the_budget(vendor: Vendor) -> None:
    fault(vendor, Kind.FORBIDDEN)
    report = vendor.report(left=1)
    with pytest.raises(OutOfTime, match="budget"):
        vendor.read(report)
    assert report.requests == 1


def test_a_quota_that_is_spent_by_the_question_about_the_account_is_noticed(
    vendor: Vendor,
) -> None:
    fault(vendor, Kind.FORBIDDEN)
    vendor.emulator.faults.add(Kind.QUOTA_EXCEEDED, path=PRIVILEGES)
    with pytest.raises(QuotaExceeded):
        vendor.read()


def test_no_error_holds_the_token_not_even_in_its_causes(vendor: Vendor) -> None:
    fault(vendor, Kind.DROP, times=4)
    with pytest.raises(ReportUnavailable) as caught:
        vendor.read()
    assert caught.value.__context__ is caught.value.__cause__ is None

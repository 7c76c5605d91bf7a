"""Campaigns in every form that the vendor may send, over real sockets."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest

from constant_contact_emulator import Kind
from email_opens.adapters.vendor.campaigns import ConstantContactCampaigns
from email_opens.adapters.vendor.replies.values import MOST_NAME_CHARACTERS
from email_opens.discovery.campaigns import Campaign, CampaignActivity, Summary
from email_opens.errors import (
    AccountDisconnected,
    ActivityForbidden,
    PagingBroken,
    ReportUnavailable,
)
from tests.contract.test_campaigns import at_the_vendor
from tests.unit.adapters.vendor.sockets import Vendor, raw, serving, stub

CAMPAIGN = "5b1e0a52-0000-4000-8000-0000000000bb"
ACTIVITY = "5b1e0a52-0000-4000-8000-0000000000aa"
SENT = datetime(2026, 3, 2, 14, 7, tzinfo=UTC)
SENT_ROW = {"campaign_id": CAMPAIGN, "last_sent_date": "2026-03-02T14:07:00.000Z"}


@pytest.fixture
def vendor() -> Iterator[Vendor]:
    with serving() as vendor:
        yield vendor


def read(vendor: Vendor, reply: Any, method: str, *arguments: str, **keywords: Any) -> Any:
    """Call a method of the adapter over a vendor that sends this reply."""
    body = reply if isinstance(reply, bytes) else json.dumps(reply).encode()
    with stub(raw(200, body)) as server:
        campaigns: ConstantContactCampaigns = at_the_vendor(vendor, server.url)
        return getattr(campaigns, method)(*arguments, **keywords, before=vendor.before)


class TestSummaries:
    @pytest.mark.parametrize(
        "written",
        ["2026-03-02T14:07:00.000Z", "2026-03-02T14:07:00Z", "2026-03-02T09:07:00-05:00"],
    )
    def test_have_an_instant_in_any_form(self, vendor: Vendor, written: str) -> None:
        rows = {"bulk_email_campaign_summaries": [SENT_ROW | {"last_sent_date": written}]}
        assert read(vendor, rows, "summaries", link=None).summaries == (Summary(CAMPAIGN, SENT),)

    @pytest.mark.parametrize(
        "row",
        [
            None,
            {},
            SENT_ROW | {"campaign_id": "../x"},
            SENT_ROW | {"campaign_id": 7},
            SENT_ROW | {"last_sent_date": None},
            SENT_ROW | {"last_sent_date": "yesterday"},
            SENT_ROW | {"last_sent_date": "2026-03-02T14:07:00"},
        ],
    )
    def test_skip_a_row_without_an_id_or_a_send(self, vendor: Vendor, row: Any) -> None:
        rows = {"bulk_email_campaign_summaries": [row, SENT_ROW]}
        assert read(vendor, rows, "summaries", link=None).summaries == (Summary(CAMPAIGN, SENT),)

    @pytest.mark.parametrize("year", ["1999", "0001"])
    def test_skip_a_send_of_an_impossible_year(self, vendor: Vendor, year: str) -> None:
        odd = SENT_ROW | {"last_sent_date": f"{year}-12-31T00:00:00Z"}
        rows = {"bulk_email_campaign_summaries": [odd]}
        assert read(vendor, rows, "summaries", link=None).summaries == ()

    @pytest.mark.parametrize("written", ["2026-03-04T12:00:00Z", "9999-12-31T23:59:59Z"])
    def test_take_a_send_in_the_future_for_one_of_today(self, vendor: Vendor, written: str) -> None:
        rows = {"bulk_email_campaign_summaries": [SENT_ROW | {"last_sent_date": written}]}
        today = vendor.clock.now().replace(hour=0, minute=0, second=0, microsecond=0)
        assert read(vendor, rows, "summaries", link=None).summaries == (Summary(CAMPAIGN, today),)

    def test_have_ids_in_any_bounded_form(self, vendor: Vendor) -> None:
        ids = [CAMPAIGN.upper(), "1100371240640", "x" * 100, "x" * 101, "", ".."]
        rows = [SENT_ROW | {"campaign_id": campaign_id} for campaign_id in ids]
        found = read(vendor, {"bulk_email_campaign_summaries": rows}, "summaries", link=None)
        read_ids = [summary.campaign_id for summary in found.summaries]
        assert read_ids == [CAMPAIGN, "1100371240640", "x" * 100]

    @pytest.mark.parametrize("name", ["Re\tn", "Ren\udce9e", "Re\x01n"])
    def test_are_read_whatever_the_bytes_of_a_field_that_is_not_used(
        self, vendor: Vendor, name: str
    ) -> None:
        text = json.dumps({"bulk_email_campaign_summaries": [SENT_ROW | {"name": "HERE"}]})
        body = text.replace("HERE", name).encode(errors="surrogateescape")
        assert read(vendor, body, "summaries", link=None).summaries == (Summary(CAMPAIGN, SENT),)

    @pytest.mark.parametrize("reply", [b"<html>", b"[]", b"{}", b'{"bulk_email_campaign_summa'])
    def test_in_an_unknown_form_are_unavailable(self, vendor: Vendor, reply: bytes) -> None:
        with pytest.raises(ReportUnavailable, match="no usable page of the summaries"):
            read(vendor, reply, "summaries", link=None)

    @pytest.mark.parametrize("href", ["https://example.org/v3/x", "/v2/x", "/v3/../x"])
    def test_refuse_a_link_that_leads_outside_the_api(self, vendor: Vendor, href: str) -> None:
        reply = {"bulk_email_campaign_summaries": [], "_links": {"next": {"href": href}}}
        with pytest.raises(PagingBroken):
            read(vendor, reply, "summaries", link=None)

    def test_refuse_a_link_that_leads_back_to_its_own_page(self, vendor: Vendor) -> None:
        href = "/v3/reports/summary_reports/email_campaign_summaries?limit=500"
        reply = {"bulk_email_campaign_summaries": [], "_links": {"next": {"href": href}}}
        with pytest.raises(PagingBroken) as caught:
            read(vendor, reply, "summaries", link=None)
        assert str(caught.value) == "A next link of the summaries leads back to its own page."

    def test_that_are_forbidden_name_the_privilege(self, vendor: Vendor) -> None:
        vendor.emulator.world.behaviour.privileged = False
        with pytest.raises(AccountDisconnected, match="ui:campaign:metrics"):
            at_the_vendor(vendor).summaries(link=None, before=vendor.before)


class TestACampaign:
    def described(self, **changes: Any) -> dict[str, Any]:
        activity = {"campaign_activity_id": ACTIVITY, "role": "primary_email"}
        return {
            "campaign_id": CAMPAIGN,
            "name": "March news",
            "current_status": "Done",
            "campaign_activities": [activity],
        } | changes

    def test_is_read(self, vendor: Vendor) -> None:
        assert read(vendor, self.described(), "campaign", CAMPAIGN) == Campaign(
            CAMPAIGN, "March news", activities=(CampaignActivity(ACTIVITY, "primary_email"),)
        )

    @pytest.mark.parametrize(
        "activity", [None, {}, {"campaign_activity_id": "x", "role": "resend"}, {"role": 7}]
    )
    def test_skips_a_malformed_activity(self, vendor: Vendor, activity: Any) -> None:
        reply = self.described(campaign_activities=[activity])
        assert read(vendor, reply, "campaign", CAMPAIGN).activities == ()

    @pytest.mark.parametrize("name", [None, "", "  ", 7])
    def test_may_have_no_name(self, vendor: Vendor, name: Any) -> None:
        assert read(vendor, self.described(name=name), "campaign", CAMPAIGN).name is None

    @pytest.mark.parametrize("name", ["\ud800", "x" * 10_000])
    def test_has_a_name_that_can_be_stored(self, vendor: Vendor, name: str) -> None:
        found = read(vendor, self.described(name=name), "campaign", CAMPAIGN)
        assert 0 < len(found.name.encode()) <= MOST_NAME_CHARACTERS

    def test_has_a_role_in_any_case(self, vendor: Vendor) -> None:
        activity = {"campaign_activity_id": ACTIVITY, "role": "PRIMARY_EMAIL"}
        reply = self.described(campaign_activities=[activity])
        assert read(vendor, reply, "campaign", CAMPAIGN).activities == (
            CampaignActivity(ACTIVITY, "primary_email"),
        )

    @pytest.mark.parametrize("status", ["Removed", "REMOVED"])
    def test_that_is_removed_needs_no_activities(self, vendor: Vendor, status: str) -> None:
        reply = self.described(current_status=status, campaign_activities=None)
        assert read(vendor, reply, "campaign", CAMPAIGN) == Campaign(
            CAMPAIGN, "March news", removed=True
        )

    @pytest.mark.parametrize(
        "changes", [{"campaign_id": ACTIVITY}, {"campaign_id": None}, {"campaign_activities": None}]
    )
    def test_that_is_another_or_incomplete_is_unavailable(
        self, vendor: Vendor, changes: dict[str, Any]
    ) -> None:
        with pytest.raises(ReportUnavailable):
            read(vendor, self.described(**changes), "campaign", CAMPAIGN)

    def test_behind_a_404_without_an_error_key_is_unavailable(self, vendor: Vendor) -> None:
        vendor.emulator.faults.add(Kind.STATUS, status=404, body="<html>", times=9)
        with pytest.raises(ReportUnavailable):
            at_the_vendor(vendor).campaign(CAMPAIGN, before=vendor.before)

    def test_that_is_forbidden_names_the_privilege(self, vendor: Vendor) -> None:
        vendor.emulator.faults.add(Kind.STATUS, status=403)
        vendor.emulator.faults.add(
            Kind.STATUS, status=200, body=[{"privilege_name": "ui:campaign:metrics"}], path="user"
        )
        with pytest.raises(ActivityForbidden, match="lacks the privilege campaign:read"):
            at_the_vendor(vendor).campaign(CAMPAIGN, before=vendor.before)

    def test_that_is_forbidden_for_another_reason_names_that(self, vendor: Vendor) -> None:
        vendor.emulator.faults.add(Kind.STATUS, status=403)
        with pytest.raises(ActivityForbidden, match=r"403 access_denied[^;]*$"):
            at_the_vendor(vendor).campaign(CAMPAIGN, before=vendor.before)


class TestAnActivity:
    @pytest.mark.parametrize("campaign_id", [None, 7, "", "a b", []])
    def test_without_a_usable_campaign_id_is_unavailable(
        self, vendor: Vendor, campaign_id: object
    ) -> None:
        reply = {"campaign_activity_id": ACTIVITY, "campaign_id": campaign_id}
        with pytest.raises(ReportUnavailable, match="no usable activity"):
            read(vendor, reply, "campaign_of", ACTIVITY)

    def test_that_is_not_an_object_is_unavailable(self, vendor: Vendor) -> None:
        with pytest.raises(ReportUnavailable, match="no usable activity"):
            read(vendor, [], "campaign_of", ACTIVITY)


class TestASendHistory:
    def test_skips_malformed_entries(self, vendor: Vendor) -> None:
        reply = [None, {}, {"run_date": None}, {"run_date": "2026-03-02T14:07:00Z"}]
        assert read(vendor, reply, "last_run", ACTIVITY) == SENT

    @pytest.mark.parametrize("year", ["0001", "1999", "9999"])
    def test_skips_a_send_that_cannot_be(self, vendor: Vendor, year: str) -> None:
        reply = [{"run_date": f"{year}-03-02T14:07:00Z"}, {"run_date": "2026-03-02T14:07:00Z"}]
        assert read(vendor, reply, "last_run", ACTIVITY) == SENT

    def test_that_is_empty_has_no_send(self, vendor: Vendor) -> None:
        assert read(vendor, [], "last_run", ACTIVITY) is None

    def test_that_is_not_a_list_is_unavailable(self, vendor: Vendor) -> None:
        with pytest.raises(ReportUnavailable, match="no usable send history"):
            read(vendor, {}, "last_run", ACTIVITY)


class TestAScheduleOfTheVendor:
    @pytest.mark.parametrize(
        ("method", "name"), [("scheduled_at", "scheduled_date"), ("resend_at", "resend_date")]
    )
    def test_has_the_first_instant_and_skips_malformed_entries(
        self, vendor: Vendor, method: str, name: str
    ) -> None:
        later = {name: "2026-03-03T00:00:00Z"}
        rows = [None, {}, {name: 7}, {name: "soon"}, later, {name: "2026-03-02T09:07:00-05:00"}]
        assert read(vendor, rows, method, ACTIVITY) == SENT

    @pytest.mark.parametrize("method", ["scheduled_at", "resend_at"])
    def test_that_is_empty_has_none(self, vendor: Vendor, method: str) -> None:
        assert read(vendor, [], method, ACTIVITY) is None

    @pytest.mark.parametrize("method", ["scheduled_at", "resend_at"])
    def test_that_is_not_a_list_is_unavailable(self, vendor: Vendor, method: str) -> None:
        with pytest.raises(ReportUnavailable):
            read(vendor, {}, method, ACTIVITY)

    def test_lists_campaigns_whose_status_is_scheduled_in_any_case(self, vendor: Vendor) -> None:
        rows = [
            {"campaign_id": "a", "current_status": "Scheduled"},
            {"campaign_id": "b", "current_status": "SCHEDULED"},
            {"campaign_id": "c", "current_status": "Done"},
            {"campaign_id": "../d", "current_status": "Scheduled"},
            {"campaign_id": "e", "current_status": None},
            {"campaign_id": "f"},
        ]
        assert read(vendor, {"campaigns": rows}, "scheduled") == ["a", "b"]


def test_malformed_names_are_skipped(vendor: Vendor) -> None:
    reply = {
        "campaigns": [None, {"campaign_id": CAMPAIGN}, {"campaign_id": ACTIVITY, "name": "News"}]
    }
    assert read(vendor, reply, "names") == {ACTIVITY: "News"}


def test_no_error_holds_the_reply(vendor: Vendor) -> None:
    with pytest.raises(ReportUnavailable) as caught:
        read(vendor, b'{"secret": "ann@example.org"', "names")
    assert caught.value.__context__ is None

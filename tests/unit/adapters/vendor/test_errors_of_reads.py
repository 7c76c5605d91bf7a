"""The whole errors of what is read: each names what the vendor did not return, and the remedy."""

import json
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import pytest

from email_opens.adapters.vendor.api import VendorApi
from email_opens.adapters.vendor.campaigns import ConstantContactCampaigns
from email_opens.adapters.vendor.report import ConstantContactReport
from email_opens.errors import (
    AccountDisconnected,
    ActivityForbidden,
    ActivityGone,
    EmailOpensError,
    LinkExpired,
    NotCounted,
    ReportUnavailable,
)
from tests.unit.adapters.vendor.sockets import OPENS, Stub, Vendor, raw, read_stub, serving, stub

METRICS = "ui:campaign:metrics"
READ = "campaign:read"
SUMMARIES = "/v3/reports/summary_reports/email_campaign_summaries"
ID = "a/b"
"""An id that would lead to another path, were it not quoted."""


@dataclass(frozen=True, slots=True)
class Reading:
    """What an adapter reads, and the words for it."""

    name: str
    read: Callable[[VendorApi, datetime], Any]
    target: str
    content: str
    data: str
    privilege: str


READINGS = [
    Reading(
        "the report",
        lambda api, before: ConstantContactReport(api).read(ID, link=None, rows=7, before=before),
        f"/v3/reports/email_reports/a%2Fb{OPENS}?limit=7",
        "page of the report",
        "the report",
        METRICS,
    ),
    Reading(
        "counters",
        lambda api, before: ConstantContactReport(api).count([ID, "c"], before=before),
        "/v3/reports/stats/email_campaigns/a%2Fb,c",
        "counters",
        "the counters",
        METRICS,
    ),
    Reading(
        "summaries",
        lambda api, before: ConstantContactCampaigns(api).summaries(link=None, before=before),
        f"{SUMMARIES}?limit=500",
        "page of the summaries",
        "the summaries",
        METRICS,
    ),
    Reading(
        "a campaign",
        lambda api, before: ConstantContactCampaigns(api).campaign(ID, before=before),
        "/v3/emails/a%2Fb",
        "campaign",
        "the campaigns",
        READ,
    ),
    Reading(
        "an activity's campaign",
        lambda api, before: ConstantContactCampaigns(api).campaign_of(ID, before=before),
        "/v3/emails/activities/a%2Fb",
        "activity",
        "the campaigns",
        READ,
    ),
    Reading(
        "a send history",
        lambda api, before: ConstantContactCampaigns(api).last_run(ID, before=before),
        "/v3/emails/activities/a%2Fb/send_history",
        "send history",
        "the campaigns",
        READ,
    ),
    Reading(
        "names",
        lambda api, before: ConstantContactCampaigns(api).names(before=before),
        "/v3/emails?limit=500",
        "list of campaigns",
        "the campaigns",
        READ,
    ),
]


@pytest.fixture
def vendor() -> Iterator[Vendor]:
    with serving() as vendor:
        yield vendor


def refused(*privileges: str) -> list[list[bytes]]:
    """Return a 403, and the reply that lists the privileges of the account's user."""
    listed = json.dumps([{"privilege_name": name} for name in privileges]).encode()
    return [raw(403, b'{"error_key":"access_denied"}'), raw(200, listed)]


def target(server: Stub) -> str:
    """Return the path and query of the first request."""
    return server.requests[0].split(b" ")[1].decode()


@pytest.mark.parametrize("reading", READINGS, ids=lambda reading: reading.name)
class TestEachRead:
    def test_requests_its_path_whatever_the_id(self, vendor: Vendor, reading: Reading) -> None:
        with stub(raw(409)) as server:
            with suppress(EmailOpensError):
                reading.read(vendor.api(url=server.url), vendor.before)
            assert target(server) == reading.target

    def test_names_what_is_unusable(self, vendor: Vendor, reading: Reading) -> None:
        with stub(raw(200, b"<html>")) as server, pytest.raises(ReportUnavailable) as caught:
            reading.read(vendor.api(url=server.url), vendor.before)
        assert str(caught.value) == (
            f"The vendor returned no usable {reading.content}: the reply is not JSON."
        )

    def test_that_the_account_may_not_do_names_the_privilege_and_the_command(
        self, vendor: Vendor, reading: Reading
    ) -> None:
        with stub(*refused("other")) as server, pytest.raises(AccountDisconnected) as caught:
            reading.read(vendor.api(url=server.url), vendor.before)
        assert str(caught.value) == (
            f"The vendor forbids reading {reading.data}: give the account's user the privilege "
            f"{reading.privilege} and the application the scope campaign_data, then run "
            "`email-opens connect default`."
        )

    @pytest.mark.parametrize("privileges", [(METRICS, READ), (METRICS,)])
    def test_that_is_refused_alone_names_a_privilege_only_if_it_is_missing(
        self, vendor: Vendor, reading: Reading, privileges: tuple[str, ...]
    ) -> None:
        with stub(*refused(*privileges)) as server, pytest.raises(ActivityForbidden) as caught:
            reading.read(vendor.api(url=server.url), vendor.before)
        missing = reading.privilege not in privileges
        hint = f"; the account's user lacks the privilege {READ}" if missing else ""
        assert str(caught.value) == (
            f"The vendor refuses to return {reading.data}: it answered 403 access_denied{hint}."
        )


@pytest.mark.parametrize(
    ("number", "error", "subject"),
    [(0, ActivityGone, "activity"), (1, NotCounted, "campaign"), (2, ActivityGone, "list")],
)
def test_what_does_not_exist_is_named(
    vendor: Vendor, number: int, error: type[EmailOpensError], subject: str
) -> None:
    with stub(raw(404, b'{"error_key":"not_found"}')) as server, pytest.raises(error) as caught:
        READINGS[number].read(vendor.api(url=server.url), vendor.before)
    assert str(caught.value) == f"The vendor does not know this {subject}."


def test_a_counter_of_an_activity_is_requested_by_its_quoted_id(vendor: Vendor) -> None:
    with stub(raw(409)) as server:
        report = ConstantContactReport(vendor.api(url=server.url))
        assert report.count_activity(ID, vendor.before) is None
        assert target(server) == "/v3/reports/stats/email_campaign_activities/a%2Fb"


@pytest.mark.parametrize("status", [300, 404])
def test_a_link_that_no_longer_works_is_reported_with_the_reason(
    vendor: Vendor, status: int
) -> None:
    with (
        stub(raw(status, b'{"error_key":"not_found"}')) as server,
        pytest.raises(LinkExpired) as caught,
    ):
        ConstantContactCampaigns(vendor.api(url=server.url)).summaries(
            link=f"{SUMMARIES}?next=x", before=vendor.before
        )
    assert str(caught.value) == (
        f"A next link no longer works: the vendor answered {status} not_found."
    )


@pytest.mark.parametrize(("status", "requests"), [(300, 1), (400, 1), (500, 2)])
def test_a_status_that_means_nothing_else_is_reported_with_the_reason(
    vendor: Vendor, status: int, requests: int
) -> None:
    with stub(raw(status, b"<html>")) as server:
        with pytest.raises(ReportUnavailable) as caught:
            read_stub(vendor, server)
        assert len(server.requests) == requests
    assert str(caught.value) == f"The vendor answered {status} with an HTML page."

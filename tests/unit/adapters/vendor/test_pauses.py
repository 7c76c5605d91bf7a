"""Attempts that are repeated, and pauses of the account."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from constant_contact_emulator import Kind
from email_opens.adapters.vendor import http
from email_opens.adapters.vendor.report import ConstantContactReport
from email_opens.allowance.outage import PAUSES, Outage
from email_opens.errors import (
    AccountPaused,
    AccountResting,
    QuotaExceeded,
    ReportUnavailable,
    Throttled,
    VendorUnavailable,
)
from tests.unit.adapters.vendor.sockets import (
    OPENS,
    Drip,
    Vendor,
    fault,
    pause,
    raw,
    read_stub,
    serving,
    stub,
)

SLOW = Drip(b"HTTP/1.1 200 ", b"O")


@pytest.fixture
def vendor() -> Iterator[Vendor]:
    with serving() as vendor:
        yield vendor


def test_a_request_that_timed_out_is_not_retried(
    vendor: Vendor, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(http, "READ_SECONDS", 0.1)
    with stub(SLOW, between=pause) as server:
        with pytest.raises(ReportUnavailable, match="timed out") as caught:
            read_stub(vendor, server)
        assert len(server.requests) == 1
    assert caught.value.__context__ is caught.value.__cause__ is None


@pytest.mark.parametrize(
    ("kind", "details"),
    [
        (Kind.STATUS, {"status": 500}),
        (Kind.HTML, {"status": 502}),
        (Kind.EMPTY, {}),
        (Kind.EMPTY, {"status": 204}),
        (Kind.DROP, {}),
        (Kind.CUT, {}),
        (Kind.LOSE_REPLY, {}),
        (Kind.STATUS, {"status": 200, "body": "[]"}),
        (Kind.STATUS, {"status": 404, "body": "<html>"}),
        (Kind.STATUS, {"status": 408}),
    ],
)
def test_a_failed_attempt_is_repeated_once(
    vendor: Vendor, kind: Kind, details: dict[str, Any]
) -> None:
    vendor.add_opens(1)
    fault(vendor, kind, **details)
    report = vendor.report()
    assert len(vendor.read(report).opens) == 1
    assert report.requests == len(vendor.statuses(OPENS)) == 2
    fault(vendor, kind, times=2, **details)
    with pytest.raises(ReportUnavailable):
        vendor.read(report)
    assert report.requests == 4


@pytest.mark.parametrize(
    ("kind", "details"), [(Kind.THROTTLED, {}), (Kind.STATUS, {"status": 429, "body": ""})]
)
def test_three_throttled_attempts_are_repeated_and_a_fourth_is_an_error(
    vendor: Vendor, kind: Kind, details: dict[str, Any]
) -> None:
    fault(vendor, kind, times=3, **details)
    report = vendor.report()
    vendor.read(report)
    assert report.requests == len(vendor.statuses(OPENS)) == 4
    fault(vendor, kind, times=4, **details)
    with pytest.raises(Throttled) as caught:
        vendor.read(report)
    assert caught.value.until is None


def test_a_test_of_whether_the_vendor_answers_is_not_repeated(vendor: Vendor) -> None:
    fault(vendor, Kind.STATUS, status=503, times=9)
    api = vendor.api(outage=Outage(attempts=1))
    with pytest.raises(VendorUnavailable) as caught:
        vendor.read(ConstantContactReport(api))
    assert api.requests == 1
    assert caught.value.until == vendor.clock.now() + PAUSES[1]
    with pytest.raises(AccountResting):
        vendor.read(ConstantContactReport(api))
    assert api.requests == 1


def test_a_vendor_that_cannot_be_reached_is_unavailable(vendor: Vendor) -> None:
    with pytest.raises(ReportUnavailable, match="connection failed") as caught:
        vendor.read(ConstantContactReport(vendor.api(url="http://127.0.0.1:9")))
    assert caught.value.__context__ is None


@pytest.mark.parametrize("header", ["9", "Mon, 02 Mar 2026 14:00:09 GMT"])
def test_retry_after_is_honoured(vendor: Vendor, header: str) -> None:
    fault(vendor, Kind.STATUS, status=503, headers={"Retry-After": header})
    started = vendor.clock.now()
    vendor.read()
    assert vendor.clock.now() - started == timedelta(seconds=9)


@pytest.mark.parametrize(("status", "error"), [(503, VendorUnavailable), (429, Throttled)])
def test_a_wait_beyond_the_deadline_is_an_error_at_once(
    vendor: Vendor, status: int, error: type[AccountPaused]
) -> None:
    fault(vendor, Kind.STATUS, status=status, headers={"Retry-After": "3600"})
    started = vendor.clock.now()
    with pytest.raises(error) as caught:
        vendor.read()
    assert caught.value.until == started + timedelta(hours=1)
    assert vendor.clock.now() == started
    assert len(vendor.statuses(OPENS)) == 1


def test_a_wait_that_is_asked_of_one_activity_alone_is_not_waited_for(vendor: Vendor) -> None:
    report = vendor.report()
    vendor.read(report)
    fault(vendor, Kind.STATUS, status=503, headers={"Retry-After": "9"})
    with pytest.raises(ReportUnavailable):
        vendor.read(report)
    assert vendor.statuses(OPENS) == [200, 503]


@pytest.mark.parametrize(
    ("headers", "asked"),
    [
        ((), "; it asks for no pause."),
        (("Retry-After: 3600",), "; it asks for a pause of 3600 s."),
    ],
)
def test_the_error_of_a_throttled_report_names_the_pause_that_is_asked_for(
    vendor: Vendor, headers: tuple[str, ...], asked: str
) -> None:
    with stub(raw(429, b"", *headers)) as server, pytest.raises(Throttled) as caught:
        read_stub(vendor, server)
    assert str(caught.value) == f"The vendor throttled every attempt{asked}"


def test_the_error_of_a_spent_quota_says_so(vendor: Vendor) -> None:
    with (
        stub(raw(429, b'{"error_key":"quota_exceeded"}')) as server,
        pytest.raises(QuotaExceeded) as caught,
    ):
        read_stub(vendor, server)
    assert str(caught.value) == "The day's quota of the API key is spent."


def test_a_throttled_request_is_retried_after_a_second(vendor: Vendor) -> None:
    fault(vendor, Kind.THROTTLED)
    report, started = vendor.report(), vendor.clock.now()
    vendor.read(report)
    assert vendor.clock.now() - started == timedelta(seconds=1)
    assert (report.throttled, report.requests) == (1, 2)


def test_a_spent_quota_is_closed_until_midnight_utc(vendor: Vendor) -> None:
    fault(vendor, Kind.QUOTA_EXCEEDED)
    with pytest.raises(QuotaExceeded) as caught:
        vendor.read()
    assert caught.value.until == datetime(2026, 3, 3, tzinfo=UTC)
    assert len(vendor.statuses(OPENS)) == 1

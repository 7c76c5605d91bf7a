"""The pace, the budget and the deadline of single requests."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest

from constant_contact_emulator import Kind
from email_opens.adapters.vendor import http
from email_opens.adapters.vendor.transport import Pace
from email_opens.errors import OutOfTime
from tests.unit.adapters.vendor.sockets import (
    ACTIVITY,
    OPENS,
    Drip,
    Vendor,
    fault,
    pause,
    read_stub,
    serving,
    stub,
)

SLOW = Drip(b"HTTP/1.1 200 ", b"O")


@pytest.fixture
def vendor() -> Iterator[Vendor]:
    with serving() as vendor:
        yield vendor


def test_requests_are_spaced_evenly(vendor: Vendor) -> None:
    report, started = vendor.report(requests_per_second=4), vendor.clock.now()
    for _ in range(9):
        vendor.read(report)
    assert vendor.clock.now() - started == timedelta(seconds=2)
    assert report.throttled == 0


def test_connections_of_an_account_share_its_pace() -> None:
    pace, second = Pace(), timedelta(seconds=1)
    now = datetime(2026, 3, 2, 14, tzinfo=UTC)
    assert pace.start(now, second) == now
    pace.next_at = now + second / 2
    assert pace.start(now, second) == now + second / 2
    assert pace.start(now + second, second) == now + second


def test_a_clock_that_has_jumped_back_delays_no_request_for_long() -> None:
    now = datetime(2026, 3, 2, 14, tzinfo=UTC)
    assert Pace(now + timedelta(hours=1)).start(now, timedelta(seconds=1)) == now + timedelta(
        seconds=1
    )


def test_no_request_is_sent_beyond_the_budget(vendor: Vendor) -> None:
    report = vendor.report(left=1)
    vendor.read(report)
    with pytest.raises(OutOfTime, match="budget"):
        vendor.read(report)
    assert report.requests == len(vendor.statuses(OPENS)) == 1


def test_retries_count_against_the_budget(vendor: Vendor) -> None:
    fault(vendor, Kind.STATUS, status=503, times=9)
    report = vendor.report(left=1)
    with pytest.raises(OutOfTime, match="budget"):
        vendor.read(report)
    assert report.requests == 1


def test_no_request_starts_in_the_last_second(vendor: Vendor) -> None:
    before = vendor.clock.now() + timedelta(seconds=0.9)
    with pytest.raises(OutOfTime, match="No time"):
        vendor.report().read(ACTIVITY, link=None, rows=500, before=before)
    assert vendor.emulator.requests == []


def test_a_reply_that_the_callers_deadline_cuts_off_is_not_the_activitys_failure(
    vendor: Vendor, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(http, "READ_SECONDS", 0.1)

    def minutes_pass() -> None:
        vendor.clock.sleep(60)
        pause()

    with stub(SLOW, between=minutes_pass) as server, pytest.raises(OutOfTime, match="whole reply"):
        read_stub(vendor, server)

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


def test_a_connection_begins_at_the_pace_of_the_one_before_it(vendor: Vendor) -> None:
    pace, started = Pace(), vendor.clock.now()
    for _ in range(3):
        vendor.api(pace=pace).reply("/v3/emails", vendor.before)
    assert vendor.clock.now() - started == timedelta(seconds=0.5)


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
    with pytest.raises(OutOfTime, match=r"^No time is left for another request\.$"):
        vendor.report().read(ACTIVITY, link=None, rows=500, before=before)
    assert vendor.emulator.requests == []


def test_a_request_may_start_a_second_before_its_deadline(vendor: Vendor) -> None:
    before = vendor.clock.now() + timedelta(seconds=1)
    assert vendor.api().reply("/v3/emails", before).status == 200


def test_a_request_has_the_token_in_its_header(vendor: Vendor) -> None:
    with stub(raw(200)) as server:
        vendor.api(url=server.url).reply("/v3/emails", vendor.before)
    token = vendor.tokens.access_token(vendor.before)
    assert f"Authorization: Bearer {token}".encode() in server.requests[0].split(b"\r\n")


def test_a_reply_that_the_callers_deadline_cuts_off_is_not_the_activitys_failure(
    vendor: Vendor, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(http, "READ_SECONDS", 0.1)

    def minutes_pass() -> None:
        vendor.clock.sleep(60)
        pause()

    with stub(SLOW, between=minutes_pass) as server, pytest.raises(OutOfTime) as caught:
        read_stub(vendor, server)
    assert str(caught.value) == "No time was left for a whole reply."

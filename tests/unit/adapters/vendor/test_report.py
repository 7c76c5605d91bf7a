from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import requests

from constant_contact_emulator import Fault, Kind
from email_opens.adapters.vendor import http
from email_opens.adapters.vendor.report import MOST_BYTES, ConstantContactReport
from email_opens.errors import (
    AccountDisconnected,
    AccountPaused,
    AccountResting,
    ActivityFailed,
    ActivityForbidden,
    ActivityGone,
    LinkExpired,
    OutOfTime,
    QuotaExceeded,
    ReportUnavailable,
    Throttled,
    VendorUnavailable,
)
from email_opens.turns.outage import PAUSES, Outage
from tests.unit.adapters.vendor.sockets import (
    ACTIVITY,
    Drip,
    Vendor,
    pause,
    raw,
    read_stub,
    serving,
    stub,
)

EMPTY = b'{"tracking_activities":[]}'
OPENS = "/tracking/opens"
SLOW = Drip(b"HTTP/1.1 200 ", b"O")
PRIVILEGES = "/v3/account/user/privileges"


@pytest.fixture
def vendor() -> Iterator[Vendor]:
    with serving() as vendor:
        yield vendor


def fault(vendor: Vendor, kind: Kind, **details: Any) -> Fault:
    return vendor.emulator.faults.add(kind, path=OPENS, **details)


# --- Pace, budget and time ---


def test_requests_are_spaced_evenly(vendor: Vendor) -> None:
    report, started = vendor.report(requests_per_second=4), vendor.clock.now()
    for _ in range(9):
        vendor.read(report)
    assert vendor.clock.now() - started == timedelta(seconds=2)
    assert report.throttled == 0


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


def test_a_request_that_timed_out_is_not_retried(
    vendor: Vendor, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(http, "READ_SECONDS", 0.1)
    with stub(SLOW, between=pause) as server:
        with pytest.raises(ReportUnavailable, match="timed out") as caught:
            read_stub(vendor, server)
        assert len(server.requests) == 1
    assert caught.value.__context__ is caught.value.__cause__ is None


def test_a_reply_that_the_callers_deadline_cuts_off_is_not_the_activitys_failure(
    vendor: Vendor, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(http, "READ_SECONDS", 0.1)

    def minutes_pass() -> None:
        vendor.clock.sleep(60)
        pause()

    with stub(SLOW, between=minutes_pass) as server, pytest.raises(OutOfTime, match="whole reply"):
        read_stub(vendor, server)


def test_a_reply_that_is_too_large_is_abandoned(vendor: Vendor) -> None:
    with (
        stub(raw(200, b" " * (MOST_BYTES + 1))) as server,
        pytest.raises(ReportUnavailable, match="too large"),
    ):
        read_stub(vendor, server)


# --- Failures that a retry may fix ---


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


def test_a_request_that_timed_out_is_not_repeated(vendor: Vendor) -> None:
    slow = [b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n", *[b" "] * 6]
    with stub(slow, between=lambda: vendor.clock.sleep(4)) as server:
        with pytest.raises(ReportUnavailable):
            read_stub(vendor, server, minutes=60)
        assert len(server.requests) == 1


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


def test_a_throttled_request_is_retried_after_a_second(vendor: Vendor) -> None:
    fault(vendor, Kind.THROTTLED)
    report, started = vendor.report(), vendor.clock.now()
    vendor.read(report)
    assert vendor.clock.now() - started == timedelta(seconds=1)
    assert (report.throttled, report.requests) == (1, 2)


# --- Failures that no retry fixes ---


def test_a_spent_quota_is_closed_until_midnight_utc(vendor: Vendor) -> None:
    fault(vendor, Kind.QUOTA_EXCEEDED)
    with pytest.raises(QuotaExceeded) as caught:
        vendor.read()
    assert caught.value.until == datetime(2026, 3, 3, tzinfo=UTC)
    assert len(vendor.statuses(OPENS)) == 1


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


@pytest.mark.parametrize("kind", [Kind.FORBIDDEN, Kind.UNAUTHORIZED])
def test_counters_that_are_forbidden_stop_nothing_unless_the_account_may_read_none(
    vendor: Vendor, kind: Kind
) -> None:
    vendor.emulator.faults.add(kind, path="/stats/", times=2)
    with pytest.raises(ActivityForbidden, match="the counters"):
        vendor.report().count(["5b1e0a52-0000-4000-8000-0000000000bb"], before=vendor.before)
    vendor.emulator.world.behaviour.privileged = False
    with pytest.raises(AccountDisconnected):
        vendor.report().count(["5b1e0a52-0000-4000-8000-0000000000bb"], before=vendor.before)


def test_the_error_of_a_forbidden_report_names_the_privilege_and_the_scope(vendor: Vendor) -> None:
    vendor.emulator.world.behaviour.privileged = False
    with pytest.raises(AccountDisconnected, match=r"ui:campaign:metrics.*campaign_data"):
        vendor.read()


@pytest.mark.parametrize("status", [301, 302, 307, 308, 400, 404, 410, 422])
def test_a_refused_link_has_expired(vendor: Vendor, status: int) -> None:
    vendor.add_opens(3)
    link = vendor.read(rows=1).next_link
    fault(vendor, Kind.EXPIRED_LINK, status=status)
    with pytest.raises(LinkExpired):
        vendor.read(link=link)


@pytest.mark.parametrize(
    ("status", "error"),
    [
        (401, ActivityForbidden),
        (403, ActivityForbidden),
        (409, ReportUnavailable),
        (451, ReportUnavailable),
        (500, ReportUnavailable),
        (503, ReportUnavailable),
    ],
)
def test_a_link_that_fails_for_another_reason_fails_the_activity(
    vendor: Vendor, status: int, error: type[ActivityFailed]
) -> None:
    vendor.add_opens(3)
    link = vendor.read(rows=1).next_link
    fault(vendor, Kind.EXPIRED_LINK, status=status, times=9)
    with pytest.raises(error):
        vendor.read(link=link)


@pytest.mark.parametrize("status", [302, 400, 410, 422])
def test_a_head_that_is_refused_in_another_way_is_unavailable(vendor: Vendor, status: int) -> None:
    fault(vendor, Kind.STATUS, status=status)
    with pytest.raises(ReportUnavailable, match=str(status)):
        vendor.read()
    assert vendor.statuses(OPENS) == [status]


def test_an_unknown_activity_is_gone(vendor: Vendor) -> None:
    with pytest.raises(ActivityGone):
        vendor.report().read(
            ACTIVITY.replace("aa", "bb"), link=None, rows=500, before=vendor.before
        )


def test_an_invalid_request_fails_the_activity(vendor: Vendor) -> None:
    with pytest.raises(ActivityFailed, match=r"400 reports\.api\.validation\.error"):
        vendor.read(rows=501)
    assert len(vendor.statuses(OPENS)) == 1


def test_messages_end_with_the_vendors_tracking_ids_and_hold_nothing_else_of_a_reply(
    vendor: Vendor,
) -> None:
    body = b'[{"error_key":"bo@example.com","error_message":"al@example.com"}]'
    headers = ("x-eig-tracking-id: eig-1", "x-amzn-RequestId: bo@example.com")
    with stub(raw(400, body, *headers)) as server, pytest.raises(ActivityFailed) as caught:
        read_stub(vendor, server)
    assert str(caught.value) == "The vendor answered 400 (x-eig-tracking-id eig-1)."


def test_no_error_holds_the_token_not_even_in_its_causes(vendor: Vendor) -> None:
    fault(vendor, Kind.DROP, times=4)
    with pytest.raises(ReportUnavailable) as caught:
        vendor.read()
    assert caught.value.__context__ is caught.value.__cause__ is None


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

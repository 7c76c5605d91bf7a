"""What a refusal concerns, which no retry changes."""

from collections.abc import Iterator

import pytest

from constant_contact_emulator import Kind
from email_opens.errors import (
    AccountDisconnected,
    ActivityFailed,
    ActivityForbidden,
    ActivityGone,
    LinkExpired,
    ReportUnavailable,
)
from tests.unit.adapters.vendor.sockets import (
    ACTIVITY,
    OPENS,
    Vendor,
    fault,
    raw,
    read_stub,
    serving,
    stub,
)


@pytest.fixture
def vendor() -> Iterator[Vendor]:
    with serving() as vendor:
        yield vendor


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

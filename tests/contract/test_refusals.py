"""Recorded refusals, to the byte, over the vendor's emulator: what each of them stops."""

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from constant_contact_emulator import Kind
from email_opens.errors import (
    AccountDisconnected,
    ActivityForbidden,
    QuotaExceeded,
)
from tests.unit.adapters.vendor.sockets import Vendor, serving

REPLIES = Path(__file__).parent / "vendor_replies"
CAMPAIGN = "5b1e0a52-0000-4000-8000-0000000000bb"
OPENS = "/tracking/opens"
PRIVILEGES = "/v3/account/user/privileges"
FORBIDDEN = {
    "403-gateway.json": "403 “Forbidden”",
    "403-missing-token.json": "403 “Missing Authentication Token”",
    "403-cdn.html": "403 with an HTML page",
}


@pytest.fixture
def vendor() -> Iterator[Vendor]:
    with serving() as vendor:
        yield vendor


def answer(vendor: Vendor, path: str, name: str, *, status: int = 200, times: int = 1) -> None:
    """Let the vendor answer a path with a recorded reply."""
    body = (REPLIES / name).read_bytes()
    vendor.emulator.faults.add(Kind.STATUS, path=path, status=status, body=body, times=times)


@pytest.mark.parametrize(("name", "reason"), FORBIDDEN.items())
class TestA403:
    def test_fails_the_activity_for_the_vendors_own_reason(
        self, vendor: Vendor, name: str, reason: str
    ) -> None:
        answer(vendor, OPENS, name, status=403)
        answer(vendor, PRIVILEGES, "privileges-all.json")
        with pytest.raises(ActivityForbidden, match=reason):
            vendor.read()

    def test_stops_the_account_if_the_privilege_is_missing(
        self, vendor: Vendor, name: str, reason: str
    ) -> None:
        del reason
        answer(vendor, OPENS, name, status=403)
        answer(vendor, PRIVILEGES, "privileges-without-metrics.json")
        with pytest.raises(AccountDisconnected, match=r"ui:campaign:metrics.*campaign_data"):
            vendor.read()

    @pytest.mark.parametrize("other", FORBIDDEN)
    def test_fails_the_activity_if_the_privileges_are_refused_too(
        self, vendor: Vendor, name: str, reason: str, other: str
    ) -> None:
        answer(vendor, OPENS, name, status=403)
        answer(vendor, PRIVILEGES, other, status=403)
        with pytest.raises(ActivityForbidden, match=reason):
            vendor.read()


def test_the_gateways_quota_is_spent_for_the_day(vendor: Vendor) -> None:
    answer(vendor, OPENS, "429-gateway-quota.json", status=429, times=9)
    with pytest.raises(QuotaExceeded) as caught:
        vendor.read()
    assert caught.value.until == datetime(2026, 3, 3, tzinfo=UTC)
    assert vendor.statuses(OPENS) == [429]


def test_the_gateways_pace_is_waited_for(vendor: Vendor) -> None:
    answer(vendor, OPENS, "429-gateway-pace.json", status=429)
    vendor.add_opens(20)
    assert len(vendor.read().opens) == 20
    assert vendor.statuses(OPENS) == [429, 200]


def test_the_gateways_quota_is_known_from_the_counters_too(vendor: Vendor) -> None:
    answer(vendor, "/stats/", "429-gateway-quota.json", status=429, times=9)
    with pytest.raises(QuotaExceeded):
        vendor.report().count([CAMPAIGN], before=vendor.before)
    assert vendor.statuses("/stats/") == [429]


def test_a_403_while_the_access_token_has_expired_does_not_stop_the_account(
    vendor: Vendor,
) -> None:
    vendor.emulator.authorization.expire_access_tokens()
    answer(vendor, OPENS, "403-gateway.json", status=403, times=2)
    with pytest.raises(ActivityForbidden):
        vendor.read()
    assert vendor.statuses(PRIVILEGES) == [401, 200]

"""What a reply asks holds for every later request: it is stored with the account."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from constant_contact_emulator import Kind
from email_opens.account import Account
from email_opens.errors import AccountResting, QuotaExceeded
from tests.chains import MINUTE
from tests.core.at_the_vendor import NOON, OPENS, VendorCore

ASKS = {"Retry-After": "600"}
MIDNIGHT = datetime(2026, 3, 3, tzinfo=UTC)


def requests_after(core: VendorCore, first: int, minutes: int) -> int:
    """Return how many requests were sent after the first ones, in so many turns."""
    for _ in range(minutes):
        core.take_turn()
    return core.requests - first


class TestARetryAfterOfTenMinutes:
    @pytest.mark.parametrize("status", [429, 503])
    @pytest.mark.parametrize("emails", [1, 5])
    def test_is_followed_by_no_request_for_ten_minutes(self, status: int, emails: int) -> None:
        core = VendorCore(emails)
        core.fail(status=status, headers=ASKS)
        assert requests_after(core, 1, 10) == 0
        assert core.account.rests_until == NOON + 10 * MINUTE

    @pytest.mark.parametrize("status", [429, 503])
    @pytest.mark.parametrize("emails", [1, 2, 5])
    def test_is_kept_each_time(self, status: int, emails: int) -> None:
        core = VendorCore(emails)
        core.fail(status=status, headers=ASKS)
        assert requests_after(core, 0, 60) <= 1 + 3 * 5

    @pytest.mark.parametrize("status", [429, 503])
    def test_is_over_after_ten_minutes(self, status: int) -> None:
        core = VendorCore(1)
        core.open(core.activity_ids[0], 3)
        core.fail(status=status, headers=ASKS)
        core.take_turn()
        core.recover()
        for _ in range(10):
            core.take_turn()
        assert len(core.publisher.published) == 3
        assert core.account.rests_until is None
        assert core.account.last_error is None

    def test_is_kept_though_the_only_e_mail_has_failed_before(self) -> None:
        core = VendorCore(1)
        core.vendor.faults.add(Kind.STATUS, path=OPENS, status=503, times=2)
        core.take_turn()
        core.fail(status=503, headers=ASKS)
        assert requests_after(core, core.requests + 1, 10) == 0

    def test_is_kept_across_midnight(self) -> None:
        core = VendorCore(1, began=MIDNIGHT - 5 * MINUTE)
        core.fail(status=429, headers=ASKS)
        assert requests_after(core, 1, 10) == 0
        assert core.account.requests_on(MIDNIGHT) == 0

    def test_says_until_when_and_why(self) -> None:
        core = VendorCore(1)
        core.fail(status=429, headers=ASKS)
        core.take_turn()
        turn = core.take_turn()
        assert isinstance(turn.stopped, AccountResting)
        assert str(turn.stopped).startswith(
            "No request is sent to the vendor before 2026-03-02T12:10:00Z. The vendor throttled"
        )
        assert (core.account.last_error or "").startswith("The vendor throttled every attempt")


@pytest.mark.parametrize("header", ["999999999", "Fri, 31 Dec 9999 23:59:59 GMT"])
def test_a_pause_of_years_lasts_a_day(header: str) -> None:
    core = VendorCore(1)
    core.fail(status=429, headers={"Retry-After": header})
    core.take_turn()
    assert core.account.rests_until == NOON + timedelta(days=1)


def test_a_stored_rest_that_is_too_long_stops_nothing() -> None:
    core = VendorCore(1)
    core.tracking.accounts["default"] = Account(
        account_id="default", rests_until=datetime(9999, 1, 1, tzinfo=UTC)
    )
    assert core.take_turn().stopped is None
    assert core.account.rests_until is None


def test_a_throttled_turn_that_is_asked_for_nothing_does_not_rest() -> None:
    core = VendorCore(1)
    core.fail(Kind.THROTTLED)
    core.take_turn()
    assert core.account.rests_until is None


class TestAQuotaThatIsSpent:
    @pytest.mark.parametrize(
        ("seconds", "opens_in"), [(30, 5 * MINUTE), (599, 5 * MINUTE), (600, None)]
    )
    def test_after_midnight_is_tried_again_in_five_minutes(
        self, seconds: int, opens_in: timedelta | None
    ) -> None:
        began = MIDNIGHT + timedelta(seconds=seconds)
        core = VendorCore(1, began=began)
        core.fail(Kind.QUOTA_EXCEEDED)
        turn = core.take_turn()
        assert isinstance(turn.stopped, QuotaExceeded)
        expected = MIDNIGHT + timedelta(days=1) if opens_in is None else began + opens_in
        assert core.account.closed_until == expected

    def test_of_a_day_that_begins_a_minute_late_costs_five_minutes(self) -> None:
        core = VendorCore(1, began=MIDNIGHT + timedelta(seconds=30))
        core.open(core.activity_ids[0], 3)
        core.fail(Kind.QUOTA_EXCEEDED)
        core.take_turn()
        core.recover()
        for _ in range(5):
            turn = core.take_turn()
        assert len(core.publisher.published) == 3
        assert turn.requests_left == 10_000 - core.requests
        assert core.account.requests_on(core.world()) == core.requests

    def test_is_known_from_the_gateways_sentence_too(self) -> None:
        core = VendorCore(3)
        core.fail(status=429, body={"message": "Limit Exceeded"})
        assert requests_after(core, 1, 60) == 0
        assert core.account.closed_until == MIDNIGHT

    def test_and_asks_for_a_pause_beyond_midnight_rests_until_then(self) -> None:
        core = VendorCore(1, began=MIDNIGHT - 5 * MINUTE)
        core.fail(Kind.STATUS, status=429, body={"error_key": "quota_exceeded"}, headers=ASKS)
        assert requests_after(core, 1, 10) == 0


def test_a_pace_that_the_gateway_reports_is_kept_within_the_turn() -> None:
    core = VendorCore(1)
    body: dict[str, Any] = {"message": "Too Many Requests"}
    core.vendor.faults.add(Kind.STATUS, path=OPENS, status=429, body=body, times=2)
    core.open(core.activity_ids[0], 3)
    turn = core.take_turn()
    assert (len(core.publisher.published), turn.throttled, turn.stopped) == (3, 2, None)

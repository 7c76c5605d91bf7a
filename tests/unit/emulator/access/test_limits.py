"""So many requests a second and a day."""

from datetime import timedelta

import pytest

from constant_contact_emulator import Limits
from tests.unit.emulator.conftest import START, Vendor

DAY = timedelta(days=1)


def keys(
    limits: Limits, count: int, *, key: str = "key", at: timedelta = timedelta(0)
) -> list[str]:
    """Return what each of some requests at one instant is answered."""
    refusals = [limits.refuse(key, START + at) for _ in range(count)]
    return [refusal.payload["error_key"] if refusal else "" for refusal in refusals]


def test_the_fifth_request_of_a_second_is_throttled() -> None:
    assert keys(Limits(), 5) == ["", "", "", "", "throttled"]


def test_a_second_later_the_pace_is_free_again() -> None:
    limits = Limits()
    keys(limits, 5)
    assert keys(limits, 1, at=timedelta(seconds=1)) == [""]


def test_the_pace_may_be_of_another_clock_than_the_worlds() -> None:
    limits = Limits(pace_seconds=lambda: 0.0)
    keys(limits, 4)
    assert keys(limits, 1, at=timedelta(hours=1)) == ["throttled"]


def test_the_days_quota_ends_with_another_refusal() -> None:
    assert keys(Limits(per_second=None, per_day=2), 3) == ["", "", "quota_exceeded"]


def test_the_quota_opens_at_midnight_utc() -> None:
    limits = Limits(per_second=None, per_day=1)
    keys(limits, 1)
    before, after = timedelta(hours=9, minutes=59), timedelta(hours=10)
    assert [*keys(limits, 1, at=before), *keys(limits, 1, at=after)] == ["quota_exceeded", ""]


def test_a_throttled_request_is_spent_too() -> None:
    limits = Limits()
    keys(limits, 6)
    assert limits.spent == {"key": 6}


def test_each_key_has_its_own_quota() -> None:
    limits = Limits(per_second=None, per_day=1)
    assert [*keys(limits, 1), *keys(limits, 1, key="other")] == ["", ""]


def test_a_throttled_request_is_answered_as_the_vendor_does(vendor: Vendor) -> None:
    vendor.emulator.limits.per_second = 1
    assert vendor.get("/v3/emails").status_code == 200
    reply = vendor.get("/v3/emails")
    assert reply.status_code == 429
    assert reply.json() == {"error_key": "throttled", "error_message": "Too Many Requests"}
    assert "Retry-After" not in reply.headers


@pytest.mark.parametrize("secret", ["", "s3cret"])
def test_the_token_endpoint_is_throttled_without_a_body(vendor: Vendor, secret: str) -> None:
    vendor.emulator.limits.token_per_second = 1
    url = f"{vendor.emulator.auth_url}/token"
    auth = ("key", secret) if secret else None
    form = {"client_id": "key"} if auth is None else {}
    vendor.post(url, form, auth=auth)
    reply = vendor.post(url, form, auth=auth)
    assert (reply.status_code, reply.content, reply.headers["retry-after"]) == (429, b"", "1")

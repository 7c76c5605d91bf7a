"""Requests a second and a day."""

from datetime import timedelta

import pytest

from constant_contact_emulator import Limits
from tests.unit.emulator.client import START, EmulatorClient

DAY = timedelta(days=1)


def error_keys(
    limits: Limits, count: int, *, key: str = "key", at: timedelta = timedelta(0)
) -> list[str]:
    """Return the error key of each of `count` requests at the same instant; "" if allowed."""
    refusals = [limits.refuse(key, START + at) for _ in range(count)]
    return [refusal.payload["error_key"] if refusal else "" for refusal in refusals]


def test_the_fifth_request_of_a_second_is_throttled() -> None:
    assert error_keys(Limits(), 5) == ["", "", "", "", "throttled"]


def test_the_next_second_allows_requests_again() -> None:
    limits = Limits()
    error_keys(limits, 5)
    assert error_keys(limits, 1, at=timedelta(seconds=1)) == [""]


def test_seconds_can_be_measured_by_another_clock_than_the_worlds() -> None:
    limits = Limits(pace_seconds=lambda: 0.0)
    error_keys(limits, 4)
    assert error_keys(limits, 1, at=timedelta(hours=1)) == ["throttled"]


def test_a_request_over_the_days_quota_has_its_own_error_key() -> None:
    assert error_keys(Limits(per_second=None, per_day=2), 3) == ["", "", "quota_exceeded"]


def test_the_quota_begins_anew_at_midnight_utc() -> None:
    limits = Limits(per_second=None, per_day=1)
    error_keys(limits, 1)
    before, after = timedelta(hours=9, minutes=59), timedelta(hours=10)
    assert [*error_keys(limits, 1, at=before), *error_keys(limits, 1, at=after)] == [
        "quota_exceeded",
        "",
    ]


def test_a_throttled_request_counts_for_the_day() -> None:
    limits = Limits()
    error_keys(limits, 6)
    assert limits.spent == {"key": 6}


def test_each_key_has_its_own_quota() -> None:
    limits = Limits(per_second=None, per_day=1)
    assert [*error_keys(limits, 1), *error_keys(limits, 1, key="other")] == ["", ""]


def test_a_throttled_request_gets_the_vendors_reply(client: EmulatorClient) -> None:
    client.emulator.limits.per_second = 1
    assert client.get("/v3/emails").status_code == 200
    reply = client.get("/v3/emails")
    assert reply.status_code == 429
    assert reply.json() == {"error_key": "throttled", "error_message": "Too Many Requests"}
    assert "Retry-After" not in reply.headers


@pytest.mark.parametrize("secret", ["", "s3cret"])
def test_a_throttled_token_request_gets_an_empty_body(client: EmulatorClient, secret: str) -> None:
    client.emulator.limits.token_per_second = 1
    auth = ("key", secret) if secret else None
    form = {"client_id": "key"} if auth is None else {}
    client.post("/token", form, auth)
    reply = client.post("/token", form, auth)
    assert (reply.status_code, reply.content, reply.headers["retry-after"]) == (429, b"", "1")


def test_the_vendors_day_may_begin_late() -> None:
    limits = Limits(per_second=None, per_day=1, turns_late=timedelta(seconds=60))
    error_keys(limits, 1)
    midnight = timedelta(hours=9, minutes=59, seconds=30)
    late = [error_keys(limits, 1, at=midnight + timedelta(seconds=by)) for by in (30, 90)]
    assert late == [["quota_exceeded"], [""]]


def test_the_gateway_may_refuse_with_bodies_of_its_own() -> None:
    quota = Limits(per_second=None, per_day=0, through_gateway=True).refuse("key", START)
    pace = Limits(per_second=0, through_gateway=True).refuse("key", START)
    assert [refusal and refusal.payload for refusal in (quota, pace)] == [
        {"message": "Limit Exceeded"},
        {"message": "Too Many Requests"},
    ]

"""The vendor's own id of an account, read from its summary."""

import json
from collections.abc import Iterator
from datetime import timedelta

import pytest

from constant_contact_emulator import Kind
from email_opens.adapters.vendor.account import vendor_account_id
from email_opens.errors import OutOfTime, ReportUnavailable
from tests.unit.adapters.vendor.sockets import Vendor, raw, serving, stub


@pytest.fixture
def vendor() -> Iterator[Vendor]:
    with serving() as vendor:
        yield vendor


def found(vendor: Vendor, *, url: str | None = None) -> str:
    return vendor_account_id(vendor.api(url=url), vendor.clock, vendor.before)


def test_the_id_is_that_of_the_account_that_gave_its_consent(vendor: Vendor) -> None:
    assert found(vendor) == "a07edefault"


def test_one_request_is_sent(vendor: Vendor) -> None:
    found(vendor)
    assert vendor.statuses("/v3/") == [200]


@pytest.mark.parametrize("kind", [Kind.HTML, Kind.DROP, Kind.STATUS])
def test_a_failure_of_the_vendor_is_tried_again(vendor: Vendor, kind: Kind) -> None:
    vendor.emulator.faults.add(kind)
    assert found(vendor) == "a07edefault"


@pytest.mark.parametrize("kind", [Kind.HTML, Kind.DROP])
def test_a_vendor_that_keeps_failing_is_reported_after_four_attempts(
    vendor: Vendor, kind: Kind
) -> None:
    vendor.emulator.faults.add(kind, times=4)
    with pytest.raises(ReportUnavailable):
        found(vendor)
    assert found(vendor) == "a07edefault"


def test_the_wait_that_a_failure_asks_for_is_honoured(vendor: Vendor) -> None:
    started = vendor.clock.now()
    vendor.emulator.faults.add(Kind.STATUS, status=500, headers={"Retry-After": "9"})
    found(vendor)
    assert vendor.clock.now() - started == timedelta(seconds=9)


def test_a_refusal_is_reported_with_its_error_key_after_one_request(vendor: Vendor) -> None:
    with stub(raw(400, b'{"error_key":"a.b"}')) as server:
        with pytest.raises(ReportUnavailable) as raised:
            found(vendor, url=server.url)
        assert len(server.requests) == 1
    assert str(raised.value) == "The vendor answered 400 a.b without the account's id."


def test_a_consent_without_the_scope_is_reported_after_one_request(vendor: Vendor) -> None:
    with stub(raw(403, b'{"message":"Forbidden"}')) as server:
        with pytest.raises(ReportUnavailable, match="lacks the scope account_read"):
            found(vendor, url=server.url)
        assert len(server.requests) == 1


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"[]",
        b"{}",
        b'{"encoded_account_id": null}',
        b'{"encoded_account_id": 7}',
        b'{"encoded_account_id": ""}',
        b'{"encoded_account_id": "owner@example.com"}',
        b'{"encoded_account_id": "a\\u001b[31m"}',
        json.dumps({"encoded_account_id": "a" * 65}).encode(),
    ],
)
def test_a_reply_without_a_usable_id_is_reported_without_its_content(
    vendor: Vendor, body: bytes
) -> None:
    with (
        stub(raw(200, body)) as server,
        pytest.raises(ReportUnavailable, match="200 without the account's id") as raised,
    ):
        found(vendor, url=server.url)
    assert "owner@" not in str(raised.value)


def test_no_request_is_sent_without_time(vendor: Vendor) -> None:
    with pytest.raises(OutOfTime):
        vendor_account_id(vendor.api(), vendor.clock, vendor.clock.now())

"""The clock of this machine against the vendor's, and the requests that a day still needs."""

from datetime import datetime, timedelta
from email.utils import format_datetime
from types import SimpleNamespace
from typing import Any

import pytest

from email_opens.adapters.vendor.replies.reply import Reply
from email_opens.config.stack import read_settings
from email_opens_cli.deployed.checks.finding import Finding
from email_opens_cli.deployed.checks.vendor import quota, skew
from tests.contract.samples import ACTIVITY, NOON, varied
from tests.fakes import FakeClock, MemoryTracking
from tests.unit.config.test_settings import ENVIRONMENT


def reply_dated(instant: datetime | None) -> Reply:
    return Reply(200, {"Date": format_datetime(instant)} if instant else {}, b"")


class TestClock:
    @pytest.mark.parametrize(("ahead_seconds", "result"), [(60, "ok"), (-60, "ok"), (61, "failed")])
    def test_is_compared_with_the_date_of_a_reply(self, ahead_seconds: int, result: str) -> None:
        reply = reply_dated(NOON - timedelta(seconds=ahead_seconds))
        assert skew(reply, NOON).result == result

    def test_is_not_checked_without_the_date_of_a_reply(self) -> None:
        assert skew(reply_dated(None), NOON).result == "skipped"


class TestQuota:
    @pytest.mark.parametrize("requests", [100, 400])
    def test_that_is_too_small_for_what_is_polled_is_a_warning(self, requests: int) -> None:
        found = finding(requests)
        assert found.result == "warning"
        needed = int(found.what.partition("; ")[2].split()[0]) + requests
        assert finding(needed).result == "ok"
        assert finding(needed - 1).what.endswith("as often as it should be")

    def test_that_is_enough_is_good(self) -> None:
        assert finding(10_000).what == "0 of 10,000 requests today"


def finding(requests: int) -> Finding:
    """Return the finding at noon about a day of so many requests, with twenty e-mails polled."""
    tracking = MemoryTracking()
    for number in range(20):
        tracking.add(varied(ACTIVITY, campaign_activity_id=str(number), tracked_at=NOON))
    settings = read_settings(
        ENVIRONMENT | {"REQUESTS_PER_DAY": str(requests), "RESERVED_PERCENT": "0"}
    )
    product = SimpleNamespace(clock=FakeClock(NOON), tracking=tracking, settings=settings)
    deployment: Any = SimpleNamespace(product=product, account_id="default")
    (found,) = quota(deployment)
    return found

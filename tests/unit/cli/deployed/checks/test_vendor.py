"""The clock of this machine against the vendor's."""

from datetime import datetime, timedelta
from email.utils import format_datetime

import pytest

from email_opens.adapters.vendor.replies.reply import Reply
from email_opens_cli.deployed.checks.vendor import skew
from tests.contract.samples import NOON


def reply_dated(instant: datetime | None) -> Reply:
    return Reply(200, {"Date": format_datetime(instant)} if instant else {}, b"")


class TestClock:
    @pytest.mark.parametrize(("ahead_seconds", "result"), [(60, "ok"), (-60, "ok"), (61, "failed")])
    def test_is_compared_with_the_date_of_a_reply(self, ahead_seconds: int, result: str) -> None:
        reply = reply_dated(NOON - timedelta(seconds=ahead_seconds))
        assert skew(reply, NOON).result == result

    def test_is_not_checked_without_the_date_of_a_reply(self) -> None:
        assert skew(reply_dated(None), NOON).result == "skipped"

"""The wait that a reply asks for."""

from email.utils import format_datetime

import pytest

from email_opens.adapters.vendor.replies.reply import Reply
from tests.core.setup import at

NOW = at(0)


@pytest.mark.parametrize(
    ("header", "seconds"),
    [
        ("0", 0.0),
        ("120", 120.0),
        (" 7 ", 7.0),
        (format_datetime(at(2), usegmt=True), 120.0),
        (format_datetime(at(-2), usegmt=True), 0.0),
        ("Thu, 01 Jan 1970 00:00:00 GMT", 0.0),
        ("Mon, 02 Mar 2026 12:02:00 -0000", 120.0),
        ("9999999999", 999_999_999.0),
        ("-5", None),
        ("1.5", None),
        ("soon", None),
        ("", None),
    ],
)
def test_is_never_negative_and_nothing_else_than_seconds_or_a_date(
    header: str, seconds: float | None
) -> None:
    assert Reply(429, {"retry-after": header}, b"").retry_after_seconds(NOW) == seconds

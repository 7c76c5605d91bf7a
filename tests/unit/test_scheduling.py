"""What a request is worth."""

from datetime import UTC, datetime

import pytest

from email_opens.scheduling import backfill_budget


@pytest.mark.parametrize(
    ("hour", "minute", "expected"),
    [
        (0, 0, 1000),
        (0, 1, 1016),
        (11, 0, 12_000),
        (12, 30, 13_500),
        (23, 0, 24_000),
        (23, 30, 24_000),
    ],
)
def test_backfill_may_spend_an_hour_ahead_of_the_clock(
    hour: int, minute: int, expected: int
) -> None:
    now = datetime(2026, 3, 2, hour, minute, tzinfo=UTC)
    assert backfill_budget(24_000, now) == expected


def test_backfill_counts_from_the_very_midnight() -> None:
    midnight = datetime(2026, 3, 2, 0, 0, 59, 999_999, tzinfo=UTC)
    assert backfill_budget(86_400_000_000, midnight) == 3_659_999_999

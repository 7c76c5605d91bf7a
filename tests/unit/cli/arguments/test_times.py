"""Instants and durations as a person types them, with the clock passed in."""

from datetime import UTC, datetime, timedelta

import pytest

from email_opens.errors import InvalidInput
from email_opens_cli.arguments.times import parse_duration, parse_since, parse_wait

NOW = datetime(2026, 3, 2, 14, 7, 30, tzinfo=UTC)


@pytest.mark.parametrize(
    ("text", "instant"),
    [
        ("now", NOW),
        ("90s", NOW - timedelta(seconds=90)),
        ("2h", NOW - timedelta(hours=2)),
        ("2H", NOW - timedelta(hours=2)),
        (" 3d ", NOW - timedelta(days=3)),
        ("1w", NOW - timedelta(weeks=1)),
        ("0s", NOW),
        ("today", datetime(2026, 3, 2, tzinfo=UTC)),
        ("yesterday", datetime(2026, 3, 1, tzinfo=UTC)),
        ("Yesterday", datetime(2026, 3, 1, tzinfo=UTC)),
        ("2026-03-02", datetime(2026, 3, 2, tzinfo=UTC)),
        ("2024-02-29", datetime(2024, 2, 29, tzinfo=UTC)),
        ("2026-03-02T14:07:00Z", datetime(2026, 3, 2, 14, 7, tzinfo=UTC)),
        ("2026-03-02T09:07:00-05:00", datetime(2026, 3, 2, 14, 7, tzinfo=UTC)),
        ("2026-03-02 14:07Z", datetime(2026, 3, 2, 14, 7, tzinfo=UTC)),
    ],
)
def test_an_instant_is_read(text: str, instant: datetime) -> None:
    assert parse_since(text, NOW) == instant


def test_the_beginning_is_no_instant() -> None:
    assert parse_since("beginning", NOW) is None


def test_yesterday_is_the_day_before_in_utc_whatever_the_offset_of_the_clock() -> None:
    late_in_america = datetime.fromisoformat("2026-03-01T22:00:00-05:00")
    assert parse_since("yesterday", late_in_america) == datetime(2026, 3, 1, tzinfo=UTC)


@pytest.mark.parametrize(
    "text",
    ["", " ", "tomorrow", "2h30m", "2 h", "-2h", "h", "2y", "2026-02-30", "2026-3-2", "02/03/2026"],
)
def test_other_text_is_refused_with_examples(text: str) -> None:
    with pytest.raises(InvalidInput, match="is not an instant: expected beginning, now, yesterday"):
        parse_since(text, NOW)


@pytest.mark.parametrize("text", ["2026-03-02T14:07:00", "2026-03-02 14:07"])
def test_an_instant_without_its_offset_is_refused(text: str) -> None:
    with pytest.raises(InvalidInput, match="offset from UTC"):
        parse_since(text, NOW)


@pytest.mark.parametrize("text", ["2026-03-03", "2026-03-02T14:08:00Z"])
def test_an_instant_in_the_future_is_refused(text: str) -> None:
    now = NOW.replace(microsecond=755_090)
    with pytest.raises(InvalidInput, match=r"lies in the future; it is 2026-03-02T14:07:30Z\."):
        parse_since(text, now)


@pytest.mark.parametrize("text", ["9" * 4_000 + "d", "100001s", "٣h"])
def test_a_number_that_is_too_large_or_not_ascii_is_refused(text: str) -> None:
    with pytest.raises(InvalidInput):
        parse_since(text, NOW)


@pytest.mark.parametrize("text", ["0s", "5", "m", "1.5h", ""])
def test_a_duration_is_at_least_a_second(text: str) -> None:
    with pytest.raises(InvalidInput, match="is not a duration"):
        parse_duration(text)


def test_a_wait_may_be_nothing() -> None:
    assert parse_wait("0s") == timedelta()

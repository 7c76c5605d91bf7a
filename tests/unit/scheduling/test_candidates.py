"""What is expected to be sent within a day, and how rarely an activity may be polled."""

from collections.abc import Iterable
from copy import replace
from datetime import datetime, timedelta

import pytest

from email_opens.account import CounterTrust, Hours
from email_opens.model import Estimate
from email_opens.scheduling.candidates import Candidate, candidate_of, coming
from email_opens.scheduling.lifecycle import SWEEP_EVERY
from tests.contract.samples import ACTIVITY, NOON, varied

HOUR = timedelta(hours=1)
DAY = timedelta(days=1)
WEEK = timedelta(weeks=1)
PRIOR = Estimate(1.0, 50.0)


def expected(*sent_at: datetime | None, now: datetime = NOON) -> list[Candidate]:
    """Return what is expected after sends at these instants."""
    sends = (replace(ACTIVITY, sent_at=instant) for instant in sent_at)
    return list(coming(sends, (), now, PRIOR, Hours()))


def hours(candidates: Iterable[Candidate]) -> list[float]:
    return [-candidate.age_seconds(NOON) / 3600 for candidate in candidates]


def test_what_was_sent_a_week_ago_is_expected_at_the_same_hour() -> None:
    assert hours(expected(NOON - WEEK + 3 * HOUR)) == [3.0]


def test_a_weekday_of_four_weeks_ago_counts_and_one_of_five_does_not() -> None:
    assert hours(expected(NOON - 4 * WEEK + HOUR, NOON - 5 * WEEK + HOUR)) == [1.0]


def test_what_comes_after_a_day_is_not_expected_yet() -> None:
    assert expected(NOON - WEEK + DAY, NOON - WEEK + 3 * DAY) == []


def test_what_was_sent_at_this_very_instant_is_expected_in_a_week() -> None:
    assert expected(NOON) == []


def test_a_send_without_an_instant_is_not_expected_again() -> None:
    assert expected(None) == []


def test_of_what_came_in_one_of_three_weeks_a_third_is_expected() -> None:
    one, *_ = expected(NOON - WEEK + HOUR, NOON - 3 * WEEK + 2 * HOUR)
    assert one.weight == one.cost == pytest.approx(1 / 3)


def test_as_many_opens_are_expected_as_came_then() -> None:
    sent = varied(ACTIVITY, sent_at=NOON - WEEK + HOUR, estimate=Estimate(9.0, 3.0), weight=2.0)
    (one,) = coming([sent], (), NOON, PRIOR, Hours())
    assert (one.estimate, one.weight) == (Estimate(9.0, 3.0), 2.0)


def test_what_is_scheduled_is_expected_with_the_usual_rate() -> None:
    later, begun = NOON + 3 * HOUR, NOON - HOUR
    (one,) = coming([], [later, begun], NOON, PRIOR, Hours())
    assert (one.born_at, one.estimate, one.weight) == (later, PRIOR, 1.0)


def test_a_send_that_was_not_read_yet_is_expected_with_the_usual_rate() -> None:
    (one,) = expected(NOON - WEEK + HOUR)
    assert one.estimate == PRIOR


@pytest.mark.parametrize(
    ("audit_in", "longest"),
    [
        (None, DAY),
        (timedelta(hours=3), timedelta(hours=3)),
        (timedelta(minutes=1), SWEEP_EVERY),
        (timedelta(hours=-1), DAY),
        (2 * DAY, DAY),
    ],
)
def test_the_next_poll_of_a_cold_activity_does_not_come_long_after_an_arranged_audit(
    audit_in: timedelta | None, longest: timedelta
) -> None:
    cold = varied(
        ACTIVITY,
        sent_at=NOON - 20 * DAY,
        watermark=NOON - 10 * DAY,
        polled_at=NOON,
        audit_at=None if audit_in is None else NOON + audit_in,
    )
    candidate = candidate_of(cold, NOON, PRIOR, CounterTrust(), Hours(), changed=False)
    assert candidate.longest_seconds == longest.total_seconds()

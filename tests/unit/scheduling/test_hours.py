"""At which hours of the day e-mails are opened."""

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from email_opens.account import UNKNOWN_OPENS, Hours
from email_opens.scheduling.hours import LEAST_FACTOR, MEMORY_OPENS, after_opens, factors, parts
from tests.contract.samples import NOON

HOUR = timedelta(hours=1)
MIDNIGHT = NOON - 12 * HOUR


def test_nothing_is_known_at_first() -> None:
    assert factors(Hours()) == (1.0,) * 24


def test_days_with_quiet_nights_teach_the_hours() -> None:
    hours = Hours()
    for hour in [*range(24)] * 20:
        opened = [MIDNIGHT + hour * HOUR] * (8 if 8 <= hour < 20 else 0)
        hours = after_opens(hours, opened, [(MIDNIGHT + hour * HOUR, 4.0)])
    learned = factors(hours)
    assert learned[3] < 0.15
    assert learned[14] == pytest.approx(2, rel=0.1)


def test_a_few_opens_change_little() -> None:
    hours = after_opens(Hours(), [NOON, NOON], [(NOON, 1.0)])
    assert 1 < factors(hours)[12] < 1.2


def test_what_is_older_than_the_memory_is_forgotten() -> None:
    busy = after_opens(Hours(), [NOON] * 1000, [(NOON, 1000.0)])
    assert busy.opens[12] == busy.expected[12] == pytest.approx(MEMORY_OPENS)
    quiet = busy
    for _ in range(20):
        quiet = after_opens(quiet, [], [(NOON, 100.0)])
    assert quiet.opens[12] < busy.opens[12] / 20


@given(
    st.lists(st.floats(1e-3, 1e5), min_size=24, max_size=24),
    st.lists(st.floats(1e-3, 1e5), min_size=24, max_size=24),
)
def test_the_factors_are_shares_of_a_days_mean(opens: list[float], expected: list[float]) -> None:
    learned = factors(Hours(tuple(opens), tuple(expected)))
    assert min(learned) >= LEAST_FACTOR
    assert 0.999 <= sum(learned) / 24 <= 1 + LEAST_FACTOR


class TestTheParts:
    def test_end_at_full_hours(self) -> None:
        by_hour = tuple(float(hour) for hour in range(24))
        since, until = NOON + HOUR / 2, NOON + 2.5 * HOUR
        assert list(parts(by_hour, since, until)) == [
            (since, NOON + HOUR, 12.0),
            (NOON + HOUR, NOON + 2 * HOUR, 13.0),
            (NOON + 2 * HOUR, until, 14.0),
        ]

    def test_of_more_than_a_day_are_one_with_the_mean(self) -> None:
        long = (NOON - 25 * HOUR, NOON)
        assert list(parts((2.0,) * 24, *long)) == [(*long, 1.0)]

    def test_of_no_time_are_none(self) -> None:
        assert list(parts((1.0,) * 24, NOON, NOON)) == []


def test_an_hour_of_which_nothing_is_known_counts_as_a_few_opens() -> None:
    assert Hours().opens == Hours().expected == (UNKNOWN_OPENS,) * 24

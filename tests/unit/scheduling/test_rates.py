"""How often an activity is opened: integrals against sums, and an estimate that follows."""

from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from email_opens.model import Estimate
from email_opens.scheduling.rates import (
    MEMORY_OPENS,
    SCALE_SECONDS,
    exposure,
    fall,
    learn,
    rate_at,
    root_exposure,
    waited,
)

HOUR = 3600.0
STRETCHES = [(0, 60), (0, HOUR), (HOUR, 25 * HOUR), (200 * HOUR, 300 * HOUR), (8e5, 8e5 + 30)]


def summed(of: Callable[[float], float], low: float, high: float, parts: int = 5000) -> float:
    width = (high - low) / parts
    return sum(of(low + (part + 0.5) * width) for part in range(parts)) * width


@pytest.mark.parametrize(("low", "high"), STRETCHES)
class TestAnIntegral:
    def test_of_the_fall_is_its_exposure(self, low: float, high: float) -> None:
        assert exposure(low, high) == pytest.approx(summed(fall, low, high), rel=1e-4)

    def test_of_the_waiting_counts_each_instant_until_the_end(
        self, low: float, high: float
    ) -> None:
        expected = summed(lambda age: fall(age) * (high - age), low, high)
        assert waited(low, high) == pytest.approx(expected, rel=1e-3)

    def test_of_the_root_is_what_polls_are_worth(self, low: float, high: float) -> None:
        expected = summed(lambda age: fall(age) ** 0.5, low, high)
        assert root_exposure(low, high) == pytest.approx(expected, rel=1e-4)


@pytest.mark.parametrize("of", [exposure, waited, root_exposure])
def test_a_clock_that_jumps_back_adds_no_exposure(
    of: Callable[[float, float], float],
) -> None:
    assert of(HOUR, HOUR - 1) == of(HOUR, HOUR) == 0


def test_before_the_send_the_rate_is_that_of_the_send() -> None:
    assert fall(-HOUR) == fall(0) == 1


@given(st.floats(0, 1e7), st.floats(0.1, 1e6))
def test_the_waiting_grows_with_its_span(since: float, span: float) -> None:
    assert 0 < waited(since, since + span) <= waited(since, since + 2 * span)


def test_an_estimate_comes_to_the_rate_that_is_read() -> None:
    estimate = Estimate(opens=1.0, exposure_seconds=50.0)
    for minute in range(60):
        since, until = minute * 60.0, (minute + 1) * 60.0
        estimate = learn(estimate, round(2 * exposure(since, until)), exposure(since, until))
    assert estimate.opens_a_second == pytest.approx(2, rel=0.05)


def test_an_estimate_forgets_what_is_older_than_its_memory() -> None:
    estimate = learn(Estimate(opens=1.0, exposure_seconds=1.0), 1000, exposure(0, SCALE_SECONDS))
    assert estimate.opens == pytest.approx(MEMORY_OPENS)


def test_a_burst_that_explodes_raises_it_within_a_few_reads() -> None:
    week = 7 * 24 * HOUR
    estimate = Estimate(opens=40.0, exposure_seconds=4000.0)
    quiet = rate_at(estimate, week)
    for minute in range(5):
        estimate = learn(estimate, 100, exposure(week + minute * 60, week + (minute + 1) * 60))
    assert rate_at(estimate, week) > 100 * quiet


def test_what_never_opens_is_never_thought_impossible() -> None:
    estimate = learn(Estimate(opens=1.0, exposure_seconds=50.0), 0, exposure(0, 1e9))
    assert rate_at(estimate, 1e6) > 0

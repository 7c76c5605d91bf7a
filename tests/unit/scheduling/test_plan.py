"""How fast the day's requests are spent, and how rarely activities may be polled."""

from datetime import timedelta
from math import inf, sqrt

import pytest
from hypothesis import given
from hypothesis import strategies as st

from email_opens.account import Hours
from email_opens.scheduling.candidates import Candidate
from email_opens.scheduling.plan import FLOORS_SHARE, HOT_SECONDS, HOT_SHARE, Plan, plan
from tests.contract.samples import NOON
from tests.unit.scheduling.offered import DAY, HOUR, candidate

NIGHT = Hours(tuple(400.0 if 6 <= hour < 18 else 4.0 for hour in range(24)), (200.0,) * 24)
"""Nearly all opens come from 06:00 to 18:00 UTC."""


def planned(
    *candidates: Candidate,
    requests: float = 1000,
    seconds: float = DAY,
    hours: Hours | None = None,
    at: timedelta = timedelta(),
) -> Plan:
    return plan(
        candidates, now=NOON + at, requests=requests, seconds=seconds, hours=hours or Hours()
    )


def sent_in(seconds: float, rate: float = 0.1, **other: float) -> Candidate:
    """Return a send that is expected in so many seconds."""
    return candidate("expected", rate=rate, age=-seconds, idle=0.0, hot_for=HOUR, **other)


class TestTheRequestsOfASecond:
    def test_last_the_day_at_a_constant_rate(self) -> None:
        assert planned(candidate()).requests_a_second * DAY == pytest.approx(1000, rel=0.05)

    def test_do_not_depend_on_how_busy_the_account_is(self) -> None:
        calm, busy = (planned(candidate(rate=rate)).requests_a_second for rate in (1e-5, 1.0))
        assert calm == pytest.approx(busy)

    def test_are_more_just_after_a_send(self) -> None:
        fresh = candidate(rate=1.0, age=60.0)
        assert planned(fresh).requests_a_second * DAY > 2000

    def test_are_fewer_while_a_send_is_expected(self) -> None:
        there, expected = candidate(rate=0.01), sent_in(6 * HOUR, rate=1.0)
        alone, beside = planned(there), planned(there, expected)
        assert beside.requests_a_second < alone.requests_a_second / 2

    def test_keep_none_for_a_send_that_is_expected_after_the_day(self) -> None:
        there = candidate(rate=0.01)
        assert planned(there, sent_in(DAY + HOUR)) == planned(there)

    def test_are_none_where_the_only_send_is_expected_after_the_day(self) -> None:
        assert planned(sent_in(HOUR + 1), seconds=HOUR) == Plan()

    def test_are_in_proportion_to_the_roots_of_the_hours_rates(self) -> None:
        day = planned(candidate(rate=0.01), hours=NIGHT, seconds=DAY / 2)
        night = planned(candidate(rate=0.01), hours=NIGHT, seconds=HOUR, at=timedelta(hours=11))
        assert day.requests_a_second * 6 * HOUR > 0.8 * 1000
        assert night.requests_a_second * HOUR == pytest.approx(1000, rel=0.01)

    def test_follow_the_clock_within_the_day(self) -> None:
        """What is left at an instant lasts until midnight, however it was spent before."""
        late = planned(candidate(), requests=100, seconds=HOUR)
        assert late.requests_a_second * HOUR == pytest.approx(100, rel=0.05)

    def test_are_none_where_nothing_is_polled_or_no_request_is_left(self) -> None:
        assert planned().requests_a_second == 0
        assert planned(candidate(), requests=0).requests_a_second == 0

    @given(
        rates=st.lists(st.floats(1e-12, 1e3), min_size=1, max_size=30),
        requests=st.floats(1, 250_000),
        seconds=st.floats(60, DAY / 2),
        opens=st.lists(st.floats(1e-3, 1e5), min_size=48, max_size=48),
    )
    def test_are_bounded_whatever_the_rates_and_the_hours_are(
        self, rates: list[float], requests: float, seconds: float, opens: list[float]
    ) -> None:
        several = [candidate(str(number), rate=rate) for number, rate in enumerate(rates)]
        hours = Hours(tuple(opens[:24]), tuple(opens[24:]))
        result = planned(*several, requests=requests, seconds=seconds, hours=hours)
        assert 0 < result.requests_a_second < inf
        assert 0 < result.price < inf


class TestThePrice:
    def test_is_what_a_request_ends_if_the_requests_last_the_day(self) -> None:
        apart = sqrt(2 * planned(candidate(rate=0.01), requests=500).price / 0.01)
        assert DAY / apart == pytest.approx(500, rel=0.05)

    def test_counts_the_requests_that_a_poll_takes(self) -> None:
        result = planned(candidate(rate=0.01, cost=4.0, weight=2.0), requests=500)
        apart = sqrt(2 * result.price * 4 / (2 * 0.01))
        assert DAY / apart * 4 == pytest.approx(500, rel=0.05)

    def test_without_requests_is_beyond_all(self) -> None:
        assert planned(candidate(), requests=0).price == inf


class TestTheLongestIntervals:
    def test_are_unchanged_where_the_budget_allows_them(self) -> None:
        hourly = [candidate(str(n), longest_seconds=HOUR) for n in range(4)]
        assert planned(*hourly).stretch == 1.0

    def test_take_no_more_than_their_share(self) -> None:
        many = [candidate(str(n), rate=1e-9, longest_seconds=HOUR) for n in range(100)]
        result = planned(*many, requests=240)
        assert result.shortfall == 2400 - 240
        assert 2400 / result.stretch == pytest.approx(FLOORS_SHARE * 240)

    def test_are_not_lengthened_beyond_a_day_if_daily_polls_fit_into_the_share(self) -> None:
        hourly = [candidate(str(n), rate=1e-9, longest_seconds=HOUR) for n in range(100)]
        assert planned(*hourly, requests=1000).lengthened_to == DAY
        assert planned(*hourly, requests=999).lengthened_to == inf

    def test_of_a_send_that_is_expected_count_from_its_send(self) -> None:
        result = planned(sent_in(DAY / 2, longest_seconds=900.0), requests=10)
        assert result.shortfall == DAY / 2 / 900 - 10

    def test_of_fresh_sends_are_seconds(self) -> None:
        fresh = candidate(age=60.0, hot_for=HOUR)
        assert planned(fresh, requests=9000).hot_seconds == HOT_SECONDS

    def test_of_fresh_sends_take_no_more_than_their_share_of_a_day(self) -> None:
        many = [candidate(str(n), age=60.0, hot_for=HOUR) for n in range(50)]
        result = planned(*many, requests=9000)
        assert 50 * (HOUR - 60) / result.hot_seconds == pytest.approx(HOT_SHARE * 9000)

    def test_of_fresh_sends_follow_what_is_left_of_the_day(self) -> None:
        many = [candidate(str(n), age=60.0, hot_for=HOUR) for n in range(50)]
        morning, evening = planned(*many, requests=9000), planned(*many, requests=900)
        assert evening.hot_seconds == pytest.approx(10 * morning.hot_seconds)

    def test_of_expected_sends_count_for_their_hour_only(self) -> None:
        fresh = [candidate(str(n), age=60.0, hot_for=HOUR) for n in range(50)]
        expected = candidate("later", age=-3 * HOUR, hot_for=HOUR)
        alone, beside = planned(*fresh, requests=9000), planned(*fresh, expected, requests=9000)
        more = (50 * (HOUR - 60) + HOUR) / (50 * (HOUR - 60))
        assert beside.hot_seconds == pytest.approx(more * alone.hot_seconds)

    def test_of_fresh_sends_end_with_the_day(self) -> None:
        many = [candidate(str(n), age=60.0, hot_for=HOUR) for n in range(50)]
        whole, half = (planned(*many, requests=100, seconds=part) for part in (HOUR, HOUR / 2))
        assert whole.hot_seconds > half.hot_seconds

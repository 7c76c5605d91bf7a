"""The price at which the day's requests last."""

from math import exp, inf, sqrt

import pytest
from hypothesis import given
from hypothesis import strategies as st

from email_opens.account import CounterTrust
from email_opens.scheduling.candidates import Candidate
from email_opens.scheduling.choice import interval_seconds
from email_opens.scheduling.price import (
    CAMPAIGNS_PER_PROBE,
    FLOORS_SHARE,
    HOT_SECONDS,
    HOT_SHARE,
    LEAST_PRICE,
    Plan,
    plan,
)
from email_opens.scheduling.rates import rate_at
from tests.contract.samples import NOON
from tests.unit.scheduling.offered import DAY, FRESH, HOUR, candidate


def planned(
    *candidates: Candidate,
    requests: float = 1000,
    trust: CounterTrust = FRESH,
    campaigns_per_probe: int = CAMPAIGNS_PER_PROBE,
) -> Plan:
    return plan(
        candidates,
        now=NOON,
        requests=requests,
        seconds=DAY,
        trust=trust,
        campaigns_per_probe=campaigns_per_probe,
    )


class TestThePrice:
    def test_lets_the_requests_last_the_day(self) -> None:
        result = planned(candidate(rate=0.01), requests=500)
        apart = sqrt(2 * result.price / 0.01)
        assert DAY / apart == pytest.approx(500, rel=0.05)

    def test_counts_the_requests_that_a_poll_takes(self) -> None:
        result = planned(candidate(rate=0.01, cost=4.0, weight=2.0), requests=500)
        apart = sqrt(2 * result.price * 4 / (2 * 0.01))
        assert DAY / apart * 4 == pytest.approx(500, rel=0.05)

    def test_follows_the_square_of_what_is_there(self) -> None:
        dear, cheap = (planned(candidate(rate=0.01), requests=n).price for n in (250, 500))
        assert dear == pytest.approx(4 * cheap, rel=0.02)

    def test_is_never_so_low_that_a_request_ends_next_to_nothing(self) -> None:
        price = planned(candidate(rate=1e-9), requests=1e6).price
        assert price == pytest.approx(LEAST_PRICE, rel=0.01)

    def test_without_requests_is_beyond_all(self) -> None:
        assert planned(candidate(), requests=0).price == inf

    def test_without_candidates_is_the_least(self) -> None:
        assert planned().price == LEAST_PRICE

    def test_leaves_the_longest_intervals_what_they_need(self) -> None:
        rare = [candidate(str(n), rate=1e-9, longest_seconds=HOUR) for n in range(10)]
        alone, among = planned(candidate(rate=0.01)), planned(candidate(rate=0.01), *rare)
        spent = DAY / sqrt(2 * among.price / 0.01) + 10 * 24
        assert spent == pytest.approx(1000, rel=0.05)
        assert among.price > alone.price

    def test_keeps_requests_for_a_send_that_is_expected(self) -> None:
        there, expected = candidate(rate=0.01), sent_in(6 * HOUR, rate=0.1)
        assert planned(there, expected).price > 2 * planned(there).price

    def test_keeps_none_for_a_send_that_is_expected_after_the_day(self) -> None:
        there = candidate(rate=0.01)
        assert planned(there, sent_in(DAY + HOUR)).price == planned(there).price

    @given(
        rates=st.lists(st.floats(1e-9, 10.0), min_size=1, max_size=30),
        requests=st.floats(1, 250_000),
        longest=st.sampled_from([900.0, HOUR, DAY]),
        countable=st.booleans(),
        missed=st.floats(0, 1),
        lag=st.floats(0, DAY),
    )
    def test_is_bounded_whatever_the_rates_and_the_budget_are(
        self,
        rates: list[float],
        requests: float,
        longest: float,
        countable: bool,
        missed: float,
        lag: float,
    ) -> None:
        several = [
            candidate(str(n), rate=rate, longest_seconds=longest, countable=countable)
            for n, rate in enumerate(rates)
        ]
        result = planned(
            *several, requests=requests, trust=CounterTrust(lag_seconds=lag, missed=missed)
        )
        assert LEAST_PRICE <= result.price < inf
        if result.probe_seconds is None:
            spent = sum(DAY / apart(one, result) for one in several)
            assert spent <= 1.05 * requests or result.price > 1e8


def sent_in(seconds: float, rate: float = 0.1, **other: float) -> Candidate:
    """Return a send that is expected in so many seconds."""
    return candidate("expected", rate=rate, age=-seconds, idle=0.0, hot_for=HOUR, **other)


def apart(one: Candidate, prices: Plan) -> float:
    """Return the seconds between two polls of an old activity at a price."""
    natural = sqrt(2 * prices.price * one.cost / rate_at(one.estimate, one.age_seconds(NOON)))
    return max(5.0, min(natural, interval_seconds(one, prices, NOON)))


class TestTheLongestIntervals:
    def test_are_unchanged_where_the_budget_allows_them(self) -> None:
        result = planned(*(candidate(str(n), longest_seconds=HOUR) for n in range(10)))
        assert result.rarest_seconds == 0.0

    def test_take_no_more_than_their_share(self) -> None:
        many = [candidate(str(n), rate=1e-9, longest_seconds=HOUR) for n in range(100)]
        result = planned(*many, requests=240)
        assert result.floors == pytest.approx(2400)
        assert 100 * DAY / result.rarest_seconds == pytest.approx(FLOORS_SHARE * 240)

    def test_of_a_send_that_is_expected_count_from_its_send(self) -> None:
        result = planned(sent_in(DAY / 2, longest_seconds=900.0))
        assert result.floors == pytest.approx(DAY / 2 / 900)

    def test_grow_from_the_shortest_up(self) -> None:
        often = [candidate(str(n), rate=1e-9, longest_seconds=900.0) for n in range(100)]
        daily = [candidate(f"d{n}", rate=1e-9) for n in range(50)]
        result = planned(*often, *daily)
        assert 900 < result.rarest_seconds < DAY
        assert interval_seconds(daily[0], result, NOON) == DAY
        taken = 100 * DAY / result.rarest_seconds + 50
        assert taken == pytest.approx(FLOORS_SHARE * 1000)

    def test_of_fresh_sends_are_seconds(self) -> None:
        fresh = candidate(age=60.0, hot_for=HOUR)
        assert interval_seconds(fresh, planned(fresh, requests=9000), NOON) == HOT_SECONDS

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
        expected = [candidate("later", age=-3 * HOUR, hot_for=HOUR)]
        alone, beside = planned(*fresh, requests=9000), planned(*fresh, *expected, requests=9000)
        more = (50 * (HOUR - 60) + HOUR) / (50 * (HOUR - 60))
        assert beside.hot_seconds == pytest.approx(more * alone.hot_seconds)

    def test_of_fresh_sends_end_with_the_day(self) -> None:
        many = [candidate(str(n), age=60.0, hot_for=HOUR) for n in range(50)]
        plans = [
            plan(many, now=NOON, requests=100, seconds=seconds, trust=FRESH)
            for seconds in (HOUR, HOUR / 2)
        ]
        assert plans[0].hot_seconds > plans[1].hot_seconds

    def test_of_a_fresh_send_count_for_its_hour_only(self) -> None:
        fresh = candidate(rate=1e-9, age=60.0, hot_for=HOUR)
        others = [candidate(str(n), rate=0.01) for n in range(9)]
        alone, beside = planned(*others, requests=9000), planned(fresh, *others, requests=9000)
        assert beside.price == pytest.approx(alone.price * (9000 / (9000 - 144)) ** 2, rel=0.02)


class TestProbes:
    def test_pay_with_fresh_counters(self) -> None:
        assert planned(*many(), requests=9000).probe_seconds is not None

    def test_do_not_pay_with_counters_of_an_hour_ago(self) -> None:
        result = planned(*many(), requests=9000, trust=CounterTrust(lag_seconds=HOUR))
        assert result.probe_seconds is None

    def test_do_not_pay_with_counters_that_miss_all(self) -> None:
        result = planned(*many(), requests=9000, trust=CounterTrust(missed=1.0))
        assert result.probe_seconds is None

    def test_do_not_pay_where_none_can_be_counted(self) -> None:
        alone = [candidate(str(n), rate=5e-4) for n in range(100)]
        assert planned(*alone, requests=9000).probe_seconds is None

    def test_leave_requests_for_those_that_cannot_be_counted(self) -> None:
        others = [candidate(f"o{n}", rate=5e-4) for n in range(50)]
        among = planned(*many(), *others, requests=9000)
        assert among.probe_seconds is not None
        assert among.price > planned(*many(), requests=9000).price

    @pytest.mark.parametrize("missed", [0.0, 0.2])
    def test_are_worth_what_one_ends_for_a_request(self, missed: float) -> None:
        result = planned(*many(), requests=9000, trust=CounterTrust(missed=missed))
        every = result.probe_seconds
        assert every is not None
        ended = (1 - missed) * 100 * 5e-4 * every**2 / 2
        cost = 1 + 100 * (1 - exp(-5e-4 * every))
        assert result.price == pytest.approx(ended / cost, rel=0.05)

    def test_come_as_often_as_the_requests_allow(self) -> None:
        # At these rates each of 100 has changed by a probe with a chance of 1 - exp(-rate * s).
        scarce, plenty = (planned(*many(), requests=n).probe_seconds for n in (5000, 9000))
        assert scarce is not None
        assert plenty is not None
        assert plenty < scarce

    def test_come_more_rarely_where_a_probe_takes_several_requests(self) -> None:
        one, ten = (
            planned(*many(), requests=9000, campaigns_per_probe=at_once) for at_once in (150, 10)
        )
        assert one.probe_seconds is not None
        assert ten.probe_seconds is None or ten.probe_seconds > one.probe_seconds


def many() -> list[Candidate]:
    return [candidate(str(n), rate=5e-4, countable=True) for n in range(100)]

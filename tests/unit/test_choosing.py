"""What a request is worth, and whom to poll."""

from collections import Counter
from math import inf, sqrt

import pytest

from email_opens.rates import Estimate
from email_opens.scheduling import (
    GRAIN_SECONDS,
    LEAST_PRICE,
    Counters,
    Plan,
    Poll,
    Probe,
    Prospect,
    Wait,
    Why,
    choose,
    plan,
)

DAY = 86_400.0
OLD = 30 * DAY
"""An age at which a day changes a rate by little."""
FRESH = Counters()


def prospect(
    name: str = "one", *, rate: float = 0.001, idle: float = 60.0, age: float = OLD, **other: object
) -> Prospect:
    """Return an activity with a rate now, that was read so many seconds ago."""
    falling = Estimate(1.0, 1.0).at(age)
    values = {
        "campaign_activity_id": name,
        "weight": 1.0,
        "cost": 1.0,
        "estimate": Estimate(1.0, falling / rate),
        "age": age,
        "read_age": age - idle,
        "seen_age": age - idle,
        "longest_seconds": DAY,
    }
    return Prospect(**(values | other))  # type: ignore[arg-type] # varied by tests


def asked(*prospects: Prospect, requests: float = 1000) -> Plan:
    return plan(prospects, requests=requests, seconds=DAY, counters=FRESH)


class TestThePrice:
    def test_lets_the_requests_last_the_day(self) -> None:
        worth = asked(prospect(rate=0.01), requests=500)
        apart = sqrt(2 * worth.price / 0.01)
        assert DAY / apart == pytest.approx(500, rel=0.05)

    def test_follows_the_square_of_what_is_there(self) -> None:
        dear, cheap = (asked(prospect(rate=0.01), requests=n).price for n in (250, 500))
        assert dear == pytest.approx(4 * cheap)

    def test_is_never_so_low_that_a_request_ends_next_to_nothing(self) -> None:
        assert asked(prospect(rate=1e-9), requests=1e6).price == LEAST_PRICE

    def test_without_requests_is_beyond_all(self) -> None:
        assert asked(prospect(), requests=0).price == inf

    def test_without_anybody_is_the_least(self) -> None:
        assert asked().price == LEAST_PRICE

    def test_leaves_the_longest_intervals_what_they_need(self) -> None:
        rare = [prospect(str(n), rate=1e-9, longest_seconds=3600) for n in range(10)]
        alone, among = asked(prospect(rate=0.01)), asked(prospect(rate=0.01), *rare)
        spent = DAY / sqrt(2 * among.price / 0.01) + 10 * 24
        assert spent == pytest.approx(1000, rel=0.05)
        assert among.price > alone.price

    def test_stretches_the_longest_intervals_where_the_budget_does_not_bear_them(self) -> None:
        many = [prospect(str(n), rate=1e-9, longest_seconds=3600) for n in range(100)]
        worth = asked(*many, requests=240)
        assert worth.floors / worth.stretch == pytest.approx(120)


def polled_in_a_day(prospects: list[Prospect], worth: Plan) -> Counter[str]:
    """Choose for a day at the rates of now, and count who was polled."""
    polls: Counter[str] = Counter()
    seconds = 0.0
    while seconds < DAY:
        choice = choose(prospects, worth, FRESH, None)
        if isinstance(choice, Poll):
            polls[choice.prospect.campaign_activity_id] += 1
            choice.prospect.read_age = choice.prospect.seen_age = choice.prospect.age
            continue
        assert isinstance(choice, Wait)
        seconds += choice.seconds
        for one in prospects:
            one.age += choice.seconds
    return polls


def test_polls_come_in_proportion_to_the_roots_of_the_rates_and_last_the_day() -> None:
    prospects = [prospect("busy", rate=0.04), prospect("calm", rate=0.01)]
    polls = polled_in_a_day(prospects, asked(*prospects))
    assert polls["busy"] == pytest.approx(2 * polls["calm"], rel=0.05)
    assert polls.total() == pytest.approx(1000, rel=0.05)


def test_nobody_is_left_out_where_requests_are_fewer_than_activities() -> None:
    prospects = [prospect(str(n), rate=1e-9, longest_seconds=3600) for n in range(40)]
    busy = prospect("busy", rate=0.5)
    polls = polled_in_a_day([busy, *prospects], asked(busy, *prospects, requests=100))
    assert min(polls[one.campaign_activity_id] for one in prospects) >= 1


class TestTheChoice:
    def test_is_who_ends_the_most_waiting_for_a_request(self) -> None:
        choice = choose(
            [prospect("calm"), prospect("busy", rate=0.1)], Plan(price=1.0), FRESH, None
        )
        assert isinstance(choice, Poll)
        assert (choice.prospect.campaign_activity_id, choice.why) == ("busy", Why.WORTH)

    def test_is_to_wait_while_nobody_is_worth_the_price(self) -> None:
        assert isinstance(choose([prospect()], Plan(price=1000.0), FRESH, None), Wait)

    def test_waits_until_the_price_is_reached(self) -> None:
        one = prospect(rate=0.01, idle=60)
        choice = choose([one], Plan(price=50.0), FRESH, None)
        assert isinstance(choice, Wait)
        assert choice.seconds == pytest.approx(sqrt(2 * 50 / 0.01) - 60, rel=0.01)

    def test_counts_a_weight_as_so_many_opens(self) -> None:
        plain, heavy = prospect("plain", rate=0.02), prospect("heavy", rate=0.01, weight=3.0)
        choice = choose([plain, heavy], Plan(price=1.0), FRESH, None)
        assert isinstance(choice, Poll)
        assert choice.prospect is heavy

    def test_counts_the_requests_that_a_poll_costs(self) -> None:
        dear, cheap = prospect("dear", rate=0.02, cost=4.0), prospect("cheap", rate=0.01)
        choice = choose([dear, cheap], Plan(price=0.1), FRESH, None)
        assert isinstance(choice, Poll)
        assert choice.prospect is cheap

    @pytest.mark.parametrize(
        ("one", "why"),
        [
            (prospect(first=True), Why.FIRST),
            (prospect(changed=True), Why.CHANGED),
            (prospect(longest_seconds=30), Why.OVERDUE),
        ],
    )
    def test_is_made_whatever_a_poll_is_worth(self, one: Prospect, why: Why) -> None:
        choice = choose([one], Plan(price=1e9), FRESH, None)
        assert isinstance(choice, Poll)
        assert choice.why is why

    def test_polls_nobody_more_often_than_the_grain(self) -> None:
        one = prospect(rate=1e6, idle=GRAIN_SECONDS - 1)
        assert choose([one], Plan(price=1.0), FRESH, None) == Wait(1.0)

    def test_is_to_probe_where_many_may_have_changed(self) -> None:
        many = [prospect(str(n), rate=1e-4, idle=600, countable=True) for n in range(100)]
        assert choose(many, Plan(price=30.0), FRESH, 600.0) == Probe()

    def test_is_no_probe_where_the_counters_miss_all(self) -> None:
        many = [prospect(str(n), rate=1e-4, idle=600, countable=True) for n in range(100)]
        choice = choose(many, Plan(price=30.0), Counters(missed=1.0), 600.0)
        assert not isinstance(choice, Probe)

    def test_is_no_probe_where_none_can_be_made(self) -> None:
        many = [prospect(str(n), rate=1e-4, idle=600, countable=True) for n in range(100)]
        assert not isinstance(choose(many, Plan(price=30.0), FRESH, None), Probe)


class TestProbes:
    def test_pay_with_fresh_counters(self) -> None:
        many = [prospect(str(n), rate=5e-4, countable=True) for n in range(100)]
        worth = plan(many, requests=9000, seconds=DAY, counters=FRESH)
        assert worth.probe_seconds is not None

    def test_do_not_pay_with_counters_of_an_hour_ago(self) -> None:
        many = [prospect(str(n), rate=5e-4, countable=True) for n in range(100)]
        worth = plan(many, requests=9000, seconds=DAY, counters=Counters(lag_seconds=3600))
        assert worth.probe_seconds is None

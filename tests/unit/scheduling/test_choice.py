"""Which activity to poll at a price, and when to wait or to probe."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime, timedelta
from math import inf, sqrt

import pytest

from email_opens.account import CounterTrust
from email_opens.scheduling.candidates import Candidate
from email_opens.scheduling.choice import Choice, Poll, Probe, Wait, Why, choose
from email_opens.scheduling.price import GRAIN_SECONDS, HOT_SECONDS, PROBE_EVERY_SECONDS, Plan, plan
from tests.contract.samples import NOON
from tests.unit.scheduling.offered import DAY, FRESH, HOUR, candidate


def plan_of(*candidates: Candidate, requests: float = 1000) -> Plan:
    return plan(candidates, now=NOON, requests=requests, seconds=DAY, trust=FRESH)


def polled(candidates: list[Candidate], plan: Plan, lasting: float = DAY) -> Counter[str]:
    """Choose for a day at the rates of noon, and count the polls of each activity."""
    polls: Counter[str] = Counter()
    by_name = {candidate.campaign_activity_id: candidate for candidate in candidates}
    now, ends = NOON, NOON + timedelta(seconds=lasting)
    while now < ends:
        choice = chosen(by_name.values(), plan, now=now)
        if isinstance(choice, Poll):
            name = choice.candidate.campaign_activity_id
            polls[name] += 1
            by_name[name] = replace(choice.candidate, read_at=now, clear_at=now)
            continue
        assert isinstance(choice, Wait)
        now += timedelta(seconds=min(choice.seconds, 60.0))
    return polls


def chosen(
    candidates: Iterable[Candidate],
    plan: Plan,
    trust: CounterTrust = FRESH,
    probed_seconds_ago: float | None = None,
    now: datetime = NOON,
) -> Choice:
    return choose(candidates, plan, trust, probed_seconds_ago, now=now)


def test_polls_come_in_proportion_to_the_roots_of_the_rates_and_last_the_day() -> None:
    candidates = [candidate("busy", rate=0.04), candidate("calm", rate=0.01)]
    polls = polled(candidates, plan_of(*candidates))
    assert polls["busy"] == pytest.approx(2 * polls["calm"], rel=0.05)
    assert polls.total() == pytest.approx(1000, rel=0.05)


def test_every_activity_is_polled_where_requests_are_fewer_than_activities() -> None:
    candidates = [candidate(str(n), rate=1e-9, longest_seconds=3600) for n in range(40)]
    busy = candidate("busy", rate=0.5)
    scarce = plan_of(busy, *candidates, requests=100)
    polls = polled([busy, *candidates], scarce, scarce.rarest_seconds)
    assert min(polls[one.campaign_activity_id] for one in candidates) >= 1


class TestTheChoice:
    def test_is_the_poll_that_ends_the_most_waiting_for_a_request(self) -> None:
        choice = chosen([candidate("calm"), candidate("busy", rate=0.1)], Plan(price=1.0))
        assert isinstance(choice, Poll)
        assert (choice.candidate.campaign_activity_id, choice.why) == ("busy", Why.WORTH)

    def test_is_to_wait_while_too_few_opens_are_waiting(self) -> None:
        assert isinstance(chosen([candidate()], Plan(price=1000.0)), Wait)

    def test_waits_until_the_price_is_reached(self) -> None:
        one = candidate(rate=0.01, idle=60)
        choice = chosen([one], Plan(price=50.0))
        assert isinstance(choice, Wait)
        assert choice.seconds == pytest.approx(sqrt(2 * 50 / 0.01) - 60, rel=0.01)

    def test_counts_a_weight_as_so_many_opens(self) -> None:
        plain, heavy = candidate("plain", rate=0.02), candidate("heavy", rate=0.01, weight=3.0)
        choice = chosen([plain, heavy], Plan(price=1.0))
        assert isinstance(choice, Poll)
        assert choice.candidate is heavy

    def test_counts_the_requests_that_a_poll_costs(self) -> None:
        dear, cheap = candidate("dear", rate=0.02, cost=4.0), candidate("cheap", rate=0.01)
        choice = chosen([dear, cheap], Plan(price=0.1))
        assert isinstance(choice, Poll)
        assert choice.candidate is cheap

    @pytest.mark.parametrize(
        ("one", "why"),
        [
            (candidate(first=True), Why.FIRST),
            (candidate(changed=True), Why.CHANGED),
            (candidate(longest_seconds=30), Why.OVERDUE),
            (candidate(age=90, idle=HOT_SECONDS, hot_for=HOUR), Why.FRESH),
        ],
    )
    def test_is_made_whatever_a_poll_is_worth(self, one: Candidate, why: Why) -> None:
        choice = chosen([one], Plan(price=1e9))
        assert isinstance(choice, Poll)
        assert choice.why is why

    def test_polls_no_activity_more_often_than_the_grain(self) -> None:
        one = candidate(rate=1e6, idle=GRAIN_SECONDS - 1)
        assert chosen([one], Plan(price=1.0)) == Wait(1.0)

    def test_is_to_probe_where_many_may_have_changed(self) -> None:
        many = [candidate(str(n), rate=1e-4, idle=600, countable=True) for n in range(100)]
        assert chosen(many, Plan(price=30.0, probe_seconds=300.0), FRESH, 600.0) == Probe()

    def test_is_no_probe_where_the_counters_miss_all(self) -> None:
        many = [candidate(str(n), rate=1e-4, idle=600, countable=True) for n in range(100)]
        choice = chosen(
            many, Plan(price=30.0, probe_seconds=300.0), CounterTrust(missed=1.0), 600.0
        )
        assert not isinstance(choice, Probe)

    def test_is_no_probe_where_none_can_be_made(self) -> None:
        many = [candidate(str(n), rate=1e-4, idle=600, countable=True) for n in range(100)]
        assert not isinstance(chosen(many, Plan(price=30.0, probe_seconds=300.0)), Probe)

    def test_is_a_probe_now_and_then_also_where_none_pays(self) -> None:
        quiet = [candidate(rate=1e-9, countable=True)]
        assert chosen(quiet, Plan(price=30.0), FRESH, PROBE_EVERY_SECONDS) == Probe()

    def test_is_the_first_of_those_that_are_worth_as_much(self) -> None:
        choice = chosen([candidate("a"), candidate("b")], Plan(price=1.0))
        assert isinstance(choice, Poll)
        assert choice.candidate.campaign_activity_id == "a"

    def test_is_to_wait_where_the_rate_has_fallen_meanwhile(self) -> None:
        one = candidate(rate=0.01, age=6 * HOUR, idle=6 * HOUR)
        price = one.waiting(0, NOON) / 0.9
        assert one.seconds_until_worth(price, 0, NOON) < 0
        assert chosen([one], Plan(price=price)) == Wait(GRAIN_SECONDS)

    def test_counts_what_counters_may_have_missed_since_the_last_read(self) -> None:
        one = candidate(rate=0.01, idle=600.0, clear=10.0, countable=True)
        assert isinstance(chosen([one], Plan(price=100.0)), Wait)
        assert isinstance(chosen([one], Plan(price=100.0), CounterTrust(missed=0.5), None), Poll)


class TestWhatHasAccrued:
    def test_is_less_where_a_counter_has_not_moved(self) -> None:
        one = candidate(rate=0.01, idle=100.0, clear=40.0)
        # 0.01 opens a second: 8 open-seconds over the last 40, 50 over all 100.
        assert one.waiting(0, NOON) == pytest.approx(8, rel=1e-3)
        assert one.waiting(0.25, NOON) == pytest.approx(8 + 0.25 * (50 - 8), rel=1e-3)

    @pytest.mark.parametrize("missed", [0.0, 0.25, 1.0])
    def test_reaches_a_price_at_the_predicted_instant(self, missed: float) -> None:
        one = candidate(rate=0.01, idle=100.0, clear=40.0, weight=2.0, cost=3.0)
        then = NOON + timedelta(seconds=one.seconds_until_worth(500.0, missed, NOON))
        assert one.waiting(missed, then) == pytest.approx(500.0 * 3.0, rel=0.01)


class TestWaiting:
    """In how many seconds the next request will be worth it."""

    def test_is_for_what_will_be_worth_the_price(self) -> None:
        one, price = candidate(rate=0.01, idle=1.0), 0.25
        choice = chosen([one], Plan(price=price))
        assert isinstance(choice, Wait)
        assert choice.seconds == pytest.approx(sqrt(2 * price / 0.01) - 1, rel=0.01)

    def test_is_not_until_an_old_activity_has_rested_long_enough(self) -> None:
        one = candidate(rate=1e-9, longest_seconds=90.0)
        choice = chosen([one], Plan(price=1.0))
        assert isinstance(choice, Wait)
        assert choice.seconds > HOUR

    def test_is_for_a_fresh_send_until_its_interval_is_over(self) -> None:
        one = candidate(rate=1e-9, age=90.0, idle=10.0, hot_for=HOUR)
        assert chosen([one], Plan(price=1.0)) == Wait(HOT_SECONDS - 10.0)

    def test_is_for_a_probe(self) -> None:
        one = candidate(rate=1e-6, countable=True)
        assert chosen([one], Plan(price=2.0, probe_seconds=30.0), FRESH, 10.0) == Wait(20.0)

    def test_is_for_a_probe_that_does_not_pay_yet_until_it_pays(self) -> None:
        def after(seconds: float) -> Choice:
            idle = [candidate(str(n), rate=1e-5, idle=seconds, countable=True) for n in range(50)]
            return chosen(idle, Plan(price=2.0, probe_seconds=30.0), FRESH, seconds)

        choice = after(40.0)
        assert isinstance(choice, Wait)
        assert choice.seconds > 2 * GRAIN_SECONDS
        assert after(40.0 + choice.seconds + 2 * GRAIN_SECONDS) == Probe()
        assert isinstance(after(40.0 + 0.7 * choice.seconds), Wait)

    @pytest.mark.parametrize("rate", [1e-6, 1e-300])
    def test_is_for_a_probe_that_is_due_whatever_it_is_worth(self, rate: float) -> None:
        one = candidate(rate=rate, idle=40.0, countable=True)
        choice = chosen([one], Plan(price=2.0, probe_seconds=30.0), FRESH, 40.0)
        assert choice == Wait(PROBE_EVERY_SECONDS - 40.0)

    def test_is_for_what_has_changed_and_only_rests(self) -> None:
        one = candidate(idle=GRAIN_SECONDS - 2, changed=True)
        assert chosen([one], Plan(price=1e9)) == Wait(2.0)

    def test_has_no_end_without_candidates(self) -> None:
        assert chosen([], Plan(price=1.0)) == Wait(inf)

"""What a request is spent on, and how long to wait for it."""

from collections import Counter
from collections.abc import Collection
from copy import replace
from datetime import datetime, timedelta
from math import inf, sqrt

import pytest

from email_opens.account import CounterTrust, Hours
from email_opens.scheduling.candidates import Candidate
from email_opens.scheduling.choice import (
    GRAIN_SECONDS,
    LEAST_WORTH,
    PROBE_EVERY_SECONDS,
    Choice,
    Poll,
    Probe,
    Wait,
    Why,
    choose,
)
from email_opens.scheduling.plan import HOT_SECONDS, Plan, plan
from tests.contract.samples import NOON
from tests.unit.scheduling.offered import DAY, FRESH, HOUR, candidate

EACH_TEN = Plan(requests_a_second=0.1)
"""A request each ten seconds."""


def chosen(
    candidates: Collection[Candidate],
    plan: Plan = EACH_TEN,
    trust: CounterTrust = FRESH,
    probed_seconds_ago: float | None = None,
    spent_seconds_ago: float = inf,
    now: datetime = NOON,
) -> Choice:
    return choose(
        candidates, plan, trust, probed_seconds_ago, spent_seconds_ago=spent_seconds_ago, now=now
    )


def polled(candidates: list[Candidate], requests: float, lasting: float = DAY) -> Counter[str]:
    """Choose until the end of a day at the rates of noon, and count the polls of each activity."""
    polls: Counter[str] = Counter()
    by_name = {candidate.campaign_activity_id: candidate for candidate in candidates}
    now, ends, spent_at = NOON, NOON + timedelta(seconds=lasting), NOON
    planned = Plan()
    while now < ends:
        seconds = max(60.0, (ends - now).total_seconds())
        left = requests - polls.total()
        planned = plan([*by_name.values()], now=now, requests=left, seconds=seconds, hours=Hours())
        spent_seconds_ago = (now - spent_at).total_seconds()
        choice = chosen(by_name.values(), planned, spent_seconds_ago=spent_seconds_ago, now=now)
        if isinstance(choice, Poll):
            name = choice.candidate.campaign_activity_id
            polls[name] += 1
            by_name[name] = replace(choice.candidate, read_at=now, clear_at=now)
            spent_at = spent_at if choice.why in (Why.FRESH, Why.OVERDUE) else now
            continue
        assert isinstance(choice, Wait)
        now += timedelta(seconds=min(choice.seconds, 60.0))
    return polls


def test_polls_come_in_proportion_to_the_roots_of_the_rates_and_last_the_day() -> None:
    busy = [candidate(f"busy{number}", rate=0.04) for number in range(5)]
    calm = [candidate(f"calm{number}", rate=0.01) for number in range(5)]
    polls = polled([*busy, *calm], 1000)
    often, rarely = (sum(polls[one.campaign_activity_id] for one in some) for some in (busy, calm))
    assert often == pytest.approx(2 * rarely, rel=0.1)
    assert polls.total() == pytest.approx(1000, rel=0.05)


def test_every_activity_is_polled_where_requests_are_fewer_than_activities() -> None:
    quiet = [candidate(str(n), rate=1e-9, longest_seconds=3600, idle=3000.0) for n in range(40)]
    polls = polled([candidate("busy", rate=0.5), *quiet], 500)
    assert min(polls[one.campaign_activity_id] for one in quiet) >= 1


def test_many_that_are_overdue_do_not_hold_up_a_busy_one() -> None:
    """Those that are due only for their age are not among the requests that the plan paces."""
    quiet = [candidate(str(n), rate=1e-9, longest_seconds=900, idle=1e5) for n in range(50)]
    busy = candidate("busy", rate=1.0, idle=20.0)
    choice = chosen([*quiet, busy], spent_seconds_ago=20.0)
    assert isinstance(choice, Poll)
    assert choice.candidate is busy


class TestTheChoice:
    def test_is_the_poll_that_ends_the_most_waiting_for_a_request(self) -> None:
        choice = chosen([candidate("calm"), candidate("busy", rate=0.1)])
        assert isinstance(choice, Poll)
        assert (choice.candidate.campaign_activity_id, choice.why) == ("busy", Why.WORTH)

    def test_counts_a_weight_as_so_many_opens(self) -> None:
        plain, heavy = candidate("plain", rate=0.02), candidate("heavy", rate=0.01, weight=3.0)
        choice = chosen([plain, heavy])
        assert isinstance(choice, Poll)
        assert choice.candidate is heavy

    def test_counts_the_requests_that_a_poll_costs(self) -> None:
        dear, cheap = candidate("dear", rate=0.02, cost=4.0), candidate("cheap", rate=0.01)
        choice = chosen([dear, cheap])
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
        choice = chosen([one], Plan(requests_a_second=1e-9), spent_seconds_ago=0.0)
        assert isinstance(choice, Poll)
        assert choice.why is why

    def test_is_the_first_read_before_all_others(self) -> None:
        choice = chosen([candidate("busy", rate=10.0), candidate("new", first=True)])
        assert isinstance(choice, Poll)
        assert choice.why is Why.FIRST

    def test_polls_no_activity_more_often_than_the_grain(self) -> None:
        one = candidate(rate=1e6, idle=GRAIN_SECONDS - 1.5)
        assert chosen([one]) == Wait(1.5)

    def test_waits_while_a_walk_goes_on_below_the_head(self) -> None:
        one = candidate(rate=1e6, continued_at=NOON - timedelta(seconds=1))
        assert chosen([one]) == Wait(GRAIN_SECONDS - 1)

    def test_is_the_first_of_those_that_are_worth_as_much(self) -> None:
        choice = chosen([candidate("a"), candidate("b")])
        assert isinstance(choice, Poll)
        assert choice.candidate.campaign_activity_id == "a"

    def test_counts_what_counters_may_have_missed_since_the_last_read(self) -> None:
        counted = candidate("counted", rate=0.01, idle=600.0, clear=10.0, countable=True)
        other = candidate("other", rate=0.01, idle=100.0)
        for trust, name in ((FRESH, "other"), (CounterTrust(missed=0.5), "counted")):
            choice = chosen([counted, other], trust=trust)
            assert isinstance(choice, Poll)
            assert choice.candidate.campaign_activity_id == name

    def test_leaves_a_fresh_send_alone_of_which_the_counters_have_counted_nothing(self) -> None:
        fresh = candidate(age=90, idle=30.0, clear=6.0, hot_for=HOUR, rate=1e-9, countable=True)
        assert isinstance(chosen([fresh]), Wait)
        choice = chosen([fresh], trust=CounterTrust(missed=1.0))
        assert isinstance(choice, Poll)
        assert choice.why is Why.FRESH


class TestAProbe:
    MANY = tuple(candidate(str(n), rate=1e-4, idle=600, countable=True) for n in range(100))

    def test_is_made_where_many_may_have_changed(self) -> None:
        assert chosen(self.MANY, probed_seconds_ago=600.0) == Probe()

    def test_is_not_made_where_the_counters_miss_all(self) -> None:
        choice = chosen(self.MANY, trust=CounterTrust(missed=1.0), probed_seconds_ago=600.0)
        assert isinstance(choice, Poll)

    def test_is_not_made_where_the_counters_are_as_old_as_the_last_poll(self) -> None:
        choice = chosen(self.MANY, trust=CounterTrust(lag_seconds=600), probed_seconds_ago=600.0)
        assert isinstance(choice, Poll)

    def test_is_not_made_where_none_can_be_made(self) -> None:
        assert isinstance(chosen(self.MANY), Poll)

    def test_is_made_now_and_then_also_where_it_does_not_pay(self) -> None:
        quiet = [candidate(rate=1e-9, countable=True)]
        never = Plan(requests_a_second=1e-9)
        assert chosen(quiet, never, probed_seconds_ago=PROBE_EVERY_SECONDS) == Probe()

    def test_waits_for_what_it_and_the_polls_after_it_cost(self) -> None:
        """It is not outrun by polls that are worth less but cost less."""
        some = self.MANY[:10]
        choice = chosen(some, probed_seconds_ago=600.0, spent_seconds_ago=11.0)
        assert isinstance(choice, Wait)
        follow = 10 * (1 - 2.718281828 ** -(1e-4 * 600))
        assert choice.seconds == pytest.approx(10 * (1 + follow) - 11, rel=0.01)

    @pytest.mark.parametrize(("share", "probe"), [(0.5, True), (0.6, False)])
    def test_does_not_pay_for_the_polls_that_rare_opens_need_in_any_case(
        self, share: float, probe: bool
    ) -> None:
        """Of 50 e-mails, each sixth has an unread open, so that eight polls would follow.

        `share` is the waiting in another e-mail, relative to theirs.
        """
        fifty = [candidate(str(n), rate=3e-4, idle=600, countable=True) for n in range(50)]
        ended = sum(one.waiting(0, NOON) for one in fifty)
        other = candidate("other", rate=0.01, idle=sqrt(2 * share * ended / 0.01))
        choice = chosen([*fifty, other], probed_seconds_ago=600.0)
        assert (choice == Probe()) is probe

    def test_is_not_made_where_each_e_mail_surely_has_an_open(self) -> None:
        sure = [candidate(str(n), rate=0.03, idle=600, countable=True) for n in range(50)]
        assert isinstance(chosen(sure, probed_seconds_ago=600.0), Poll)

    def test_is_not_put_off_for_long_by_a_send_that_is_always_worth_a_poll(self) -> None:
        each_seven = Plan(requests_a_second=0.15)
        quiet = [candidate(str(n), rate=5e-4, countable=True) for n in range(60)]
        unread = {one.campaign_activity_id: one for one in quiet}
        unread["viral"] = candidate("viral", rate=0.3, countable=True)
        now = spent_at = probed_at = NOON
        probes = []
        while now < NOON + timedelta(hours=1):
            choice = chosen(
                unread.values(),
                each_seven,
                probed_seconds_ago=(now - probed_at).total_seconds(),
                spent_seconds_ago=(now - spent_at).total_seconds(),
                now=now,
            )
            if isinstance(choice, Wait):
                now += timedelta(seconds=choice.seconds)
                continue
            now += timedelta(seconds=0.25)  # The request.
            spent_at = now
            if isinstance(choice, Probe):
                probes.append(now - probed_at)
                probed_at = now
                unread = {name: replace(one, clear_at=now) for name, one in unread.items()}
            else:
                read = replace(choice.candidate, read_at=now, clear_at=now)
                unread[read.campaign_activity_id] = read
        assert max(probes) < timedelta(minutes=5)

    def test_is_not_made_more_often_than_the_grain(self) -> None:
        assert chosen(self.MANY, probed_seconds_ago=GRAIN_SECONDS - 2) != Probe()

    def test_is_waited_for_where_all_has_just_been_counted(self) -> None:
        clear = [replace(one, clear_at=NOON) for one in self.MANY]
        choice = chosen(clear, probed_seconds_ago=0.0, spent_seconds_ago=0.0)
        assert isinstance(choice, Wait)
        assert choice.seconds == pytest.approx(10.0)

    def test_takes_several_requests_where_one_cannot_count_all(self) -> None:
        one_by_one = choose(
            self.MANY,
            EACH_TEN,
            FRESH,
            600.0,
            spent_seconds_ago=inf,
            now=NOON,
            campaigns_per_probe=1,
        )
        assert isinstance(one_by_one, Poll)


class TestWhatHasAccrued:
    def test_is_less_where_a_counter_has_not_moved(self) -> None:
        one = candidate(rate=0.01, idle=100.0, clear=40.0)
        # 0.01 opens a second: 8 open-seconds over the last 40, 50 over all 100.
        assert one.waiting(0, NOON) == pytest.approx(8, rel=1e-3)
        assert one.waiting(0.25, NOON) == pytest.approx(8 + 0.25 * (50 - 8), rel=1e-3)


class TestWaiting:
    """In how many seconds the next request may be sent."""

    def test_is_until_the_plan_allows_a_request(self) -> None:
        assert chosen([candidate(rate=0.01)], spent_seconds_ago=4.0) == Wait(6.0)

    def test_counts_the_requests_that_a_poll_costs(self) -> None:
        assert chosen([candidate(rate=0.01, cost=2.0)], spent_seconds_ago=4.0) == Wait(16.0)

    def test_is_until_a_request_ends_more_than_next_to_nothing(self) -> None:
        one = candidate(rate=1e-6, idle=10.0)
        choice = chosen([one])
        assert isinstance(choice, Wait)
        assert choice.seconds == pytest.approx(sqrt(2 * LEAST_WORTH / 1e-6) - 10, rel=0.01)

    def test_is_for_a_fresh_send_until_its_interval_is_over(self) -> None:
        one = candidate(rate=1e-9, age=90.0, idle=10.0, hot_for=HOUR)
        assert chosen([one]) == Wait(HOT_SECONDS - 10.0)

    def test_is_for_an_old_one_until_its_longest_interval_is_over(self) -> None:
        one = candidate(rate=1e-9, idle=10.0, longest_seconds=900.0)
        assert chosen([one]) == Wait(890.0)
        assert chosen([one], replace(EACH_TEN, stretch=2.0)) == Wait(1790.0)
        assert chosen([one], replace(EACH_TEN, stretch=2.0, lengthened_to=1000.0)) == Wait(990.0)
        assert chosen([one], replace(EACH_TEN, stretch=2.0, lengthened_to=100.0)) == Wait(890.0)

    def test_is_for_what_has_changed_and_only_rests(self) -> None:
        one = candidate(idle=GRAIN_SECONDS - 2, changed=True)
        assert chosen([one]) == Wait(2.0)

    def test_has_no_end_where_there_is_nothing_to_wait_for(self) -> None:
        assert chosen([]) == Wait(inf)
        assert chosen([candidate(longest_seconds=inf)], Plan()) == Wait(inf)

"""The maths of `bench.freshness`: the worlds, and the policies for comparison."""

from collections.abc import Callable
from itertools import pairwise
from random import Random
from xml.etree import ElementTree as ET

import pytest

from bench.freshness.plot import Line, plot
from bench.freshness.policies import Polls, delays, even, optimal_waiting, optimum, square_root
from bench.freshness.world import DAY, HOUR, LIVE_SECONDS, Send, World, draw_world

SVG = "{http://www.w3.org/2000/svg}"
A_DAY = 9_000


@pytest.fixture(scope="module")
def hundred() -> World:
    return draw_world(seed=4, activities=100, days=7)


def one_send(*opens: float) -> World:
    send = Send(number=0, sent=0.0, opens_a_second=0.01, opens=list(opens))
    return World(sends=[send], begins=0.0, ends=DAY)


def test_the_same_seed_draws_the_same_world() -> None:
    assert draw_world(seed=7, activities=20, days=1) == draw_world(seed=7, activities=20, days=1)


def test_about_the_requested_number_of_sends_is_live(hundred: World) -> None:
    live = [send for send in hundred.sends if send.sent <= hundred.begins < send.ends]
    assert len(live) == pytest.approx(100, rel=0.2)


def test_sixteen_percent_of_the_opens_arrive_in_the_first_hour() -> None:
    sends = draw_world(seed=4, activities=300, days=1).sends
    early = sum(send.opened(send.sent + HOUR) for send in sends)
    # (1 + t/3)^-0.6 of the opens arrive more than t hours after the send; four weeks are 672 h.
    expected = (1 - (4 / 3) ** -0.6) / (1 - (1 + LIVE_SECONDS / HOUR / 3) ** -0.6)
    assert early / sum(len(send.opens) for send in sends) == pytest.approx(expected, rel=0.02)


def test_in_a_burst_world_everything_is_sent_on_tuesday_between_10_00_and_10_10() -> None:
    weekly = [send.sent % (7 * DAY) for send in draw_world(4, 100, 2, burst=True).sends]
    assert all(34 * HOUR <= sent <= 34 * HOUR + 600 for sent in weekly)


def test_a_burst_in_the_measured_days_is_as_large_as_the_others() -> None:
    burst = draw_world(4, 100, 2, burst=True)
    assert sum(send.sent >= burst.begins for send in burst.sends) == pytest.approx(25, abs=10)


def test_an_open_waits_for_the_next_poll_of_its_send() -> None:
    assert delays(one_send(10.0, 30.0), {0: [5.0, 25.0, 40.0]}).all == [15.0, 10.0]


def test_an_open_that_is_never_polled_waits_until_the_end() -> None:
    assert delays(one_send(10.0), {0: [5.0]}).all == [DAY - 10.0]


def test_the_mean_delay_of_even_polling_is_half_the_interval() -> None:
    opens = [number * 7.0 for number in range(int(DAY / 7))]
    assert delays(one_send(*opens), even(one_send(*opens), 100)).mean == pytest.approx(
        DAY / 100 / 2, rel=0.02
    )


@pytest.mark.parametrize("policy", [square_root, optimum])
def test_a_policy_that_knows_the_rates_spends_the_days_requests(
    policy: Callable[[World, int, Random], Polls], hundred: World
) -> None:
    polls = policy(hundred, A_DAY, Random(1))
    assert sum(map(len, polls.values())) == pytest.approx(A_DAY * hundred.days, rel=0.01)


def test_the_waiting_of_the_optimum_matches_its_formula(hundred: World) -> None:
    found = delays(hundred, optimum(hundred, A_DAY, Random(1)))
    expected = optimal_waiting(hundred, A_DAY)
    assert sum(found.all) == pytest.approx(expected, rel=0.05)


def test_the_optimum_waits_less_than_the_square_root_of_daily_rates(hundred: World) -> None:
    by_square_root = delays(hundred, square_root(hundred, A_DAY, Random(1)))
    assert optimal_waiting(hundred, A_DAY) < sum(by_square_root.all)


def test_a_plot_puts_the_name_of_every_line_at_its_own_height() -> None:
    names = ["even", "rule", "optimum"]
    picture = ET.fromstring(plot([Line(name, [(20, 30.0), (300, 60.0)]) for name in names]))
    heights = {
        text.text: float(text.attrib["y"])
        for text in picture.iter(f"{SVG}text")
        if text.text in names
    }
    ranked = sorted(heights.values())
    assert min(high - low for low, high in pairwise(ranked)) >= 15

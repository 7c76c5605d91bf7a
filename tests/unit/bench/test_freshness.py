"""The maths of `bench.freshness`: what the product is measured against."""

from collections.abc import Callable
from itertools import pairwise
from random import Random
from xml.etree import ElementTree as ET

import pytest

from bench.freshness_fixed import Polls, delays, even, optimal_waiting, optimum, square_root
from bench.freshness_plot import Line, plot
from bench.freshness_world import DAY, HOUR, LIVE_SECONDS, Send, World, world

SVG = "{http://www.w3.org/2000/svg}"
A_DAY = 9_000


@pytest.fixture(scope="module")
def hundred() -> World:
    return world(seed=4, activities=100, days=7)


def one_send(*opens: float) -> World:
    send = Send(number=0, sent=0.0, opens_a_second=0.01, opens=list(opens))
    return World(sends=[send], begins=0.0, ends=DAY)


def test_a_seed_draws_the_same_world_again() -> None:
    assert world(seed=7, activities=20, days=1) == world(seed=7, activities=20, days=1)


def test_about_as_many_sends_are_live_as_were_asked_for(hundred: World) -> None:
    live = [send for send in hundred.sends if send.sent <= hundred.begins < send.ends]
    assert len(live) == pytest.approx(100, rel=0.2)


def test_sixteen_percent_of_the_opens_come_in_the_first_hour() -> None:
    sends = world(seed=4, activities=300, days=1).sends
    early = sum(send.opened(send.sent + HOUR) for send in sends)
    # (1 + 1/3)^-0.6 is what an hour leaves of all that ever come, (1 + 672/3)^-0.6 four weeks.
    expected = (1 - (4 / 3) ** -0.6) / (1 - (1 + LIVE_SECONDS / HOUR / 3) ** -0.6)
    assert early / sum(len(send.opens) for send in sends) == pytest.approx(expected, rel=0.02)


def test_a_burst_sends_all_on_tuesday_within_ten_minutes_of_ten() -> None:
    weekly = [send.sent % (7 * DAY) for send in world(4, 100, 2, burst=True).sends]
    assert all(34 * HOUR <= sent <= 34 * HOUR + 600 for sent in weekly)


def test_a_burst_within_the_measured_days_is_as_large_as_the_others() -> None:
    burst = world(4, 100, 2, burst=True)
    assert sum(send.sent >= burst.begins for send in burst.sends) == pytest.approx(25, abs=10)


def test_an_open_waits_for_the_next_poll_of_its_send() -> None:
    assert delays(one_send(10.0, 30.0), {0: [5.0, 25.0, 40.0]}).all == [15.0, 10.0]


def test_an_open_that_is_not_polled_waits_to_the_end() -> None:
    assert delays(one_send(10.0), {0: [5.0]}).all == [DAY - 10.0]


def test_even_polling_waits_half_of_what_lies_between_two_polls() -> None:
    opens = [number * 7.0 for number in range(int(DAY / 7))]
    assert delays(one_send(*opens), even(one_send(*opens), 100)).mean == pytest.approx(
        DAY / 100 / 2, rel=0.02
    )


@pytest.mark.parametrize("policy", [square_root, optimum])
def test_who_knows_the_rates_spends_the_days_requests(
    policy: Callable[[World, int, Random], Polls], hundred: World
) -> None:
    polls = policy(hundred, A_DAY, Random(1))
    assert sum(map(len, polls.values())) == pytest.approx(A_DAY * hundred.days, rel=0.01)


def test_the_optimum_waits_as_its_formula_says(hundred: World) -> None:
    waited = delays(hundred, optimum(hundred, A_DAY, Random(1)))
    expected = optimal_waiting(hundred, A_DAY)
    assert sum(waited.all) == pytest.approx(expected, rel=0.05)


def test_the_optimum_waits_less_than_roots_of_a_days_rates(hundred: World) -> None:
    rooted = delays(hundred, square_root(hundred, A_DAY, Random(1)))
    assert optimal_waiting(hundred, A_DAY) < sum(rooted.all)


def test_a_plot_names_every_line_on_its_own_height() -> None:
    names = ["even", "rule", "optimum"]
    picture = ET.fromstring(plot([Line(one, [(20, 30.0), (300, 60.0)]) for one in names]))
    heights = {
        text.text: float(text.attrib["y"])
        for text in picture.iter(f"{SVG}text")
        if text.text in names
    }
    ranked = sorted(heights.values())
    assert min(high - low for low, high in pairwise(ranked)) >= 15

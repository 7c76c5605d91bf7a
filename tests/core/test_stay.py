"""A turn goes on while an open is worth a request, and ends at once where none is."""

from datetime import timedelta

import pytest

from email_opens.model import Estimate
from email_opens.scheduling.candidates import prior_of
from email_opens.scheduling.choice import Why
from tests.core.setup import DAY, LEASE, Core, at, row
from tests.fakes import FakeClock
from tests.world import Calls


@pytest.fixture
def core() -> Core:
    core = Core()
    core.stay = LEASE
    return core


def hot(core: Core, name: str = "a") -> None:
    """Track an activity that was sent just now."""
    core.track(campaign_activity_id=name, sent_at=core.clock.now(), tracked_at=core.clock.now())


def test_a_hot_activity_is_polled_again_and_again(core: Core) -> None:
    hot(core)
    core.take_turn()
    assert 3 <= len(core.polled) <= 12


def test_an_open_that_comes_in_the_turn_is_published_in_it(core: Core) -> None:
    hot(core)
    calls = Calls()
    calls.after[0] = lambda: core.arrive(row(120), to="a")
    core.take_turn(calls)
    assert core.published_minutes("a") == [120]


def test_a_turn_that_does_not_stay_polls_once(core: Core) -> None:
    hot(core)
    core.stay = timedelta()
    core.take_turn()
    assert core.polled == ["a"]


def test_a_turn_ends_before_its_time(core: Core) -> None:
    hot(core)
    before = core.clock.now() + LEASE
    core.take_turn()
    assert core.clock.now() < before


def fresh(core: Core, read_seconds_ago: int) -> None:
    """Track an activity that was sent five minutes ago, and read meanwhile."""
    now = core.clock.now()
    read_at = now - timedelta(seconds=read_seconds_ago)
    sent = now - timedelta(minutes=5)
    core.track(
        campaign_activity_id="a",
        sent_at=sent,
        tracked_at=sent,
        watermark=read_at,
        polled_at=read_at,
        swept_at=read_at,
        audited_at=read_at,
        estimate=Estimate(1.0, 1e9),
    )


@pytest.mark.parametrize(
    ("read_seconds_ago", "stays", "seconds"),
    [
        (0, timedelta(seconds=45), 44),
        (15, timedelta(seconds=58), 57),
        (15, LEASE, 58),
        (15, 2 * LEASE, 58),
        (20, timedelta(seconds=2), 1),
        (20, timedelta(seconds=5), 5),
    ],
)
def test_a_fresh_send_is_polled_at_the_end_of_a_turn_because_no_poll_follows_before_the_next(
    core: Core, read_seconds_ago: int, stays: timedelta, seconds: int
) -> None:
    fresh(core, read_seconds_ago)
    began = core.clock.now()
    core.stay = stays
    core.take_turn()
    assert core.activity("a").progress.polled_at == began + timedelta(seconds=seconds)


@pytest.mark.parametrize(("left", "polled"), [(1.0, True), (0.999, False)])
def test_a_poll_is_begun_if_a_second_is_left(core: Core, left: float, polled: bool) -> None:
    core.stay = timedelta()
    hot(core, "a")
    hot(core, "b")
    calls = Calls()
    calls.after[0] = lambda: core.clock.sleep(LEASE.total_seconds() - left)
    core.take_turn(calls)
    assert ("b" in core.polled) is polled


def aged(core: Core, opens_an_hour: float) -> None:
    """Track an activity of nine days, which was read just now."""
    old = core.clock.now() - 9 * DAY
    core.track(
        tracked_at=old,
        watermark=old,
        polled_at=core.clock.now(),
        swept_at=core.clock.now(),
        audited_at=core.clock.now(),
        estimate=Estimate(opens_an_hour, 3600.0),
    )


def test_an_account_with_nothing_hot_ends_at_once(core: Core) -> None:
    aged(core, 100.0)
    began = core.clock.now()
    turn = core.take_turn()
    assert (core.clock.now(), turn.requests) == (began, 0)


def test_a_turn_waits_for_whatever_is_worth_the_price_of_staying(core: Core) -> None:
    core.stay_price = 0.0
    aged(core, 100.0)
    began = core.clock.now()
    turn = core.take_turn()
    assert (core.clock.now() > began, turn.requests) == (True, 1)


def test_an_account_without_activities_ends_at_once(core: Core) -> None:
    began = core.clock.now()
    core.take_turn()
    assert core.clock.now() == began


def test_a_failing_activity_is_not_polled_again_in_the_turn(core: Core) -> None:
    hot(core)
    core.report_errors["a"] = ZeroDivisionError()
    core.take_turn()
    assert core.polled == ["a"]


def test_heads_are_polled_between_the_stretches_of_a_backlog(core: Core) -> None:
    hot(core)
    core.track(campaign_activity_id="b")
    core.arrive(*(row(-number) for number in range(90)), to="b")
    calls = Calls()
    for number in range(99):
        calls.after[number] = lambda: core.clock.sleep(2)
    core.take_turn(calls)
    heads = [number for number, name in enumerate(core.polled) if name == "a"]
    stretches = [number for number, name in enumerate(core.polled) if name == "b"]
    assert heads[1] < stretches[-1]


def test_a_backlog_whose_head_was_polled_meanwhile_repeats_nothing(core: Core) -> None:
    hot(core)
    core.arrive(*(row(119 - number) for number in range(90)), to="a")

    def open_and_wait() -> None:
        core.arrive(row(120), to="a")
        core.clock.sleep(2)

    calls = Calls()
    calls.after.update(dict.fromkeys(range(99), open_and_wait))
    core.take_turn(calls)
    minutes = core.published_minutes("a")
    assert len([one for one in minutes if one < 120]) == 90
    assert len(set(core.publisher.published)) == len(core.publisher.published)


def test_a_second_send_of_an_activity_is_read_at_once_and_estimated_anew(core: Core) -> None:
    core.stay = timedelta()
    core.track(
        sent_at=at(119),
        tracked_at=at(0) - 9 * DAY,
        watermark=at(0) - 9 * DAY,
        polled_at=at(118),
        swept_at=at(118),
        audited_at=at(118),
        estimate=Estimate(1.0, 1e9),
    )
    turn = core.take_turn()
    estimate = core.activity().profile.estimate
    assert [one.why for one in turn.decisions] == [Why.FIRST]
    assert estimate is not None
    assert estimate.opens_a_second > 0.005


def test_a_clock_that_has_jumped_back_delays_no_poll(core: Core) -> None:
    core.stay = timedelta()
    core.track(polled_at=core.clock.now() + DAY, watermark=at(0), audited_at=at(0))
    core.take_turn()
    assert core.activity().progress.polled_at == core.clock.now()


def test_a_first_read_finds_when_an_activity_was_sent(core: Core) -> None:
    core.stay = timedelta()
    core.track()
    core.arrive(row(100), row(-300))
    core.take_turn()
    assert core.activity().sent_at == at(-300)


def test_a_turn_reports_why_it_spent_its_requests(core: Core) -> None:
    hot(core)
    turn = core.take_turn()
    assert {decision.why for decision in turn.decisions} == {Why.FIRST, Why.WORTH}
    assert {decision.campaign_activity_id for decision in turn.decisions} == {*core.polled}


def test_a_turn_reports_what_the_longest_intervals_need_beyond_the_budget(core: Core) -> None:
    core.requests_per_day = 10
    for number in range(20):
        core.track(campaign_activity_id=str(number), tracked_at=core.clock.now())
    core.stay = timedelta()
    needs = core.take_turn().shortfall + 10
    assert needs > 700
    for budget, shortfall in ((100, needs - 100), (needs - 1, 1), (needs, 0), (needs + 1, 0)):
        again = Core(clock=FakeClock(core.clock.now()), requests_per_day=budget)
        for number in range(20):
            again.track(campaign_activity_id=str(number), tracked_at=again.clock.now())
        assert again.take_turn().shortfall == shortfall


def test_a_turn_reports_the_price_of_a_request(core: Core) -> None:
    core.stay = timedelta()
    hot(core)
    price = core.take_turn().price
    assert price is not None
    assert 0 < price < 100


def test_a_turn_without_a_request_left_reports_no_price(core: Core) -> None:
    core.requests_per_day = 0
    hot(core)
    assert core.take_turn().price is None


def test_a_turn_reports_what_is_left_of_the_day(core: Core) -> None:
    core.stay = timedelta()
    hot(core)
    assert core.take_turn().requests_left == 9_999


def test_rows_that_came_within_their_grain_do_not_change_the_rate(
    core: Core,
) -> None:
    core.stay = timedelta()
    core.track(tracked_at=core.clock.now())
    core.arrive(*(row(120, f"c{number}") for number in range(90)))
    core.take_turn()
    assert core.activity().profile.estimate == prior_of(())

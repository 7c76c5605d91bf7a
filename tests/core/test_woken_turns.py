"""A turn ends once nothing is worth a request, and asks for the next one."""

from datetime import timedelta
from typing import Any

import pytest

from email_opens.account import Chain, WakeUp
from email_opens.adapters.local.wake_ups import NextWakeUp
from email_opens.allowance.outage import Outage
from email_opens.errors import (
    AccountDisconnected,
    NotAsked,
    ReportUnavailable,
    StaleWakeUp,
)
from email_opens.model import Estimate, Gap
from email_opens.scheduling.candidates import prior_of
from email_opens.scheduling.choice import GRAIN_SECONDS, Why
from email_opens.scheduling.wake_ups import CHAIN, MOST_WAKE_UPS
from tests.contract.samples import ACTIVITY_ID, varied
from tests.core.setup import DAY, LEASE, Core, at, polls, row
from tests.fakes import FakeClock
from tests.world import Calls


@pytest.fixture
def core() -> Core:
    return Core()


def hot(core: Core, name: str = "a") -> None:
    """Track an activity that was sent just now."""
    core.track(campaign_activity_id=name, sent_at=core.clock.now(), tracked_at=core.clock.now())


def outstanding(core: Core) -> WakeUp | None:
    account = core.tracking.account("default")
    assert account
    return account.wake_up


class TestATurn:
    def test_ends_as_soon_as_nothing_is_worth_a_request(self, core: Core) -> None:
        hot(core)
        began = core.clock.now()
        turn = core.take_turn()
        assert (core.polled, core.clock.now()) == (["a"], began)
        assert turn.next_in_seconds == GRAIN_SECONDS

    def test_waits_for_what_will_be_worth_a_request_within_two_seconds(self, core: Core) -> None:
        fresh(core, "a", read_seconds_ago=23.5)
        fresh(core, "b", read_seconds_ago=21.0)
        began = core.clock.now()
        core.take_turn()
        assert core.polled == ["a"]
        assert core.clock.now() == began + timedelta(seconds=1.5)

    def test_does_not_wait_beyond_its_time(self, core: Core) -> None:
        fresh(core, "a", read_seconds_ago=23.5)
        began = core.clock.now()
        turn = core.turns().take_turn("default", holder="turn", before=began + timedelta(seconds=2))
        assert (core.polled, core.clock.now(), turn.next_in_seconds) == ([], began, 1.5)

    def test_does_not_know_what_comes_next_if_nothing_is_tracked(self, core: Core) -> None:
        assert core.take_turn().next_in_seconds is None

    def test_of_a_command_asks_for_nothing(self, core: Core) -> None:
        hot(core)
        assert core.take_turn().wake_up_in_seconds is None
        assert outstanding(core) is None

    @pytest.mark.parametrize(("left", "polled"), [(1.0, True), (0.999, False)])
    def test_begins_a_poll_if_a_second_is_left(self, core: Core, left: float, polled: bool) -> None:
        hot(core, "a")
        hot(core, "b")
        calls = Calls()
        calls.after[0] = lambda: core.clock.sleep(LEASE.total_seconds() - left)
        core.take_turn(calls)
        assert ("b" in core.polled) is polled


def fresh(core: Core, name: str, read_seconds_ago: float) -> None:
    """Track an activity that was sent five minutes ago, and read meanwhile."""
    now = core.clock.now()
    read_at = now - timedelta(seconds=read_seconds_ago)
    sent = now - timedelta(minutes=5)
    core.track(
        campaign_activity_id=name,
        sent_at=sent,
        tracked_at=sent,
        watermark=read_at,
        polled_at=read_at,
        head_at=read_at,
        swept_at=read_at,
        audited_at=read_at,
        estimate=Estimate(1.0, 1e9),
    )


class TestAWakeUp:
    def test_is_stored_before_it_is_asked_for(self, core: Core) -> None:
        hot(core)
        stored: list[WakeUp | None] = []

        class Looking(NextWakeUp):
            def ask(self, account_id: str, *, token: str, seconds: int) -> None:
                stored.append(outstanding(core))
                super().ask(account_id, token=token, seconds=seconds)

        wake_ups = Looking()
        began = core.clock.now()
        turn = core.take_turn(holder="request", wake_ups=wake_ups)
        assert (wake_ups.token, wake_ups.seconds, turn.wake_up_in_seconds) == ("request", 5, 5)
        (wake_up,) = stored
        assert wake_up == outstanding(core)
        assert wake_up
        assert (wake_up.token, wake_up.due_at) == ("request", began + timedelta(seconds=5))
        assert (wake_up.chain.began_at, wake_up.chain.wake_ups) == (began, 1)

    def test_starts_a_turn_once(self, core: Core) -> None:
        hot(core)
        core.take_turn(holder="one", wake_ups=NextWakeUp())
        core.clock.sleep(5)
        turn = core.take_turn(holder="two", woken_by="one")
        assert (turn.leased, turn.woken, core.polled) == (True, True, ["a", "a"])
        assert outstanding(core) is None
        core.clock.sleep(5)
        again = core.take_turn(holder="three", woken_by="one")
        assert (again.leased, again.requests, len(core.polled)) == (False, 0, 2)
        assert isinstance(again.stopped, StaleWakeUp)

    def test_starts_no_turn_after_the_schedule_has_started_one(self, core: Core) -> None:
        hot(core)
        core.take_turn(holder="one", wake_ups=NextWakeUp())
        core.take_turn(holder="two", wake_ups=NextWakeUp())
        before = core.tracking.account("default")
        assert isinstance(core.take_turn(woken_by="one").stopped, StaleWakeUp)
        assert core.tracking.account("default") == before

    def test_does_not_wait_for_a_turn_that_is_under_way(self, core: Core) -> None:
        hot(core)
        core.take_turn(holder="one", wake_ups=NextWakeUp())
        began = core.clock.now()
        with core.turns().leases.hold("default", holder="two"):
            turn = core.take_turn(holder="three", woken_by="one")
        assert (turn.leased, core.clock.now()) == (False, began)

    def test_creates_no_account(self, core: Core) -> None:
        assert isinstance(core.take_turn(woken_by="one").stopped, StaleWakeUp)
        assert core.tracking.accounts == {}

    def test_that_comes_after_its_minute_starts_no_turn(self, core: Core) -> None:
        hot(core)
        core.take_turn(holder="one", wake_ups=NextWakeUp())
        core.clock.sleep(CHAIN.total_seconds())
        turn = core.take_turn(holder="two", woken_by="one")
        assert isinstance(turn.stopped, StaleWakeUp)
        assert (turn.leased, core.polled) == (False, ["a"])
        assert core.tracking.accounts["default"].lease_holder is None

    def test_ends_its_turn_when_the_schedule_starts_the_next(self, core: Core) -> None:
        hot(core)
        core.track(campaign_activity_id="b", tracked_at=at(0) - DAY)
        began = core.clock.now()
        core.take_turn(holder="one", wake_ups=NextWakeUp())
        core.clock.sleep(50)
        core.arrive(*(row(-number) for number in range(90)), to="a")
        calls = Calls()
        calls.after.update(dict.fromkeys(range(99), lambda: core.clock.sleep(3)))
        core.take_turn(calls, holder="two", woken_by="one")
        assert core.clock.now() - began < CHAIN + timedelta(seconds=4)

    def test_that_cannot_be_asked_for_is_reported_and_nothing_else_changes(
        self, core: Core
    ) -> None:
        hot(core)

        class Refusing:
            def ask(self, *_: str, **__: object) -> None:
                raise NotAsked("There is no queue.")

        turn = core.take_turn(wake_ups=Refusing())
        assert (str(turn.not_asked), turn.wake_up_in_seconds) == ("There is no queue.", None)
        assert (turn.completed, turn.failures, core.polled) == (True, [], ["a"])


class TestNoWakeUpIsAskedFor:
    def asked(self, core: Core, **how: Any) -> bool:
        wake_ups = NextWakeUp()
        core.take_turn(wake_ups=wake_ups, **how)
        assert (outstanding(core) is not None) is (wake_ups.token is not None)
        return wake_ups.token is not None

    def test_after_the_account_was_stopped(self, core: Core) -> None:
        hot(core)
        hot(core, "b")
        core.report_errors["a"] = AccountDisconnected("Connect it.")
        assert not self.asked(core)

    def test_when_the_budget_is_spent(self, core: Core) -> None:
        core.requests_per_day = 1
        hot(core)
        assert not self.asked(core)

    def test_when_the_account_rests_because_the_vendor_has_not_answered(self, core: Core) -> None:
        with core.turns().leases.hold("default", holder="turn") as lease:
            lease.wake_up = WakeUp(token="turn", due_at=at(121), chain=Chain(at(120), 1))
            lease.budget.outage = Outage(attempts=1, failing=frozenset({"a"}))
        account = core.tracking.accounts["default"]
        assert (account.wake_up, account.rests_until is None) == (None, False)

    def test_when_the_next_request_is_due_after_the_schedule(self, core: Core) -> None:
        aged(core, 1.0)
        assert not self.asked(core)

    def test_when_the_time_is_over(self, core: Core) -> None:
        hot(core)
        calls = Calls()
        calls.after[0] = lambda: core.clock.sleep(LEASE.total_seconds())
        assert not self.asked(core, calls=calls)


class TestAChain:
    def test_polls_a_fresh_send_again_and_again(self, core: Core) -> None:
        hot(core)
        turns = core.take_turns()
        assert [turn.woken for turn in turns] == [False, *[True] * (len(turns) - 1)]
        assert len(core.polled) == len(turns) == MOST_WAKE_UPS

    def test_publishes_an_open_that_comes_after_its_first_turn(self, core: Core) -> None:
        hot(core)
        calls = Calls()
        calls.after[0] = lambda: core.arrive(row(120), to="a")
        core.take_turns(calls)
        assert core.published_minutes("a") == [120]

    def test_ends_within_its_minute(self, core: Core) -> None:
        hot(core)
        began = core.clock.now()
        core.take_turns()
        assert core.clock.now() - began < CHAIN
        assert outstanding(core) is None

    def test_polls_a_fresh_send_every_25_seconds_whatever_that_is_worth(self, core: Core) -> None:
        fresh(core, "a", read_seconds_ago=0)
        began = core.clock.now()
        core.take_turns()
        polled_at = core.activity("a").progress.polled_at
        assert (len(core.polled), polled_at) == (2, began + timedelta(seconds=50))

    def test_polls_a_busy_activity_beside_a_fresh_send_that_hardly_anyone_opens(
        self, core: Core
    ) -> None:
        """The fresh send is polled more often than the plan allows a request."""
        core.requests_per_day = 1000
        fresh(core, "fresh", read_seconds_ago=0)
        now = core.clock.now()
        core.track(
            campaign_activity_id="busy",
            sent_at=now - 2 * DAY,
            tracked_at=now - 2 * DAY,
            watermark=now,
            polled_at=now,
            head_at=now,
            swept_at=now,
            audited_at=now,
            estimate=Estimate(40.0, 15.0),
        )
        for minute in range(10):
            core.clock.sleep((now + timedelta(minutes=minute) - core.clock.now()).total_seconds())
            core.take_turns()
        assert core.polled.count("busy") > 5

    def test_polls_what_fails_only_once(self, core: Core) -> None:
        hot(core, "a")
        hot(core, "b")
        core.report_errors["b"] = ReportUnavailable("No page.")
        core.take_turns()
        assert core.polled.count("b") == 1
        assert core.polled.count("a") > 3
        core.clock.sleep(5)
        core.take_turns()
        assert core.polled.count("b") == 2

    def test_reads_a_failing_gap_only_once(self, core: Core) -> None:
        hot(core, "a")
        core.track(campaign_activity_id="b", sent_at=at(-300), weight=1e-6)
        core.arrive(*map(row, range(-300, 0)), to="b")
        core.requests_in_time = 20
        core.take_turn()
        core.requests_in_time = 1000

        def fail() -> None:
            core.report_errors["b"] = ReportUnavailable("No page.")

        core.clock.sleep(60)
        core.world.between_requests = [*[lambda: core.clock.sleep(1)] * 8, fail]
        head_at = core.activity("b").progress.head_at
        turns = core.take_turns()
        assert [len(turn.failures) for turn in turns[:3]] == [1, 0, 0]
        (gap,) = core.activity("b").progress.gaps
        assert (gap.failures, core.activity("b").progress.head_at) == (1, head_at)

    def test_polls_what_failed_at_the_end_of_the_last_one(self, core: Core) -> None:
        fresh(core, "a", read_seconds_ago=1)
        key = "default", "a"
        core.tracking.items[key] = varied(core.tracking.items[key], last_error="No page.")
        began = core.clock.now()
        core.take_turns()
        assert core.polled == ["a", "a"]
        assert core.activity("a").progress.polled_at == began + timedelta(seconds=49)

    def test_polls_a_head_whose_gap_has_long_failed(self, core: Core) -> None:
        hot(core, "a")
        fresh(core, "b", read_seconds_ago=20)
        key = "default", "b"
        broken = core.tracking.items[key]
        gap = Gap(None, at(0), "/9", failures=9, retry_at=at(0) + 9 * DAY)
        core.tracking.items[key] = varied(broken, gaps=(gap,), last_error="A gap is stuck.")
        core.take_turns()
        assert core.polled.count("b") == 3


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
    assert polls(turn) == [(ACTIVITY_ID, Why.FIRST)]
    assert estimate is not None
    assert estimate.opens_a_second > 0.005


def test_a_clock_that_has_jumped_back_delays_no_poll(core: Core) -> None:
    core.track(polled_at=core.clock.now() + DAY, watermark=at(0), audited_at=at(0))
    core.take_turn()
    assert core.activity().progress.polled_at == core.clock.now()


def test_a_first_read_finds_when_an_activity_was_sent(core: Core) -> None:
    core.track()
    core.arrive(row(100), row(-300))
    core.take_turn()
    assert core.activity().sent_at == at(-300)


def test_a_turn_reports_why_it_spent_its_requests(core: Core) -> None:
    hot(core)
    core.track(campaign_activity_id="b", polled_at=at(0) - DAY, watermark=at(0), audited_at=at(0))
    turn = core.take_turn()
    assert polls(turn) == [("a", Why.FIRST), ("b", Why.OVERDUE)]
    assert core.polled == ["a", "b"]


def test_a_turn_reports_what_the_longest_intervals_need_beyond_the_budget(core: Core) -> None:
    core.requests_per_day = 10
    for number in range(20):
        core.track(campaign_activity_id=str(number), tracked_at=core.clock.now())
    needs = core.take_turn().shortfall + 10
    assert needs > 700
    for budget, shortfall in ((100, needs - 100), (needs - 1, 1), (needs, 0), (needs + 1, 0)):
        again = Core(clock=FakeClock(core.clock.now()), requests_per_day=budget)
        for number in range(20):
            again.track(campaign_activity_id=str(number), tracked_at=again.clock.now())
        assert again.take_turn().shortfall == shortfall


def test_a_turn_reports_the_price_of_a_request(core: Core) -> None:
    hot(core)
    price = core.take_turn().price
    assert price is not None
    assert 0 < price < 100


def test_a_turn_without_a_request_left_reports_no_price(core: Core) -> None:
    core.requests_per_day = 0
    hot(core)
    assert core.take_turn().price is None


def test_a_turn_reports_what_is_left_of_the_day(core: Core) -> None:
    hot(core)
    assert core.take_turn().requests_left == 9_999


def test_rows_that_came_within_their_grain_do_not_change_the_rate(
    core: Core,
) -> None:
    core.track(tracked_at=core.clock.now())
    core.arrive(*(row(120, f"c{number}") for number in range(90)))
    core.take_turn()
    assert core.activity().profile.estimate == prior_of(())

"""What counters bring: who is read sooner, who is left alone, and what is learned of them."""

from datetime import datetime, timedelta
from typing import Any

import pytest

from email_opens.account import Account, CounterTrust
from email_opens.errors import (
    AccountDisconnected,
    ActivityForbidden,
    QuotaExceeded,
    ReportUnavailable,
)
from email_opens.model import Activity, Estimate, State
from email_opens.scheduling.choice import Probe
from email_opens.turns.report import TurnReport
from tests.core.setup import DAY, Core, at, row
from tests.world import Calls

CAMPAIGN = "campaign"
UNAVAILABLE = ReportUnavailable("The vendor gave no counters.")


@pytest.fixture
def core() -> Core:
    core = Core()
    core.world.refreshed_at = core.clock.now()
    core.world.counters = {CAMPAIGN: 0}
    return core


def read(core: Core, name: str = "a", **changes: Any) -> Activity:
    """Track an activity that was read at noon, and that hardly anybody opens."""
    known = {
        "campaign_activity_id": name,
        "campaign_id": CAMPAIGN,
        "polled_at": at(119),
        "swept_at": at(119),
        "audited_at": at(119),
        "watermark": at(0) - 2 * DAY,
        "tracked_at": at(0) - 9 * DAY,
        "estimate": Estimate(1.0, 1e9),
        "counter": 0,
    }
    return core.track(**(known | changes))


def counter_trust(core: Core) -> CounterTrust:
    return core.tracking.accounts["default"].counter_trust


# --- Who is read ---


def test_whose_counter_has_moved_is_polled(core: Core) -> None:
    read(core)
    core.world.counters[CAMPAIGN] = 1
    core.take_turn()
    assert core.polled == ["a"]


def test_an_activity_whose_counter_has_not_moved_is_not_polled(core: Core) -> None:
    read(core)
    core.take_turn()
    assert (core.world.counted, core.polled) == ([(CAMPAIGN,)], [])


def test_a_counter_that_stands_still_never_keeps_an_activity_from_its_longest_interval(
    core: Core,
) -> None:
    read(core)
    for _ in range(24):
        core.world.refreshed_at = core.clock.now()
        core.take_turn()
        core.clock.sleep(3600)
    core.take_turn()
    assert core.polled == ["a"]


def test_each_campaigns_counter_is_requested_once_and_many_in_one_request(core: Core) -> None:
    core.campaigns_per_probe = 2
    for name, campaign in (("a", "1"), ("b", "1"), ("c", "2"), ("d", "3")):
        core.world.counters[campaign] = 0
        read(core, name, campaign_id=campaign)
    core.take_turn()
    assert core.world.counted == [("1", "2"), ("3",)]


def test_a_counter_that_moved_is_moved_no_more_once_it_was_read(core: Core) -> None:
    read(core)
    core.world.counters[CAMPAIGN] = 1
    core.take_turn()
    core.clock.sleep(3600)
    core.take_turn()
    assert (core.polled, core.activity("a").profile.counter) == (["a"], 1)


def test_opens_that_a_counter_does_not_know_yet_are_expected_of_it(core: Core) -> None:
    read(core, polled_at=at(0) - DAY)
    core.arrive(row(110), row(111), to="a")
    core.take_turn()
    assert core.activity("a").profile.counter == 2


def test_a_counter_that_counts_less_than_the_rows_is_taken_as_it_is(core: Core) -> None:
    read(core, counter=9)
    core.take_turn()
    core.clock.sleep(1800)
    core.world.counters[CAMPAIGN] = 1
    core.world.refreshed_at = core.clock.now()
    core.take_turn()
    assert core.polled == []


def test_of_a_first_count_it_is_not_known_what_was_read(core: Core) -> None:
    read(core, counter=None)
    core.world.counters[CAMPAIGN] = 7
    core.take_turn()
    assert (core.polled, core.activity("a").profile.counter) == (["a"], 7)


def test_a_first_count_from_before_the_last_read_is_kept_without_another(core: Core) -> None:
    read(core, counter=None)
    core.world.counters[CAMPAIGN] = 7
    core.world.refreshed_at = at(118)
    core.take_turn()
    assert (core.polled, core.activity("a").profile.counter) == ([], 7)


# --- Who wakes ---


@pytest.mark.parametrize("state", [State.FINISHED, State.GONE])
def test_an_activity_that_is_over_wakes_when_its_counter_moves(core: Core, state: State) -> None:
    read(core, state=state, tracked_at=at(0) - 90 * DAY, watermark=at(0) - 90 * DAY)
    core.world.counters[CAMPAIGN] = 1
    core.arrive(row(115), to="a")
    core.take_turn()
    assert (core.activity("a").state, core.published_minutes("a")) == (State.ACTIVE, [115])


@pytest.mark.parametrize("state", [State.ACTIVE, State.GONE])
def test_what_the_vendor_does_not_know_wakes_once_each_time_its_counter_moves(
    core: Core, state: State
) -> None:
    read(core, state=state, missing_since=at(100) - DAY)
    core.world.rows.clear()
    polls = []
    for count in (0, 1, 1, 1, 2, 2):
        core.world.counters[CAMPAIGN] = count
        core.world.refreshed_at = core.clock.now()
        turn = core.take_turn()
        polls.append(turn.requests - turn.probes)
        core.clock.sleep(3600)
    assert polls == [0, 1, 0, 0, 1, 0]


def test_an_activity_that_is_over_sleeps_on_while_its_counter_stands_still(core: Core) -> None:
    read(core, state=State.FINISHED)
    core.take_turn()
    assert core.activity("a").state is State.FINISHED


def test_a_turn_that_finds_only_sleepers_asks_once_an_hour(core: Core) -> None:
    read(core, state=State.FINISHED)
    for _ in range(3):
        core.take_turn()
        core.clock.sleep(1800)
    assert len(core.world.counted) == 2


def test_an_activity_without_news_for_a_year_sleeps_for_good(core: Core) -> None:
    old = at(0) - 366 * DAY
    read(core, state=State.FINISHED, tracked_at=old, watermark=old)
    core.take_turn()
    assert core.world.counted == []


def test_sleepers_are_asked_for_where_a_request_has_room(core: Core) -> None:
    core.campaigns_per_probe = 2
    read(core)
    for name, minute in (("late", 100), ("early", 50)):
        core.world.counters[name] = 0
        read(core, name, campaign_id=name, state=State.FINISHED, polled_at=at(minute))
    core.take_turn()
    assert core.world.counted == [(CAMPAIGN, "late")]


def test_a_probe_of_several_requests_is_reported_as_one(core: Core) -> None:
    core.campaigns_per_probe = 2
    for number in range(3):
        core.world.counters[str(number)] = 0
        read(core, f"a{number}", campaign_id=str(number))
    turn = core.take_turn()
    assert turn.decisions == [Probe()]
    assert (turn.probes, turn.requests) == (1, 2)


def test_a_woken_activity_that_was_not_polled_is_asked_for_again(core: Core) -> None:
    read(core, state=State.FINISHED)
    core.world.counters[CAMPAIGN] = 1
    core.requests_in_time = 0
    core.take_turn()
    assert core.activity("a").state is State.ACTIVE
    assert counter_trust(core).read_at is None


def test_sleepers_that_do_not_fit_are_read_in_turn_hour_by_hour(core: Core) -> None:
    core.campaigns_per_probe = 1
    for name, minute in (("late", 100), ("early", 50), ("first", 25)):
        core.world.counters[name] = 0
        read(core, name, campaign_id=name, state=State.FINISHED, polled_at=at(minute))
    for _ in range(4):
        core.take_turn()
        core.clock.sleep(3600)
    assert sorted(core.world.counted[:3]) == [("early",), ("first",), ("late",)]
    assert core.world.counted[3] == core.world.counted[0]


# --- What has no counter ---


def test_a_campaign_without_a_counter_is_found_and_set_aside(core: Core) -> None:
    for number in range(5):
        core.world.counters[str(number)] = 0
        read(core, f"a{number}", campaign_id=str(number))
    del core.world.counters["3"]
    core.take_turn()
    assert [core.activity(f"a{number}").profile.uncounted for number in range(5)] == [
        number == 3 for number in range(5)
    ]


def test_a_campaign_alone_without_a_counter_is_set_aside(core: Core) -> None:
    core.world.counters.clear()
    read(core)
    core.take_turn()
    assert (core.activity("a").profile.uncounted, counter_trust(core).lag_seconds) == (True, 0)


def test_an_activity_that_has_failed_is_not_polled_again_for_its_counter(core: Core) -> None:
    read(core, polled_at=at(0) - DAY)
    read(core, "b", estimate=Estimate(40.0, 40.0))
    core.report_errors["a"] = ZeroDivisionError()
    core.tracking.accounts["default"] = Account(
        account_id="default", counter_trust=CounterTrust(read_at=at(120) - timedelta(seconds=880))
    )
    core.world.counters[CAMPAIGN] = 1
    calls = Calls()
    calls.after[0] = lambda: core.clock.sleep(20)
    core.take_turn(calls)
    assert (core.polled.count("a"), len(core.world.counted)) == (1, 1)


def test_a_campaign_without_a_counter_is_not_requested_again(core: Core) -> None:
    read(core, uncounted=True)
    core.take_turn()
    assert core.world.counted == []


def test_a_campaign_without_a_counter_is_requested_again_after_an_audit(core: Core) -> None:
    read(core, uncounted=True, polled_at=at(0) - DAY, audited_at=at(0) - DAY)
    core.take_turn()
    assert not core.activity("a").profile.uncounted


def test_a_search_for_what_has_no_counter_ends(core: Core) -> None:
    core.world.counters.clear()
    for number in range(60):
        read(core, f"a{number}", campaign_id=str(number))
    turn = core.take_turn()
    assert str(turn.uncounted) == "Too many campaigns have no counter; the others wait."


# --- Counters that fail ---


@pytest.mark.parametrize(
    "error", [UNAVAILABLE, ActivityForbidden("Forbidden."), ZeroDivisionError()]
)
def test_polls_go_on_when_the_counters_fail(core: Core, error: Exception) -> None:
    core.world.counters_fail = error
    read(core, polled_at=at(0) - DAY)
    turn = core.take_turn()
    assert (turn.uncounted, turn.stopped, core.polled) == (error, None, ["a"])


@pytest.mark.parametrize(
    "error",
    [QuotaExceeded("The day's quota is spent.", at(720)), AccountDisconnected("Run connect.")],
)
def test_what_stops_the_account_stops_a_probe_too(core: Core, error: Exception) -> None:
    core.world.counters_fail = error
    read(core)
    assert core.take_turn().stopped is core.world.counters_fail


def test_counters_that_fail_are_believed_less(core: Core) -> None:
    core.world.counters_fail = UNAVAILABLE
    read(core)
    core.take_turn()
    now = core.clock.now()
    assert counter_trust(core) == CounterTrust(read_at=now, missed=0.25, archived_at=now)


# --- What is learned ---


def test_a_probe_stores_up_to_when_its_counters_include_opens(core: Core) -> None:
    read(core)
    core.world.refreshed_at = at(100)
    core.take_turn()
    assert (counter_trust(core).read_at, counter_trust(core).current_until) == (
        core.clock.now(),
        at(100),
    )


def test_the_lag_is_learned_slowly(core: Core) -> None:
    read(core)
    core.world.refreshed_at = core.clock.now() - timedelta(seconds=100)
    core.take_turn()
    assert counter_trust(core).lag_seconds == pytest.approx(5)


def test_counters_are_due_at_once_if_one_moved_and_its_report_was_not_read(
    core: Core,
) -> None:
    read(core)
    core.world.counters[CAMPAIGN] = 1
    core.requests_per_day = 1
    core.take_turn()
    assert counter_trust(core).read_at is None


def missing(core: Core, current_until: datetime) -> TurnReport:
    """Poll an activity whose counter stood still until an instant, and find an open before it."""
    read(core, polled_at=at(0) - DAY, swept_at=at(119))
    core.tracking.accounts["default"] = Account(
        account_id="default",
        counter_trust=CounterTrust(read_at=at(119), current_until=current_until),
    )
    core.arrive(row(60), to="a")
    return core.take_turn()


def test_an_open_that_the_counter_did_not_include_counts_as_missed(core: Core) -> None:
    missing(core, at(100))
    assert counter_trust(core).missed == pytest.approx(0.02)


def test_an_open_that_came_after_the_count_is_not_missed(core: Core) -> None:
    missing(core, at(60))
    assert counter_trust(core).missed == 0


def test_what_a_turn_has_learned_is_used_by_the_next(core: Core) -> None:
    read(core)
    core.take_turn()
    core.clock.sleep(60)
    core.take_turn()
    assert len(core.world.counted) == 1


def fresh(core: Core, activities: int) -> None:
    """Track activities that were sent five minutes ago and read just now."""
    now = core.clock.now()
    sent = now - timedelta(minutes=5)
    for number in range(activities):
        core.world.counters[f"campaign {number}"] = 0
        core.track(
            campaign_activity_id=f"a{number}",
            campaign_id=f"campaign {number}",
            sent_at=sent,
            tracked_at=sent,
            polled_at=now,
            watermark=now,
            swept_at=now,
            audited_at=now,
            counter=0,
        )


def test_a_turn_reports_how_often_it_has_read_the_counters(core: Core) -> None:
    fresh(core, 40)
    assert [core.take_turn().probes, core.take_turn().probes] == [1, 0]
    assert len(core.world.counted) == 1


@pytest.mark.parametrize(("campaigns_per_probe", "probes"), [(150, 5), (2, 2)])
def test_counters_that_take_many_requests_are_read_less_often(
    core: Core, campaigns_per_probe: int, probes: int
) -> None:
    fresh(core, 20)
    core.campaigns_per_probe = campaigns_per_probe
    assert sum(turn.probes for turn in core.take_turns()) == probes


def test_counters_that_failed_are_not_read_again_in_the_turn(core: Core) -> None:
    fresh(core, 40)
    core.world.counters_fail = UNAVAILABLE
    assert core.take_turn().probes == 1

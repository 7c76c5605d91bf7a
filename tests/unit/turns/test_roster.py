"""The activities of a turn, as far as the turns of `tests/core` do not show them."""

import pytest

from email_opens.account import CounterTrust, Hours
from email_opens.model import Activity, CounterReadings, State
from email_opens.turns.roster import Roster
from tests.contract.samples import ACTIVITY, ACTIVITY_ID, NOON, varied
from tests.fakes import MemoryTracking


def roster_of(*activities: Activity) -> Roster:
    tracking = MemoryTracking()
    assert all(tracking.add(activity) for activity in activities)
    roster = Roster(
        tracking=tracking, counter_trust=CounterTrust(), campaigns_per_probe=150, hours=Hours()
    )
    roster.load(activities, NOON)
    return roster


@pytest.fixture
def roster() -> Roster:
    return roster_of(ACTIVITY)


def test_a_dropped_activity_may_be_dropped_again(roster: Roster) -> None:
    roster.drop(ACTIVITY_ID)
    roster.drop(ACTIVITY_ID)
    assert roster.candidates == {}


def test_an_activity_that_its_counter_wakes_counts_as_changed() -> None:
    roster = roster_of(varied(ACTIVITY, state=State.FINISHED, campaign_id="campaign", counter=3))
    readings = CounterReadings(opens={"campaign": 4})
    roster.take_readings(readings, NOON, NOON, failed=False)
    assert roster.activities[ACTIVITY_ID].state is State.ACTIVE
    assert roster.candidates[ACTIVITY_ID].changed


@pytest.mark.parametrize("wakes", [True, False])
def test_counters_are_read_only_for_what_is_asleep_if_nothing_else_has_one(wakes: bool) -> None:
    asleep = varied(ACTIVITY, state=State.FINISHED, campaign_id="campaign", counter=3)
    polled = varied(
        ACTIVITY,
        campaign_activity_id="b",
        campaign_id=None if wakes else "other",
        counter=3,
        polled_at=NOON,
    )
    roster = roster_of(asleep, polled)
    assert roster.only_asleep(NOON) is wakes


def test_the_plan_knows_the_hours_of_the_day() -> None:
    roster = roster_of(varied(ACTIVITY, polled_at=NOON))
    flat = roster.plan(NOON, 1000)
    roster.hours = Hours((100.0,) * 14 + (1.0,) * 10, (50.0,) * 24)
    assert roster.plan(NOON, 1000).requests_a_second > 2 * flat.requests_a_second


def test_counters_are_read_again_if_what_has_changed_is_unread() -> None:
    roster = roster_of(varied(ACTIVITY, campaign_id="campaign", counter=3, polled_at=NOON))
    known = CounterTrust(read_at=NOON, current_until=NOON)
    roster.counter_trust = known
    roster.forget_unread()
    assert roster.counter_trust == known
    readings = CounterReadings(opens={"campaign": 4})
    roster.take_readings(readings, NOON, NOON, failed=False)
    roster.forget_unread()
    assert roster.counter_trust.read_at is None

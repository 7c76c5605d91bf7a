"""The activities of a turn, as far as the turns of `tests/core` do not show them."""

import pytest

from email_opens.account import CounterTrust
from email_opens.model import Activity, CounterReadings, State
from email_opens.turns.roster import Roster
from tests.contract.samples import ACTIVITY, ACTIVITY_ID, NOON, varied
from tests.fakes import MemoryTracking


def roster_of(activity: Activity) -> Roster:
    tracking = MemoryTracking()
    assert tracking.add(activity)
    roster = Roster(tracking=tracking, counter_trust=CounterTrust(), campaigns_per_probe=150)
    roster.load([activity], NOON)
    return roster


@pytest.fixture
def roster() -> Roster:
    return roster_of(ACTIVITY)


def test_a_dropped_activity_may_be_dropped_again(roster: Roster) -> None:
    roster.drop(ACTIVITY_ID)
    roster.drop(ACTIVITY_ID)
    assert roster.candidates == {}


def test_no_activity_is_the_longest_unread_if_all_were_dropped(roster: Roster) -> None:
    assert roster.longest_unread() == roster.candidates[ACTIVITY_ID]
    roster.drop(ACTIVITY_ID)
    assert roster.longest_unread() is None


def test_an_activity_that_its_counter_wakes_counts_as_changed() -> None:
    roster = roster_of(varied(ACTIVITY, state=State.FINISHED, campaign_id="campaign", counter=3))
    readings = CounterReadings(opens={"campaign": 4})
    roster.take_readings(readings, NOON, NOON, failed=False)
    assert roster.activities[ACTIVITY_ID].state is State.ACTIVE
    assert roster.changed == {ACTIVITY_ID}
